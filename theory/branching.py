"""What statements about SMC-IND assume; by [E.1] VGB run from visit to visit is SMC-IND."""

from __future__ import annotations

import math

from simulator.problem.problem import Problem
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.base import Sampler
from simulator.samplers.branching.exact import NEGLIGIBLE, log_chance_beyond
from simulator.samplers.branching.sampler import SMCIndependent
from theory.statement import Assumption

__all__ = ["BRANCHES", "UNCUT"]


def _branches(problem: Problem, sampler: Sampler) -> bool:
    return not isinstance(sampler, Backtracking) or sampler.stop == "visits"


def _uncut(problem: Problem, sampler: Sampler) -> bool:
    if isinstance(sampler, Backtracking):
        most = sampler.max_steps // 2 - sampler.n_particles
    else:
        assert isinstance(sampler, SMCIndependent)
        most = sampler.max_particles
    return log_chance_beyond(problem, sampler.n_particles, most) <= math.log(NEGLIGIBLE)


BRANCHES = Assumption("a walk that stops at a visit of s (stop=visits)", _branches, True)
UNCUT = Assumption("no run is cut off, up to a probability of 1e-13", _uncut, True)
