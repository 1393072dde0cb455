"""Sequential Monte Carlo, the particle filter (arXiv 2603.07887, Algorithm 1, Option 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.kernels.edge_tables import edge_tables
from simulator.kernels.smc import Final, Options, Outputs, run_smc
from simulator.problem import Problem
from simulator.resampling.registry import SCHEMES
from simulator.samplers.runs import Runs, check_keep
from simulator.samplers.sampler import check_int, register
from simulator.samplers.streams import RngLike, run_seeds
from simulator.samplers.threads import spread

__all__ = ["SMC"]

SELECT = ("sample", "best")


@register("smc")
@dataclass(frozen=True)
class SMC:
    r"""SMC: propagate with pi_ref, weight by V^(child)/V^(parent), resample.

    W^_H = V^(root) · prod over resampling times, and the end, of the mean of the weights
    accumulated since the time before. If all weights are zero the run has failed and W^_H = 0.
    With ``select="sample"``, E[W^_H 1{Y=y}] = pi_ref(y) r(y) for every scheme and threshold
    (lemma C.2), unless V^ = 0 somewhere where V* > 0.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    resampling : {"multinomial", "systematic", "stratified", "residual"}
    ess_threshold : float
        t in [0, 1]. 1: resample at every level 1..H-1, as Algorithm 1 does. Below 1: resample
        where the effective sample size is below tN. 0: never (SIS).
    select : {"sample", "best"}
        Output a draw from the last weighted cloud, or its particle of highest V^ (of those of
        positive weight; ties, up to a relative 1e-9, uniformly).

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.models.tabular import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> runs = SMC(2).run(problem, 100_000, rng=1)
    >>> print(f"{runs.states.mean():.2f} {np.exp(runs.log_w).mean():.2f}")
    0.62 2.00
    >>> SMC(2).exact_law(problem).law.tolist()
    [0.375, 0.625]
    """

    n_particles: int
    resampling: str = "multinomial"
    ess_threshold: float = 1.0
    select: str = "sample"

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)
        if self.resampling not in SCHEMES:
            raise InputError(
                f"resampling: {self.resampling!r} is not known, only {', '.join(SCHEMES)} are"
            )
        t = self.ess_threshold
        if isinstance(t, bool) or not isinstance(t, (int, float, np.number)) or not 0 <= t <= 1:
            raise InputError(f"ess_threshold: {t!r} is not a number in [0, 1]")
        if self.select not in SELECT:
            raise InputError(f"select: {self.select!r} is not known, only {', '.join(SELECT)} are")

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        return self.select == "sample"

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
            Optional results, of "tokens", "ess", "genealogy", "clouds"; see `Runs`.
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
            If an argument is out of range.
        """
        check_int("n_runs", n_runs, 1)
        if n_threads is not None:
            check_int("n_threads", n_threads, 1)
        check_keep(keep)
        tables = edge_tables(problem)
        seeds = run_seeds(rng, n_runs, first_block)
        out = self._outputs(problem, n_runs, keep)
        none = problem.tables.factor_start[:0]
        final = Final(
            float(problem.log_prm_flat[0]),
            problem.log_reward,
            problem.tables.factor_start if problem.has_edge_reward else none,
            problem.tables.log_factor,
        )
        options = Options(
            int(self.n_particles),
            SCHEMES[self.resampling].code,
            float(self.ess_threshold),
            self.select == "best",
        )

        def part(begin: int, end: int) -> None:
            run_smc(seeds, tables, options, final, out, begin, end)

        spread(part, n_runs, float(n_runs) * problem.horizon * self.n_particles, n_threads)
        return Runs(
            states=out.states,
            log_w=out.log_w,
            failed=out.failed,
            prm_evaluations=out.evaluations,
            model_calls=out.evaluations.copy(),
            tokens=out.tokens if "tokens" in keep else None,
            ess=out.ess if "ess" in keep else None,
            genealogy=out.genealogy if "genealogy" in keep else None,
            cloud_states=out.cloud_states if "clouds" in keep else None,
            cloud_log_weights=out.cloud_log_weights if "clouds" in keep else None,
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
        """
        return exact_law(problem, self, on=on, limit=limit, shortfall=shortfall)

    def _outputs(self, problem: Problem, n_runs: int, keep: Sequence[str]) -> Outputs:
        level = (n_runs, problem.horizon)
        cloud = (*level, int(self.n_particles))

        def array(name: str, shape: tuple[int, ...], dtype: type, fill: float) -> np.ndarray:
            return np.full(shape if name in keep else (0,) * len(shape), fill, dtype=dtype)

        return Outputs(
            states=np.empty(n_runs, dtype=np.int64),
            log_w=np.empty(n_runs),
            failed=np.empty(n_runs, dtype=np.bool_),
            evaluations=np.empty(n_runs, dtype=np.int64),
            tokens=array("tokens", level, np.int32, -1),
            ess=array("ess", level, np.float64, 0),
            genealogy=array("genealogy", cloud, np.int32, -1),
            cloud_states=array("clouds", cloud, np.int64, -1),
            cloud_log_weights=array("clouds", cloud, np.float64, -np.inf),
        )
