"""SMC by rejection, SMC-RS (arXiv 2603.07887, Algorithm 2), or by enumeration of children."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.exact.rejection import log_step_means
from simulator.kernels.edge_tables import edge_tables
from simulator.kernels.rejection import Acceptance, RejectionOutputs, run_rejection
from simulator.problem.problem import Problem
from simulator.problem.transforms import adapted
from simulator.samplers.drive import check_run_arguments, drive
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_auto, check_int, register
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike, run_seeds
from simulator.streams.threads import spread

__all__ = ["KEEPS", "METHODS", "SMCRejection"]

METHODS = ("rejection", "enumerate")
KEEPS = ("tokens", "genealogy", "clouds")
TIE = 1e-12  # eta this close below C^_act differs by rounding only


@register("smc-rs")
@dataclass(frozen=True)
class SMCRejection:
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

    n_particles: int
    method: str = "rejection"
    eta: float | str = "auto"
    max_proposals: int = 10**8

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        if self.method not in METHODS:
            raise InputError(f"method: {self.method!r} is not known, only {', '.join(METHODS)} are")
        check_auto("eta", self.eta, 0)
        if self.method != "rejection" and self.eta != "auto":
            raise InputError('eta: only method="rejection" has use for it')
        check_int("max_proposals", self.max_proposals, 1)

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return True

    def log_eta(self, problem: Problem) -> float:
        """log of the eta in use.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        float

        Raises
        ------
        InputError
            If eta is below C^_act: then probabilities of acceptance would pass 1.
        """
        least = problem.passes.log_prm_coverage
        if isinstance(self.eta, str):
            return least
        if math.log(self.eta) < least - TIE:
            most = f"{math.exp(least):.12g}" if least < 700 else f"e^{least:.12g}"
            raise InputError(
                f"eta: {self.eta:g} is below C^_act = max V^(child)/V^(parent) = {most}, "
                "so V^(child)/(eta V^(parent)) is no probability"
            )
        return max(math.log(self.eta), least)

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
        """Draw independent runs.

        Run r depends on the seed and on r only, not on `n_runs` or `n_threads`.

        Parameters
        ----------
        problem : Problem
        n_runs : int
            R >= 1.
        rng : int, SeedSequence or Generator
        keep : sequence of str, optional
            Optional results, of "tokens", "genealogy", "clouds"; see `Runs`. The weights of
            a cloud are equal.
        n_threads : int, optional
            By default as many as there are cores.
        first_block : int, optional
            Start at run ``1024 * first_block``, to go on where another call has stopped.

        Returns
        -------
        Runs

        Raises
        ------
        InputError
            If an argument is out of range, or eta is below C^_act.
        TooLargeError
            If a particle needs more than `max_proposals` proposals.
        """
        check_run_arguments(n_runs, keep, n_threads, KEEPS)
        return self.from_seeds(problem, run_seeds(rng, n_runs, first_block), keep, n_threads)

    def from_seeds(
        self,
        problem: Problem,
        seeds: npt.NDArray[np.uint64],
        keep: Sequence[str] = (),
        n_threads: int | None = None,
    ) -> Runs:
        """Draw one run from each generator.

        Parameters
        ----------
        problem : Problem
        seeds : (R, 4) uint64 array
            States of the generators; left where the runs left them.
        keep : sequence of str, optional
        n_threads : int, optional

        Returns
        -------
        Runs
        """
        if self.method == "enumerate":
            return _enumerated(problem, self.n_particles, seeds, keep, n_threads)
        return self._rejected(problem, seeds, keep, n_threads)

    def _rejected(
        self,
        problem: Problem,
        seeds: npt.NDArray[np.uint64],
        keep: Sequence[str],
        n_threads: int | None,
    ) -> Runs:
        n, n_runs, tables = self.n_particles, len(seeds), edge_tables(problem)
        log_eta = self.log_eta(problem)
        with np.errstate(over="ignore"):
            ceiling = np.exp(log_eta - tables.log_scale)
        accept = Acceptance(
            float(problem.log_prm_flat[0]), ceiling, log_step_means(problem),
            problem.model.state_start, int(self.max_proposals),
        )  # fmt: skip
        level = (n_runs, problem.horizon)
        cloud = (*level, n)
        out = RejectionOutputs(
            states=np.empty(n_runs, dtype=np.int64),
            log_w=np.empty(n_runs),
            failed=np.empty(n_runs, dtype=np.bool_),
            proposals=np.empty(n_runs, dtype=np.int64),
            tokens=np.full(level if "tokens" in keep else (0, 0), -1, dtype=np.int32),
            genealogy=np.full(cloud if "genealogy" in keep else (0, 0, 0), -1, dtype=np.int32),
            cloud_states=np.full(cloud if "clouds" in keep else (0, 0, 0), -1, dtype=np.int64),
            stuck=np.zeros(1, dtype=np.int64),
            log_mean=np.zeros(1),
        )

        def part(begin: int, end: int) -> None:
            run_rejection(seeds, tables, n, accept, out, begin, end)

        spread(part, n_runs, float(n_runs) * problem.horizon * n, n_threads)
        if out.stuck[0] > 0:
            raise TooLargeError(
                f"max_proposals: no child was accepted at level {out.stuck[0]} in "
                f"{self.max_proposals} proposals; the chance of each, W_h/eta, was "
                f'{math.exp(out.log_mean[0] - log_eta):.3g}; method="enumerate" needs none'
            )
        states = out.cloud_states if "clouds" in keep else None
        return Runs(
            states=out.states,
            log_w=out.log_w,
            failed=out.failed,
            prm_evaluations=out.proposals,
            model_calls=out.proposals.copy(),
            tokens=out.tokens if "tokens" in keep else None,
            genealogy=out.genealogy if "genealogy" in keep else None,
            cloud_states=states,
            cloud_log_weights=None if states is None else np.where(states < 0, -np.inf, 0.0),
        )

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output by enumerating clouds; see `simulator.exact.cloud`.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest number of cloud transitions.
        shortfall : bool
            Whether to compute E[(1 - W^_H/Z)_+] as well.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If more transitions than `limit` may be needed.
        InputError
            If eta is below C^_act.
        """
        self.log_eta(problem)
        smc = SMC(self.n_particles)
        return exact_law(problem, smc, on, limit, shortfall=shortfall, rewrite=adapted)


def _enumerated(
    problem: Problem,
    n: int,
    seeds: npt.NDArray[np.uint64],
    keep: Sequence[str],
    n_threads: int | None,
) -> Runs:
    """Run multinomial SMC that looks one step ahead; a level's weights are those of the next."""
    runs, levels = drive(
        adapted(problem), problem, SMC(n).options, seeds, keep=keep, n_threads=n_threads
    )
    states, genealogy = runs.cloud_states, runs.genealogy
    if log_step_means(problem)[0] == -np.inf:  # no particle is born
        levels = np.zeros_like(levels)
        states = None if states is None else np.full_like(states, -1)
        genealogy = None if genealogy is None else np.full_like(genealogy, -1)
    asked = n * (levels + runs.failed)  # parents; those of a failed cloud had children of V^ = 0
    return replace(
        runs,
        prm_evaluations=problem.model.n_actions * asked,
        model_calls=asked,
        genealogy=genealogy,
        cloud_states=states,
        cloud_log_weights=None if states is None else np.where(states < 0, -np.inf, 0.0),
    )
