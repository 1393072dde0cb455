"""Best-of-N: the path of highest reward among N independent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from simulator.checks import check_int
from simulator.exact.law import ExactLaw, total_variation
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.whole_paths import whole_path_filter
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["BestOfN"]


@dataclass(frozen=True)
class BestOfN(Sampler):
    r"""Best-of-N: the highest reward of N paths from pi_ref, ties uniformly.

    With classes of equal reward, r_1 < ... < r_C, and F(c) = pi_ref(r <= r_c), the output is
    in class c with probability F(c)^N - F(c-1)^N, and distributed as pi_ref in it. Rewards
    within a relative 1e-9 count as equal. If all N rewards are zero the run has failed. It
    estimates no Z, and as N grows it goes to the paths of highest reward, not to pi*. It
    costs N evaluations and N H model calls.

    Parameters
    ----------
    n_particles : int
        N >= 1.

    Raises
    ------
    InputError
        If N is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> [BestOfN(n).exact_law(problem).law.round(6).tolist() for n in (1, 2, 3)]
    [[0.5, 0.5], [0.25, 0.75], [0.125, 0.875]]
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens",)
    text_keeps: ClassVar[tuple[str, ...]] = ("tokens", "clouds")
    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def independent_proposals(self) -> bool:
        """Always true: they are N iid paths."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: it estimates no Z."""
        del problem
        return Facts(myopic=True)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; without ``log_w``."""
        from simulator.samplers.baselines.whole_paths import run_whole_paths

        runs = run_whole_paths(problem, self.n_particles, "best", seeds, keep, n_threads)
        return replace(runs, log_w=None)

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`: SMC in one block of H levels."""
        best = whole_path_filter(problem.horizon, self.n_particles, "best")
        return replace(best.on_text(problem, rngs), log_w=None, ess=None, genealogy=None)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: in closed form for any N."""
        from simulator.exact.particle_types import TIE
        from simulator.samplers.baselines.whole_paths_exact import whole_paths

        del shortfall  # there is no W^
        found = whole_paths(problem, on, limit, tie=TIE)
        below = np.concatenate([[found.zero], found.zero + np.cumsum(found.mass)])
        n = self.n_particles
        # b^N - a^N with a = b - mass, accurate where the mass is small
        with np.errstate(divide="ignore"):
            gone = np.log1p(-np.minimum(found.mass / below[1:], 1.0))
        law = found.law(below[1:] ** n * -np.expm1(n * gone))
        out = found.outcomes
        return ExactLaw(
            law=law,
            failure=found.zero**n,
            tv=total_variation(out.target, law),
            mean_w_over_z=None,
            relative_variance=None,
            shortfall=None,
            target=out.target,
            weighted=None,
            tokens=out.tokens,
        )
