"""Statement P-ind: with a perfect PRM, extinction is the only error of SMC-IND."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from theory.assumptions import BRANCHING, DRAWN, UNCUT, Assumption
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["branching_extinction"]


def _perfect(problem: Problem, sampler: Sampler, facts: Facts) -> bool:
    return bool(np.abs(criteria(problem).prm_accuracy - 1) <= 1e-13)


PERFECT = Assumption("a perfect PRM, V^ = V* at every prefix", _perfect)


@bound(
    id="P-ind",
    title="error of SMC-IND with a perfect PRM",
    rate="exponential",
    reference="classical: a Galton-Watson process with geometric offspring of mean 1",
    formula="(H/(H+1))^N",
    latex=r"$\left(\frac{H}{H + 1}\right)^N$",
    assumptions=(BRANCHING, DRAWN, UNCUT, PERFECT),
    kind="exact",
)
def branching_extinction(problem: Problem, sampler: Sampler) -> float:
    r"""D_TV = (H/(H+1))^N if V^ = V*: a number of particles of order H is needed, and enough.

    Each particle has k children with probability 2^-(k+1), independently of where it is, and
    tokens follow pi*. So given that leaves are reached a uniform one of them has the law pi*,
    and the family of a particle misses level H with probability H/(H+1).

    Guarantee: exact.

    Parameters
    ----------
    problem : Problem
        What is sampled, with a perfect PRM; only H matters.
    sampler : Sampler
        SMC-IND; VGB with ``stop="visits"``, which has its law [E.1]; or one that declares it.

    Returns
    -------
    float
        D_TV itself.
    """
    horizon = problem.horizon
    return (horizon / (horizon + 1)) ** sampler.n_particles
