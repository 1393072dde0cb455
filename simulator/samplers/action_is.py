"""Action-level importance sampling: one path, its next token chosen among N candidates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw
from simulator.exact.one_path import one_path_law
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike

__all__ = ["ActionImportanceSampling"]


@register("action-is")
@dataclass(frozen=True)
class ActionImportanceSampling:
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
    def filter(self) -> SMC:
        """The particle filter that this is."""
        return SMC(self.n_particles, resampling="single")

    def run(
        self,
        problem: Problem,
        n_runs: int,
        *,
        rng: RngLike,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
        first_block: int = 0,
    ) -> Runs:
        """Draw independent runs; see `SMC.run`.

        Parameters
        ----------
        problem : Problem
        n_runs : int
        rng : int, SeedSequence or Generator
        keep : sequence of str, optional
            Of "tokens", "ess", "genealogy", "clouds".
        n_threads : int, optional
        first_block : int, optional

        Returns
        -------
        Runs
        """
        runs = self.filter.run(
            problem, n_runs, rng=rng, keep=keep, n_threads=n_threads, first_block=first_block
        )
        return replace(runs, model_calls=runs.model_calls // self.n_particles)

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output, by one integral a state for any N.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest number of values of the integrand and, with `shortfall`, of cloud
            transitions.
        shortfall : bool
            Whether to compute E[(1 - W^_H/Z)_+] as well, by enumerating clouds.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If there is more to compute than `limit`.
        """
        law = one_path_law(problem, self.n_particles, on, limit)
        if shortfall:
            clouds = self.filter.exact_law(problem, "states", limit, shortfall=True)
            law = replace(law, shortfall=clouds.shortfall)
        return law
