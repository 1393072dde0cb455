"""Lookahead SMC: particles are weighted by V^ of descendants some levels ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Ints, Seeds

__all__ = ["Lookahead"]


MOST = 2**60  # cost of a run


@dataclass(frozen=True)
class Lookahead(Sampler):
    r"""Lookahead SMC: weight by V^ of sampled descendants k levels ahead.

    A particle x of level h carries G(x), the mean of V^ over the ends of m independent
    continuations from pi_ref to level min(h + k, H); its weight is G(x)/G(parent), with
    G(root) = V^(root), and everything else is as in SMC. At level H G = r, so the weights of a
    lineage multiply to r/V^(root): W^_H is unbiased, except that paths are lost whose
    continuations may all have V^ = 0. V^ is asked for at the ends only. At level h < H a
    particle costs, if k > 0, m evaluations and m min(k, H-h) model calls beside its own one;
    with all continuations, A^min(k, H-h) evaluations. See `simulator.samplers.lookahead.transform`.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    depth : int
        k >= 0; with 0 it is SMC.
    rollouts : int
        m >= 1, or 0 for the exact mean over all continuations.
    resampling : str
        As in `SMC`.
    ess_threshold : float
        As in `SMC`.
    select : {"sample", "best"}
        As in `SMC`.
    resample_when : {"ess", "max_weight"}
        As in `SMC`.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    One step ahead helps against a PRM that is one step late.

    >>> from simulator.problem.families.delayed import delayed
    >>> problem = delayed(horizon=3)
    >>> for sampler in (SMC(2), Lookahead(2), Lookahead(2, rollouts=0)):
    ...     print(f"{sampler.exact_law(problem).tv:.4f}")
    0.1728
    0.1641
    0.1575
    """

    n_particles: int
    depth: int = 1
    rollouts: int = 1
    resampling: str = "multinomial"
    ess_threshold: float = 1.0
    select: str = "sample"
    resample_when: str = "ess"

    def __post_init__(self) -> None:
        check_int("depth", self.depth, 0)
        check_int("rollouts", self.rollouts, 0)
        _ = self.filter  # checks the other options

    @property
    def filter(self) -> SMC:
        """The particle filter whose weights are replaced."""
        return SMC(
            self.n_particles, self.resampling, self.ess_threshold, self.select,
            resample_when=self.resample_when,
        )  # fmt: skip

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return self.filter.properly_weighted

    @property
    def weighted_clouds(self) -> bool:
        """As of the filter."""
        return self.filter.weighted_clouds

    @property
    def independent_proposals(self) -> bool:
        """As of the filter."""
        return self.filter.independent_proposals

    def _cost(self, problem: Problem) -> tuple[Ints, Ints]:
        """PRM evaluations and model calls of a run that has gone through 0..H levels."""
        steps = [min(self.depth, problem.horizon - h) for h in range(1, problem.horizon + 1)]
        if self.rollouts == 0:
            a = problem.model.n_actions
            ends = [a**d for d in steps]
            inner = [sum(a**i for i in range(d)) for d in steps]
        else:
            ends = [self.rollouts if d > 0 else 1 for d in steps]
            inner = [self.rollouts * d for d in steps]
        if self.n_particles * sum(ends) > MOST or self.n_particles * sum(inner) > MOST:
            raise InputError(f"depth: all {ends[0]} continuations of a particle are too many")
        cost = self.n_particles * np.array([ends, [1 + i for i in inner]], dtype=np.int64)
        evaluations, calls = np.concatenate([np.zeros((2, 1), np.int64), cost], axis=1).cumsum(1)
        return evaluations, calls

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`; it looks ahead, so it is not myopic unless the depth is 0."""
        if self.depth == 0:
            return self.filter.facts(problem)
        return Facts(properly_weighted=self.properly_weighted, drawn=self.select == "sample")

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        from simulator.samplers.lookahead.transform import looked_ahead
        from simulator.samplers.smc.compiled import options_of, run_compiled

        sampled = looked_ahead(problem, self.depth) if self.rollouts == 0 else problem
        runs, levels = run_compiled(
            sampled, problem, options_of(self.filter), seeds, depth=int(self.depth),
            rollouts=int(self.rollouts), keep=keep, n_threads=n_threads,
        )  # fmt: skip
        evaluations, calls = self._cost(problem)
        return replace(runs, prm_evaluations=evaluations[levels], model_calls=calls[levels])

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; all continuations can be had one token ahead only."""
        from simulator.samplers.lookahead.text import run_lookahead

        return run_lookahead(self.filter, problem, rngs, self.depth, self.rollouts)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: clouds of pairs (x, G) are enumerated."""
        from simulator.exact.cloud import exact_law

        return exact_law(
            problem, self.filter, on=on, limit=limit, shortfall=shortfall, rewrite=self._transform
        )

    def _transform(self, problem: Problem) -> Problem:
        from simulator.samplers.lookahead.transform import extended, looked_ahead

        if self.rollouts == 0:
            return looked_ahead(problem, self.depth)
        return extended(problem, self.depth, self.rollouts)
