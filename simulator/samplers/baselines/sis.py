"""Sequential importance sampling, the particle filter that never resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.checks import check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.baselines.whole_paths import whole_path_filter
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["SIS"]


@dataclass(frozen=True)
class SIS(Sampler):
    r"""SIS: N paths from pi_ref, output one in proportion to its reward.

    The weights V^(child)/V^(parent) multiply to r/V^(root) along a path: V^ cancels, so it is
    asked for at the leaves only and its zeros on the way do no harm. W^_H is the mean reward,
    with relative variance chi2(pi* ‖ pi_ref)/N. A run fails if all N rewards are zero. It costs
    N evaluations and N H model calls.

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
    >>> SIS(2).exact_law(problem).law.round(6).tolist()
    [0.375, 0.625]
    >>> runs = SIS(2).run(problem, 3, rng=1)
    >>> runs.prm_evaluations.tolist(), runs.model_calls.tolist()
    ([2, 2, 2], [2, 2, 2])
    """

    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Always true: E[W^_H 1{Y = y}] = pi_ref(y) r(y), whatever V^ is."""
        return True

    @property
    def weighted_clouds(self) -> bool:
        """Always true: the output is drawn from the cloud."""
        return True

    @property
    def independent_proposals(self) -> bool:
        """Always true: they are N iid paths."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`."""
        del problem
        return Facts(properly_weighted=True, drawn=True, family="sis", myopic=True, evaluations=1.0)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        from simulator.samplers.baselines.whole_paths import run_whole_paths

        return run_whole_paths(problem, self.n_particles, "sample", seeds, keep, n_threads)

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`: SMC in one block of H levels."""
        return whole_path_filter(problem.horizon, self.n_particles, "sample").on_text(problem, rngs)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: one integral for any N."""
        from simulator.samplers.baselines.sis_exact import sis_law

        return sis_law(problem, self.n_particles, on, limit, shortfall=shortfall)
