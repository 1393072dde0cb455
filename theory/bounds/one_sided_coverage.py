"""Bound O: density ratios that are large on one side only, at rate 1/N."""

from __future__ import annotations

import math

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, NEGATIVELY_CORRELATED
from theory.statement import bound
from theory.truncation import Truncations, truncations

__all__ = ["LEFT_OUT", "PER_LEVEL", "least_of", "one_sided_coverage"]

PER_LEVEL = (5 + math.sqrt(5)) / 2  # 3.618...
LEFT_OUT = 2 + math.sqrt(5)  # 4.236...


@bound(
    id="O",
    title="one-sided coverage of the pairs, best thresholds M_h",
    rate="1/N and a tail",
    reference="by stopping the filter; sharper in rate than arXiv 2603.07887v1, C.6",
    formula=(
        "inf_M ((5 + sqrt 5)/2) sum_h M_h/N + (2 + sqrt 5) kappa, kappa = pi*(some u_h > M_h), "
        "u_h = dpi*_h/deta_h of pairs"
    ),
    latex=r"$\inf_M \left(\frac{5 + \sqrt{5}}{2} \sum_h \frac{M_h}{N} "
    r"+ (2 + \sqrt{5})\,\kappa\right)$, $\kappa = \pi^*(\text{some } u_h > M_h)$, "
    r"$u_h = d\pi^*_h / d\eta_h$ of pairs",
    assumptions=(AT_MOST_MULTINOMIAL, NEGATIVELY_CORRELATED, DRAWN),
)
def one_sided_coverage(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= 3.62 (1/N) sum_{h<=H} M_h + 4.24 kappa, the least of several thresholds.

    u_h is the density of pi*_h against eta_h on pairs (x_{h-1}, x_h), and kappa the
    pi*-probability that u_h > M_h at some level; a path that meets V^ = 0 has u = inf, so this
    bound stays true, and finite, when mass is lost. Of any thresholds the bound is true; those
    tried are the family of `theory.truncation`. Small ratios cost nothing.

    Guarantee: upper bound of order 1/N where u_h is bounded; with C.6's thresholds M and eta it
    is 3.62 H M eta/N + 4.24 (both sums), where C.6 has H sqrt(M eta/N).

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that resamples at every level, with multinomial, stratified, residual, SSP or killing
        resampling, or one that declares such a law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    return least_of(truncations(problem), sampler.n_particles)


def least_of(choices: Truncations, n: int) -> float:
    """Return the least of c sum_h M_h/N + d kappa, c = (5 + sqrt 5)/2 and d = 2 + sqrt 5.

    Parameters
    ----------
    choices : Truncations
        The thresholds M_h.
    n : int
        Number of particles N.

    Returns
    -------
    float
    """
    levels = choices.thresholds.sum(axis=1)
    return float((PER_LEVEL * levels / n + LEFT_OUT * choices.outside).min())
