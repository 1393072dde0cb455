"""SMC with restart (arXiv 2603.07887, Algorithm 1, Option 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.problem.problem import Problem
from simulator.samplers.drive import check_run_arguments
from simulator.samplers.restarts import capped, n_attempts, until_accepted
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_auto, check_int, register
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike, run_seeds

__all__ = ["SMCRestart"]


@register("smc-restart")
@dataclass(frozen=True)
class SMCRestart:
    r"""SMC with restart: accept a run with probability min(W^_H/(2 C_inf V^(root)), 1).

    A run that is not accepted is started again; costs add up over all of them. Were W^_H never
    above 2 C_inf V^(root), P(Y = y) ∝ E[W^_H 1{Y = y}] would be the target: only large weights
    bias the law of the output.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    resampling, ess_threshold, block, proposal
        As in `SMC`; E[W^_H 1{Y = y}] = pi_ref(y) r(y) for all of them.
    accuracy : float or "auto"
        C_inf >= 1, for instance an upper limit of it; "auto" is the PRM's L-infinity accuracy,
        the smallest C with 1/C <= V*/V^ <= C (3.3).
    max_restarts : int
        After so many a run has failed; `exact_law` counts that too.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> exact = SMCRestart(1).exact_law(problem)
    >>> exact.law.round(12).tolist(), round(exact.acceptance, 12)
    ([0.25, 0.75], 0.5)
    """

    n_particles: int
    resampling: str = "multinomial"
    ess_threshold: float = 1.0
    block: int = 1
    proposal: str = "reference"
    accuracy: float | str = "auto"
    max_restarts: int = 100_000

    def __post_init__(self) -> None:
        _ = self.smc
        check_auto("accuracy", self.accuracy, 1)
        check_int("max_restarts", self.max_restarts, 0)

    @property
    def smc(self) -> SMC:
        """The sampler of one run."""
        return SMC(
            self.n_particles, self.resampling, self.ess_threshold,
            block=self.block, proposal=self.proposal,
        )  # fmt: skip

    @property
    def properly_weighted(self) -> bool:
        """Accepted runs carry no unbiased weight."""
        return False

    def log_bound(self, problem: Problem) -> float:
        """log(2 C_inf V^(root)).

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        float

        Raises
        ------
        InputError
            If C_inf is to be that of the problem, and that is infinite.
        """
        if not isinstance(self.accuracy, str):
            log_accuracy = math.log(self.accuracy)
        else:
            log_accuracy = finite_accuracy(problem, "accuracy")
        return math.log(2) + log_accuracy + float(problem.log_prm_flat[0])

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
            As in `SMC.run`; of the accepted run.
        n_threads : int, optional
        first_block : int, optional

        Returns
        -------
        Runs
            With `restarts`, and without `log_w`.

        Raises
        ------
        InputError
            If an argument is out of range, or C_inf is infinite.
        """
        check_run_arguments(n_runs, keep, n_threads)
        smc = self.smc
        return until_accepted(
            lambda seeds: smc.from_seeds(problem, seeds, keep, n_threads),
            run_seeds(rng, n_runs, first_block),
            self.log_bound(problem),
            n_attempts(smc.core(problem), self.max_restarts),
        )

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output, and the probability that one run is accepted.

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
        accept = math.exp(problem.log_z - self.log_bound(problem))
        exact = exact_law(
            problem, self.smc, on, limit, shortfall=shortfall, rewrite=self.smc.core, accept=accept
        )
        return capped(exact, n_attempts(self.smc.core(problem), self.max_restarts))


def finite_accuracy(problem: Problem, option: str) -> float:
    """log C_inf of the problem, for an option that is "auto".

    Parameters
    ----------
    problem : Problem
    option : str
        What the message calls it.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If C_inf is infinite.
    """
    found = problem.passes.log_prm_accuracy
    if found == math.inf:
        raise InputError(
            f"{option}: the PRM's accuracy C_inf is infinite, as V* and V^ are not zero at the "
            "same nodes; give a number"
        )
    return found
