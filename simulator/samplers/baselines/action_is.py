"""Action-level importance sampling: one path, its next token chosen among N candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.checks import check_int
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["ActionImportanceSampling"]


@dataclass(frozen=True)
class ActionImportanceSampling(Sampler):
    r"""Action-level importance sampling: keep one of N next tokens with probability ∝ V^.

    At each level N candidates are drawn from pi_ref given the one path so far. It is SMC with
    one ancestor for all particles, and W^_H is that of SMC. A level costs N evaluations and,
    as there is one path, one model call. A run fails where all candidates have V^ = 0. For
    N -> infinity the tokens are drawn ∝ pi_ref V^, as by action-level rejection sampling, so
    the error need not vanish.

    Parameters
    ----------
    n_particles : int
        Number of candidates N >= 1.

    Raises
    ------
    InputError
        If N is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    >>> problem = Problem(tree, [1.0, 1.0, 1.0, 3.0], "exact")
    >>> ActionImportanceSampling(2).run(problem, 1, rng=1).model_calls.tolist()
    [2]
    >>> ActionImportanceSampling(2).exact_law(problem).law.round(6).tolist()
    [0.208333, 0.208333, 0.21875, 0.364583]
    """

    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Always true: E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost."""
        return True

    @property
    def weighted_clouds(self) -> bool:
        """As of the filter."""
        return self.filter.weighted_clouds

    @property
    def independent_proposals(self) -> bool:
        """As of the filter: iid given the one path."""
        return self.filter.independent_proposals

    @property
    def filter(self) -> SMC:
        """The particle filter that this is."""
        return SMC(self.n_particles, resampling="single")

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: those of SMC with one ancestor for all."""
        return self.filter.facts(problem)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        runs = self.filter.from_seeds(problem, seeds, keep, n_threads)
        return replace(runs, model_calls=runs.model_calls // self.n_particles)

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; a level's candidates share one path, asked about once."""
        runs = self.filter.on_text(problem, rngs)
        return replace(runs, model_calls=runs.model_calls // self.n_particles)

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: one integral a state for any N."""
        from simulator.samplers.baselines.action_is_exact import one_path_law

        law = one_path_law(problem, self.n_particles, on, limit)
        if shortfall:
            clouds = self.filter.exact_law(problem, "states", limit, shortfall=True)
            law = replace(law, shortfall=clouds.shortfall)
        return law
