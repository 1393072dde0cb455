"""SMC by rejection, SMC-RS (arXiv 2603.07887, Algorithm 2), or by enumeration of children."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from simulator.checks import check_auto, check_choice, check_int
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.base import Sampler
from simulator.samplers.facts import Facts
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Seeds

__all__ = ["SMCRejection"]

METHODS = ("rejection", "enumerate")
TIE = 1e-12  # eta this close below C^_act differs by rounding only


@dataclass(frozen=True)
class SMCRejection(Sampler):
    r"""SMC-RS: repeat parent uniform, child from pi_ref, until V^(child)/(eta V^(parent)) accepts.

    Given a cloud, the N particles of the next level are independent draws from
    mu_h ∝ sum over parents of pi_ref(.|x) V^(.)/V^(x). W_h is the mean over the parents of
    E_ref[V^(x_h)|x]/V^(x), and W^_H = V^(root) prod W_h. The output is uniform in the last
    cloud; all particles of a cloud weigh the same. If W_h = 0, where the loop would never
    end, the run has failed.

    Cost. By rejection each proposal, accepted or not, is one PRM evaluation and one base-model
    call: nothing is remembered of a parent between two proposals (who does remember
    pays at most N calls a level). Given the last cloud a level takes N eta/W_h proposals on
    average. By enumeration V^ of all A children of all N parents is asked for, and the
    next-token distribution of each parent once. ``log_w`` is exact in both modes; by rejection
    it comes from the tables of the problem, as does the knowledge that W_h = 0, and is not part
    of the cost.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    method : {"rejection", "enumerate"}
        "enumerate" draws from mu_h directly. The law is the same.
    eta : float or "auto"
        For the rejection: at least the PRM coverage C^_act = max V^(child)/V^(parent) over
        the edges that a particle can take (3.7); "auto" is C^_act.
    max_proposals : int
        For the rejection: largest number of proposals for one particle. Where it is met, `run`
        ends with `TooLargeError`: to count such runs as failed, or to leave them out, would
        change the law of the output.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> runs = SMCRejection(2).run(problem, 100_000, rng=1)
    >>> print(f"{runs.states.mean():.2f} {runs.prm_evaluations.mean():.1f}")
    0.75 3.0
    >>> SMCRejection(2).exact_law(problem).law.round(12).tolist()
    [0.25, 0.75]
    """

    keeps: ClassVar[tuple[str, ...]] = ("tokens", "genealogy", "clouds")
    text_keeps: ClassVar[tuple[str, ...]] = keeps
    n_particles: int
    method: str = "rejection"
    eta: float | str = "auto"
    max_proposals: int = 10**8

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        check_choice("method", self.method, METHODS)
        check_auto("eta", self.eta, 0)
        if self.method != "rejection" and self.eta != "auto":
            raise InputError('eta: only method="rejection" has use for it')
        check_int("max_proposals", self.max_proposals, 1)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return True

    @property
    def weighted_clouds(self) -> bool:
        """Always true: the output is drawn from the cloud."""
        return True

    @property
    def independent_proposals(self) -> bool:
        """Always true: given the cloud before."""
        return True

    def facts(self, problem: Problem) -> Facts:
        """See `Sampler.facts`."""
        return Facts(
            properly_weighted=True, drawn=True, family="smc-rs", myopic=True,
            lost_mass=problem.forward_backward.lost_mass, evaluations=self._evaluations(problem),
        )  # fmt: skip

    def _evaluations(self, problem: Problem) -> float | None:
        """Per particle, as W_h tends to Z^_h/Z^_{h-1}."""
        if self.method == "enumerate":
            return float(problem.model.n_actions * problem.horizon)
        log_eta = problem.forward_backward.log_prm_coverage
        if not isinstance(self.eta, str):
            log_eta = max(log_eta, math.log(self.eta))
        with np.errstate(invalid="ignore"):  # Z^_h = 0: no particle comes that far
            log_steps = log_eta - np.diff(problem.forward_backward.log_z_hat)
        return float(np.exp(log_steps).sum()) if (log_steps < 700).all() else None

    def log_eta(self, problem: Problem) -> float:
        """log of the eta in use.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.

        Returns
        -------
        float
            At least log C^_act.

        Raises
        ------
        InputError
            If eta is below C^_act: then probabilities of acceptance would pass 1.
        """
        least = problem.forward_backward.log_prm_coverage
        if isinstance(self.eta, str):
            return least
        if math.log(self.eta) < least - TIE:
            most = f"{math.exp(least):.12g}" if least < 700 else f"e^{least:.12g}"
            raise InputError(
                f"eta: {self.eta:g} is below C^_act = max V^(child)/V^(parent) = {most}, "
                "so V^(child)/(eta V^(parent)) is no probability"
            )
        return max(math.log(self.eta), least)

    def from_seeds(
        self,
        problem: Problem,
        seeds: Seeds,
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """See `Sampler.from_seeds`."""
        from simulator.samplers.smc_rejection.compiled import by_enumeration, by_rejection

        if self.method == "enumerate":
            return by_enumeration(problem, self.n_particles, seeds, keep, n_threads)
        return by_rejection(
            problem,
            self.n_particles,
            self.log_eta(problem),
            self.max_proposals,
            seeds,
            keep,
            n_threads,
        )

    def on_text(self, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
        """See `Sampler.on_text`; by rejection there is no ``log_w``."""
        from simulator.samplers.smc_rejection.text import run_smc_rejection

        return run_smc_rejection(
            problem, rngs, self.n_particles, self.method, self.eta, self.max_proposals
        )

    def compute_law(self, problem: Problem, on: str, limit: float, *, shortfall: bool) -> ExactLaw:
        """See `Sampler.exact_law`: the particle clouds are enumerated; eta must be large enough."""
        from simulator.exact.cloud import exact_law

        self.log_eta(problem)
        smc = SMC(self.n_particles)
        return exact_law(problem, smc, on, limit, shortfall=shortfall, rewrite=fully_adapted)
