"""Bound TJ-RS: one-step errors of the tilted cloud of SMC by rejection, by Jensen's inequality."""

from __future__ import annotations

import numpy as np

from simulator.exact.self_normalised_floor import self_normalised_floor
from simulator.measure.largest_steps import largest_steps
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats, RngLike
from theory.assumptions import DRAWN, NO_RESTART, REJECTION
from theory.bounds.rejection_stepwise_errors import rejection_steps
from theory.statement import bound

__all__ = ["rejection_stepwise_floors"]


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the terms of each run; each is at most 1, or its level's part of bound F-star-RS."""
    n, mean = sampler.n_particles, self_normalised_floor
    sums = stepwise_samples(problem, sampler, n_runs, rng, rejection=True, mean=mean)
    return np.concatenate(list(sums)), float(largest_steps(problem, n, rejection=True).sum())


@bound(
    id="TJ-RS",
    title="SMC-RS: one-step errors of the tilted cloud by Jensen",
    rate="1/N",
    reference="from bound T-RS by Jensen; bias of one level: see arXiv 1511.06196 and 2411.09514",
    formula="sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], w = V*/V^ / mu_h(V*/V^)",
    latex=r"$\sum_h \mathbb{E}\left[\mathbb{E}_{\tilde{\nu}_{h-1} \pi^*}"
    r"\left[\frac{(w - 1)_+}{N + w - 1}\right]\right]$, "
    r"$w = \frac{V^*}{\hat{V}} \Big/ \mu_h(V^*/\hat{V})$",
    assumptions=(REJECTION, DRAWN, NO_RESTART),
    measured=True,
    samples=_samples,
)
def rejection_stepwise_floors(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], over all clouds.

    As bound TJ, but the particles of a level are independent draws from mu_h, and w is V*/V^ at
    the child over its mean. The term of level H is 0, as V^ = V* there.

    Guarantee: upper bound of order 1/N, at least T-RS; true with lost mass too.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection without restart (`SMCRejection`, `DiffusionMonteCarlo`,
        `ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    return rejection_steps(problem, sampler.n_particles, self_normalised_floor)
