"""Sequential Monte Carlo, the particle filter (arXiv 2603.07887, Algorithm 1, Option 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw, exact_law
from simulator.kernels.smc import Options
from simulator.problem.problem import Problem
from simulator.problem.transforms import PROPOSALS, unvalued, with_proposal
from simulator.resampling.registry import SCHEMES, scheme_for
from simulator.samplers.drive import check_run_arguments, drive
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.streams.seeds import RngLike, run_seeds

__all__ = ["SMC"]

Ints: TypeAlias = npt.NDArray[np.int64]

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
    resampling : {"multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single"}
    ess_threshold : float
        t in [0, 1]. 1: resample at every level 1..H-1, as Algorithm 1 does. Below 1: resample
        where the effective sample size is below tN. 0: never (SIS).
    select : {"sample", "best"}
        Output a draw from the last weighted cloud, or its particle of highest V^ (of those of
        positive weight; ties, up to a relative 1e-9, uniformly).
    block : int
        B: ask for V^, and resample, at levels B, 2B, ... and H only.
    proposal : {"reference", "optimal", "uniform", "tempered"}
        Law q of the next token; the weight is pi_ref V^(child)/(q V^(parent)). See
        `simulator.problem.transforms.with_proposal`, which also takes arrays. "optimal" asks for V^ of
        all children.

    Raises
    ------
    InputError
        If an option is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> runs = SMC(2).run(problem, 100_000, rng=1)
    >>> print(f"{runs.states.mean():.1f} {np.exp(runs.log_w).mean():.1f}")
    0.6 2.0
    >>> SMC(2).exact_law(problem).law.tolist()
    [0.375, 0.625]
    """

    n_particles: int
    resampling: str = "multinomial"
    ess_threshold: float = 1.0
    select: str = "sample"
    block: int = 1
    proposal: str = "reference"

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
        check_int("block", self.block, 1)
        if self.proposal not in PROPOSALS:
            raise InputError(
                f"proposal: {self.proposal!r} is not known, only {', '.join(PROPOSALS)} are"
            )

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
        check_run_arguments(n_runs, keep, n_threads)
        seeds = run_seeds(rng, n_runs, first_block)
        return self.from_seeds(problem, seeds, keep, n_threads)

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
        core = self.core(problem)
        runs, levels = drive(core, problem, self.options, seeds, keep=keep, n_threads=n_threads)
        return replace(
            runs,
            prm_evaluations=self._evaluations(problem, levels),
            model_calls=self.n_particles * levels,
        )

    def core(self, problem: Problem) -> Problem:
        """Return the problem on which this sampler is SMC with pi_ref as proposal.

        Parameters
        ----------
        problem : Problem

        Returns
        -------
        Problem
        """
        return unvalued(with_proposal(problem, self.proposal), self.block)

    @property
    def options(self) -> Options:
        """What the kernel needs to know."""
        return Options(
            int(self.n_particles),
            scheme_for(self.resampling, self.n_particles).code,
            float(self.ess_threshold),
            self.select == "best",
            int(self.block),
        )

    def _evaluations(self, problem: Problem, levels: Ints) -> Ints:
        """PRM evaluations of runs that went through so many levels."""
        if self.proposal == "optimal":
            return self.n_particles * problem.model.n_actions * levels
        if self.block == 1:
            return self.n_particles * levels
        last = (levels == problem.horizon) & (levels % self.block > 0)
        return self.n_particles * (levels // self.block + last)

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
        plain = self.proposal == "reference" and self.block == 1
        return exact_law(
            problem, self, on=on, limit=limit, shortfall=shortfall,
            rewrite=None if plain else self.core,
        )  # fmt: skip
