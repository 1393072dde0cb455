"""Diffusion Monte Carlo, DMC (arXiv 2603.07887, Algorithm 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.problem.problem import Problem
from simulator.problem.transforms import adapted
from simulator.samplers.drive import check_run_arguments
from simulator.samplers.restarts import capped, n_attempts, until_accepted
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_auto, check_int, register
from simulator.samplers.smc import SMC
from simulator.samplers.smc_rejection import KEEPS, SMCRejection
from simulator.samplers.smc_restart import finite_accuracy
from simulator.streams.seeds import RngLike, run_seeds

__all__ = ["DiffusionMonteCarlo"]


@register("dmc")
@dataclass(frozen=True)
class DiffusionMonteCarlo:
    r"""DMC: SMC-RS by enumeration of children; accept a run with probability min(W^_H/Z~, 1).

    A run that is not accepted is started again; costs add up over all of them. Without restart
    it is ``SMCRejection(n_particles, "enumerate")``.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    restart : bool
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
        """Draw independent runs, each until it is accepted.

        Parameters
        ----------
        problem : Problem
        n_runs : int
            R >= 1.
        rng : int, SeedSequence or Generator
        keep : sequence of str, optional
            As in `SMCRejection.run`; of the accepted run.
        n_threads : int, optional
        first_block : int, optional

        Returns
        -------
        Runs
            With `restarts` and without `log_w`, unless nothing is restarted.

        Raises
        ------
        InputError
            If an argument is out of range, or C_inf is infinite.
        """
        check_run_arguments(n_runs, keep, n_threads, KEEPS)
        seeds, once = run_seeds(rng, n_runs, first_block), self.filter
        if not self.restart:
            return once.from_seeds(problem, seeds, keep, n_threads)
        return until_accepted(
            lambda live: once.from_seeds(problem, live, keep, n_threads),
            seeds,
            self.log_bound(problem),
            n_attempts(problem, self.max_restarts),
        )

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output and, with restart, the probability of acceptance.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
        limit : float
            Largest number of cloud transitions.
        shortfall : bool
            Whether to compute E[(1 - W^_H/Z)_+] of any run as well.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If more transitions than `limit` may be needed.
        InputError
            If C_inf is infinite.
        """
        if not self.restart:
            return self.filter.exact_law(problem, on, limit, shortfall=shortfall)
        accept = math.exp(problem.log_z - self.log_bound(problem))
        exact = exact_law(
            problem, SMC(self.n_particles), on, limit,
            shortfall=shortfall, rewrite=adapted, accept=accept,
        )  # fmt: skip
        return capped(exact, n_attempts(problem, self.max_restarts))
