"""SMC with restart (arXiv 2603.07887, Algorithm 1, Option 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.checks import check_auto, check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["SMCRestart", "finite_accuracy"]


@dataclass(frozen=True)
class SMCRestart(Sampler):
    r"""SMC with restart: accept a run with probability min(W^_H/(2 C_inf V^(root)), 1).

    A run that is not accepted is started again; costs add up over all of them. Were W^_H never
    above 2 C_inf V^(root), P(Y = y) ∝ E[W^_H 1{Y = y}] would be the target: only large weights
    bias the law of the output.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    resampling : str
        As in `SMC`.
    ess_threshold : float
        As in `SMC`.
    block : int
        As in `SMC`.
    proposal : {"reference", "optimal", "uniform", "tempered"}
        As in `SMC`; with all these options E[W^_H 1{Y = y}] = pi_ref(y) r(y).
    accuracy : float or "auto"
        C_inf >= 1, for instance an upper limit of it; "auto" is the PRM's L-infinity accuracy,
        the smallest C with 1/C <= V*/V^ <= C (3.3).
    max_restarts : int
        After so many a run has failed; `exact_law` counts that too.
    resample_when : {"ess", "max_weight"}
        As in `SMC`.

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
    resample_when: str = "ess"

    def __post_init__(self) -> None:
        _ = self.smc
        check_auto("accuracy", self.accuracy, 1)
        check_int("max_restarts", self.max_restarts, 0)

    @property
    def smc(self) -> SMC:
        """The sampler of one run."""
        return SMC(
            self.n_particles, self.resampling, self.ess_threshold,
            block=self.block, proposal=self.proposal, resample_when=self.resample_when,
        )  # fmt: skip

    def log_bound(self, problem: Problem) -> float:
        """log(2 C_inf V^(root)).

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
            If C_inf is to be that of the problem, and that is infinite.
        """
        if not isinstance(self.accuracy, str):
            log_accuracy = math.log(self.accuracy)
        else:
            log_accuracy = finite_accuracy(problem, "accuracy")
        return math.log(2) + log_accuracy + float(problem.log_prm_flat[0])

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`: accepted runs carry no unbiased weight."""
        return replace(
            self.smc.facts(problem), properly_weighted=False, myopic=False, restarted=True,
            family="other", variance="none known", adaptive=None, rewritten=None, evaluations=None,
        )  # fmt: skip

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`; with `Runs.restarts` and without `Runs.log_w`."""
        from simulator.samplers.restart.until_accepted import n_attempts, until_accepted

        smc = self.smc
        return until_accepted(
            lambda live: smc.from_seeds(problem, live, keep, n_threads),
            seeds,
            self.log_bound(problem),
            n_attempts(smc.as_plain(problem), self.max_restarts),
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; the accuracy must be given as a number."""
        from simulator.samplers.restart.text import known_number, log_root, until_accepted

        log_accuracy = known_number("accuracy", self.accuracy)
        log_bound = math.log(2) + log_accuracy + log_root(problem)
        return until_accepted(
            lambda live: self.smc.on_text(problem, live), rngs, log_bound, self.max_restarts
        )

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`; with the probability that one run is accepted."""
        from simulator.exact.cloud import exact_law
        from simulator.samplers.restart.until_accepted import capped, n_attempts

        smc = self.smc
        accept = math.exp(problem.log_z - self.log_bound(problem))
        exact = exact_law(
            problem, smc, on, limit, shortfall=shortfall, rewrite=smc.as_plain, accept=accept
        )
        return capped(exact, n_attempts(smc.as_plain(problem), self.max_restarts))


def finite_accuracy(problem: Problem, option: str) -> float:
    """log C_inf of the problem, for an option that is "auto".

    Parameters
    ----------
    option : str
        What the message calls it.

    Raises
    ------
    InputError
        If C_inf is infinite.
    """
    found = problem.forward_backward.log_prm_accuracy
    if found == math.inf:
        raise InputError(
            f"{option}: the PRM's accuracy C_inf is infinite, as V* and V^ are not zero at the "
            "same nodes; give a number"
        )
    return found
