"""Bound TJ: one-step errors of the tilted cloud by Jensen's inequality, without an integral."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats, RngLike
from theory.assumptions import DRAWN, SLOTS
from theory.bounds.stepwise_errors import measured_steps, scheme_steps
from theory.statement import bound

__all__ = ["stepwise_floors"]


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the terms of each run."""
    return measured_steps(problem, sampler, n_runs, rng, jensen=True)


@bound(
    id="TJ",
    title="one-step errors of the tilted cloud by Jensen",
    rate="1/N",
    reference="from bound T by Jensen; bias of one level: see arXiv 1511.06196 and 2411.09514",
    formula="sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], w = (V*(x')/V^(x)) / nu^_{h-1}(V*/V^)",
    latex=r"$\sum_h \mathbb{E}\left[\mathbb{E}_{\tilde{\nu}_{h-1} \pi^*}"
    r"\left[\frac{(w - 1)_+}{N + w - 1}\right]\right]$, "
    r"$w = \frac{V^*(x')}{\hat{V}(x)} \Big/ \hat{\nu}_{h-1}(V^*/\hat{V})$",
    assumptions=(SLOTS, DRAWN),
    measured=True,
    samples=_samples,
)
def stepwise_floors(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_h E[E_{nu~_{h-1} pi*}[(w-1)_+/(N+w-1)]], over all clouds.

    Of N independent pairs from q, self-normalised by w, a pair k is kept with probability
    N q_k w_k E[1/(w_k + sum of N-1 others)] >= q_k w_k/(1 + (w_k-1)/N), by Jensen. So a term of
    bound T is at most E_{q w}[(w-1)_+/(N+w-1)], which needs no integral. Of other schemes slot s
    of law q_s keeps at least q_s(k) w_k/(w_k + sum of E_{q_s'}[w] over the other slots).

    Guarantee: upper bound of order 1/N, at least T; true with lost mass too, where w is the
    weight of the pairs that are kept.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that is resampled at every level, by any scheme, or one that declares such a law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then. Also if offspring of so
        many particles cannot be listed (SSP).
    """
    return scheme_steps(problem, sampler, jensen=True)
