"""Best-of-N: the path of highest reward among N independent ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw
from simulator.exact.cloud_output import TIE
from simulator.exact.leaves import leaves
from simulator.problem.problem import Problem
from simulator.samplers.drive import check_run_arguments
from simulator.samplers.leaves import run_leaves
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.streams.seeds import RngLike

__all__ = ["BestOfN"]


@register("best-of-n")
@dataclass(frozen=True)
class BestOfN:
    r"""Best-of-N: the highest reward of N paths from pi_ref, ties uniformly.

    With classes of equal reward, r_1 < ... < r_C, and F(c) = pi_ref(r <= r_c), the output is
    in class c with probability F(c)^N - F(c-1)^N, and distributed as pi_ref in it. Rewards
    within a relative 1e-9 count as equal. If all N rewards are zero the run has failed. It
    estimates no Z, and as N grows it goes to the paths of highest reward, not to pi*. It
    costs N evaluations and N H model calls.

    Parameters
    ----------
    n_particles : int
        N >= 1.

    Raises
    ------
    InputError
        If N is out of range.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> [BestOfN(n).exact_law(problem).law.round(6).tolist() for n in (1, 2, 3)]
    [[0.5, 0.5], [0.25, 0.75], [0.125, 0.875]]
    """

    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Always false: it has no weight."""
        return False

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
            "tokens" at most.
        n_threads : int, optional
        first_block : int, optional

        Returns
        -------
        Runs

        Raises
        ------
        InputError
            If an argument is out of range.
        """
        check_run_arguments(n_runs, keep, n_threads, offered=("tokens",))
        runs = run_leaves(
            problem, self.n_particles, "best", n_runs,
            rng=rng, keep=keep, n_threads=n_threads, first_block=first_block,
        )  # fmt: skip
        return replace(runs, log_w=None)

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output, in closed form for any N.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest number of paths to list.
        shortfall : bool
            Changes nothing: there is no W^.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If there are more paths than `limit`.
        """
        found = leaves(problem, on, limit, tie=TIE)
        below = np.concatenate([[found.zero], found.zero + np.cumsum(found.mass)])
        n = self.n_particles
        # b^N - a^N with a = b - mass, accurate where the mass is small
        with np.errstate(divide="ignore"):
            gone = np.log1p(-np.minimum(found.mass / below[1:], 1.0))
        law = found.law(below[1:] ** n * -np.expm1(n * gone))
        out = found.outcomes
        return ExactLaw(
            law=law,
            failure=found.zero**n,
            tv=float(np.maximum(out.target - law, 0).sum()),
            mean_w_over_z=None,
            relative_variance=None,
            shortfall=None,
            target=out.target,
            weighted=None,
            tokens=out.tokens,
        )
