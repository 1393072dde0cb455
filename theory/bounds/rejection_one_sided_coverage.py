"""Bound O-RS: SMC by rejection, density ratios that are large on one side only, at rate 1/N."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NO_RESTART, REJECTION
from theory.bounds.one_sided_coverage import least_of
from theory.statement import bound
from theory.truncation import truncations

__all__ = ["rejection_one_sided_coverage"]


@bound(
    id="O-RS",
    title="SMC-RS: one-sided coverage of the levels, best thresholds M_h",
    rate="1/N and a tail",
    reference="by stopping the filter; sharper in rate than arXiv 2603.07887v1, D.3",
    formula=(
        "inf_M ((5 + sqrt 5)/2) sum_{h<H} M_h/N + (2 + sqrt 5) kappa, "
        "kappa = pi*(some pi*_h/pi^_h > M_h)"
    ),
    latex=r"$\inf_M \left(\frac{5 + \sqrt{5}}{2} \sum_{h<H} \frac{M_h}{N} "
    r"+ (2 + \sqrt{5})\,\kappa\right)$, "
    r"$\kappa = \pi^*(\text{some } \pi^*_h / \hat{\pi}_h > M_h)$",
    assumptions=(REJECTION, DRAWN, NO_RESTART),
)
def rejection_one_sided_coverage(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= 3.62 (1/N) sum_{h<H} M_h + 4.24 kappa, the least of several thresholds.

    As bound O, but the particles of level h are independent draws from mu_h, so that the
    densities are pi*_h/pi^_h, and the last level is exact.

    Guarantee: upper bound of order 1/N where pi*_h/pi^_h is bounded; true with lost mass too.

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
    """
    return least_of(truncations(problem, rejection=True), sampler.n_particles)
