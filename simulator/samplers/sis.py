"""Sequential importance sampling, the particle filter that never resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw
from simulator.exact.leaves import Leaves, leaves
from simulator.exact.quadrature import NODES, self_normalised_mean
from simulator.exact.variance import relative_variance
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.leaves import run_leaves
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int, register
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike

__all__ = ["SIS"]


@register("sis")
@dataclass(frozen=True)
class SIS:
    r"""SIS: N paths from pi_ref, output one in proportion to its reward.

    The weights V^(child)/V^(parent) multiply to r/V^(root) along a path: V^ cancels, so it is
    asked for at the leaves only and its zeros on the way do no harm. W^_H is the mean reward,
    with relative variance chi2(pi* ‖ pi_ref)/N. A run fails if all N rewards are zero. It costs
    N evaluations and N H model calls.

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
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> SIS(2).exact_law(problem).law.round(6).tolist()
    [0.375, 0.625]
    >>> runs = SIS(2).run(problem, 3, rng=1)
    >>> runs.prm_evaluations.tolist(), runs.model_calls.tolist()
    ([2, 2, 2], [2, 2, 2])
    """

    n_particles: int

    def __post_init__(self) -> None:
        check_int("n_particles", self.n_particles, 1)

    @property
    def properly_weighted(self) -> bool:
        """Always true: E[W^_H 1{Y = y}] = pi_ref(y) r(y), whatever V^ is."""
        return True

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
        return run_leaves(
            problem, self.n_particles, "sample", n_runs,
            rng=rng, keep=keep, n_threads=n_threads, first_block=first_block,
        )  # fmt: skip

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output, by one integral for any N.

        Parameters
        ----------
        problem : Problem
        on : {"paths", "states"}
            Outcomes: token paths or terminal states.
        limit : float
            Largest number of paths to list, of values of the integrand, and, with `shortfall`,
            of multisets of rewards.
        shortfall : bool
            Whether to compute E[(1 - W^_H/Z)_+] as well, over all multisets of N rewards.

        Returns
        -------
        ExactLaw

        Raises
        ------
        TooLargeError
            If there is more to compute than `limit`.
        """
        found = leaves(problem, on, limit)
        size = found.mass.size * float(NODES)
        if size > limit:
            raise TooLargeError(
                f"exact law: about {size:.3g} values of the integrand, the limit is {limit:.3g}"
            )
        u = np.exp(np.append(found.log_reward - found.log_reward[-1], -np.inf))
        mass = np.append(found.mass, found.zero)
        law = found.law(self_normalised_mean(mass[None], u[None], self.n_particles)[0, :-1])
        out = found.outcomes
        weighted = found.law(found.mass * np.exp(found.log_reward - problem.log_z))
        return ExactLaw(
            law=law,
            failure=found.zero**self.n_particles,
            tv=float(np.maximum(out.target - law, 0).sum()),
            mean_w_over_z=float(weighted.sum()),
            relative_variance=relative_variance(problem, self.n_particles, "sis"),
            shortfall=self._shortfall(found, limit) if shortfall else None,
            target=out.target,
            weighted=weighted,
            tokens=out.tokens,
        )

    def _shortfall(self, found: Leaves, limit: float) -> float:
        """E[(1 - W^_H/Z)_+]: W^_H is that of SMC whose one token is the class of the reward."""
        log_reward = np.append(found.log_reward, -np.inf)
        mass = np.append(found.mass, found.zero)
        one_level = TabularModel([mass[None] / mass.sum()])
        classes = Problem.from_log(one_level, log_reward, np.append(0.0, log_reward))
        short = SMC(self.n_particles).exact_law(classes, limit=limit, shortfall=True).shortfall
        assert short is not None
        return short
