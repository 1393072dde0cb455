"""Metropolis-Hastings whose proposals are paths drawn token by token from pools of candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from simulator.checks import check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Bools, Floats, Seeds

__all__ = ["PoolMetropolis"]

COSTS = ("prm_evaluations", "model_calls")


@dataclass(frozen=True)
class PoolMetropolis(Sampler):
    r"""Metropolis-Hastings over resampled pools (Zhu and Lu, arXiv 2602.01381, algorithm 2).

    A proposal is a run of action-level importance sampling: at each level a pool of N candidates
    from pi_ref, one kept in proportion to V^(child)/V^(parent); W^_H is V^(root) times the means of
    the pools. The state is a path and its W^_H; a proposal is accepted with probability
    min(1, W^'_H/W^_H), so that W^_H times the law of proposals is in detailed balance, whose
    marginal on paths is pi*. It is particle independent Metropolis-Hastings (Andrieu, Doucet
    and Holenstein 2010) with pools in place of a particle filter. The first state is a proposal.
    As W^_H <= w almost surely, the error is at most (1 - Z/w)^steps, whatever N is.

    Parameters
    ----------
    n_particles : int
        Candidates in a pool, N >= 1.
    steps : int
        Proposals behind the first, >= 0. With 0 it is action-level importance sampling.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> for steps in (0, 4, 16):
    ...     print(f"{PoolMetropolis(2, steps).exact_law(reference(2)).tv:.4f}")
    0.1585
    0.0147
    0.0001
    """

    n_particles: int
    steps: int = 8

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_int("steps", self.steps, 0)

    @property
    def proposal(self) -> ActionImportanceSampling:
        """The sampler of one proposal."""
        return ActionImportanceSampling(self.n_particles)

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: an accepted path carries no unbiased weight."""
        return Facts(lost_mass=problem.forward_backward.lost_mass)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; without `Runs.log_w`, costs are those of all proposals."""
        from simulator.streams.xoshiro import uniforms

        here = self.proposal.from_seeds(problem, seeds, keep, n_threads)
        for _ in range(self.steps):
            there = self.proposal.from_seeds(problem, seeds, keep, n_threads)
            here = _step(here, there, uniforms(seeds))
        return replace(here, log_w=None)

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`."""
        here = self.proposal.on_text(problem, rngs)
        for _ in range(self.steps):
            there = self.proposal.on_text(problem, rngs)
            here = _step(here, there, np.array([rng.uniform() for rng in rngs]))
        return replace(here, log_w=None)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: the joint law of a proposal and its W^_H is enumerated."""
        from simulator.samplers.pool_metropolis.exact import exact_law

        del shortfall  # there is no W^_H
        return exact_law(problem, int(self.n_particles), int(self.steps), on, limit)


def _step(here: Runs, there: Runs, u: Floats) -> Runs:
    """Move to the proposals that are accepted."""
    accepted = _accepts(here, there, u)
    out: dict[str, Any] = {}
    for name, x in vars(here).items():
        if name in COSTS:
            out[name] = x + getattr(there, name)
        elif x is not None:
            rows = accepted.reshape(-1, *[1] * (x.ndim - 1))
            out[name] = np.where(rows, getattr(there, name), x)
    return Runs(**out)


def _accepts(here: Runs, there: Runs, u: Floats) -> Bools:
    """Whether u < W^'/W^; what has failed is left for anything that has not."""
    assert here.log_w is not None
    assert there.log_w is not None
    with np.errstate(invalid="ignore"):
        ratio = np.exp(np.minimum(there.log_w - here.log_w, 0.0))
    return np.where(here.failed, ~there.failed, ~there.failed & (u < ratio))
