"""Bound TJ: one-step errors of the tilted cloud by Jensen's inequality, without an integral."""

from __future__ import annotations

import numpy as np

from simulator.exact.self_normalised_floor import self_normalised_floor
from simulator.measure.stepwise import largest_steps, stepwise_samples
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats, RngLike
from theory.assumptions import DRAWN, MULTINOMIAL
from theory.bounds.stepwise_errors import multinomial_steps
from theory.statement import bound

__all__ = ["stepwise_floors"]


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the terms of each run; each is at most 1, or its level's part of bound F-star."""
    sums = stepwise_samples(problem, sampler, n_runs, rng, mean=self_normalised_floor)
    top = largest_steps(problem, sampler.n_particles).sum()
    return np.concatenate(list(sums)), float(top)


@bound(
    id="TJ",
    title="one-step errors of the tilted cloud by Jensen",
    reference="new; bound T with each term replaced by its Jensen bound; see arXiv 1511.06196",
    formula="sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], w = (V*(x')/V^(x)) / nu^_{h-1}(V*/V^)",
    assumptions=(MULTINOMIAL, DRAWN),
    measured=True,
    samples=_samples,
)
def stepwise_floors(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], over all clouds.

    Of N independent pairs from q, self-normalised by w, a pair k is kept with probability
    N q_k w_k E[1/(w_k + sum of N-1 others)] >= q_k w_k/(1 + (w_k-1)/N), by Jensen. So a term of
    bound T is at most E_{q w}[(w-1)_+/(N+w-1)], which needs no integral.

    Guarantee: upper bound of order 1/N, at least T; true with lost mass too, where w is the
    weight of the pairs that are kept.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    return multinomial_steps(problem, sampler.n_particles, self_normalised_floor)
