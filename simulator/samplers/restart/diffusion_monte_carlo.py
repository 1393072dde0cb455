"""Diffusion Monte Carlo, DMC (arXiv 2603.07887, Algorithm 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from simulator.checks import check_auto, check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.restart.smc_restart import finite_accuracy
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["DiffusionMonteCarlo"]


@dataclass(frozen=True)
class DiffusionMonteCarlo(Sampler):
    r"""DMC: SMC-RS by enumeration of children; accept a run with probability min(W^_H/Z~, 1).

    A run that is not accepted is started again; costs add up over all of them. Without restart
    it is ``SMCRejection(n_particles, "enumerate")``.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    restart : bool
        Whether a run may be rejected and started again.
    z_bound : float or "auto"
        Z~ > 0; the theory asks for Z <= Z~ <= J Z. "auto" is C_inf V^(root) (J = C_inf^2).
    max_restarts : int
        After so many a run has failed; `exact_law` counts that too.

    Raises
    ------
    InputError
        If an option is out of range, or a Z~ is given although nothing is restarted.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> exact = DiffusionMonteCarlo(1).exact_law(problem)
    >>> exact.law.round(12).tolist(), round(exact.acceptance, 12)
    ([0.25, 0.75], 1.0)
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens", "genealogy", "clouds")
    text_keeps: ClassVar[tuple[str, ...]] = keeps
    n_particles: int
    restart: bool = True
    z_bound: float | str = "auto"
    max_restarts: int = 100_000

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        if not isinstance(self.restart, bool):
            raise InputError(f"restart: {self.restart!r} is neither True nor False")
        check_auto("z_bound", self.z_bound, 0)
        if not self.restart and self.z_bound != "auto":
            raise InputError("z_bound: only restart=True has use for it")
        check_int("max_restarts", self.max_restarts, 0)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return not self.restart

    @property
    def filter(self) -> SMCRejection:
        """The sampler of one run."""
        return SMCRejection(self.n_particles, "enumerate")

    def log_bound(self, problem: Problem) -> float:
        """log Z~.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.

        Returns
        -------
        float

        Raises
        ------
        InputError
            If Z~ is to come from C_inf, and that is infinite.
        """
        if not isinstance(self.z_bound, str):
            return math.log(self.z_bound)
        return finite_accuracy(problem, "z_bound") + float(problem.log_prm_flat[0])

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: without restart those of SMC-RS."""
        once = self.filter.facts(problem)
        if not self.restart:
            return once
        return replace(
            once, properly_weighted=False, myopic=False, restarted=True, evaluations=None
        )

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; if runs are restarted, `Runs.log_w` is None."""
        once = self.filter
        if not self.restart:
            return once.from_seeds(problem, seeds, keep, n_threads)
        from simulator.samplers.restart.until_accepted import n_attempts, until_accepted

        return until_accepted(
            lambda live: once.from_seeds(problem, live, keep, n_threads),
            seeds,
            self.log_bound(problem),
            n_attempts(problem, self.max_restarts),
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; Z~ must be given as a number."""
        once = self.filter
        if not self.restart:
            return once.on_text(problem, rngs)
        from simulator.samplers.restart.text import known_number, until_accepted

        return until_accepted(
            lambda live: once.on_text(problem, live),
            rngs, known_number("z_bound", self.z_bound), self.max_restarts,
        )  # fmt: skip

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`; with restart also the probability that a run is accepted."""
        if not self.restart:
            return self.filter.compute_law(problem, on, limit, shortfall=shortfall)
        from simulator.exact.cloud import exact_law
        from simulator.samplers.restart.until_accepted import capped, n_attempts

        accept = math.exp(problem.log_z - self.log_bound(problem))
        exact = exact_law(
            problem, SMC(self.n_particles), on, limit,
            shortfall=shortfall, rewrite=fully_adapted, accept=accept,
        )  # fmt: skip
        return capped(exact, n_attempts(problem, self.max_restarts))
