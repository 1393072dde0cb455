"""Bound 3.5: the coverage profile in place of the chi-square."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE
from theory.criteria import criteria
from theory.profiles import tails
from theory.statement import bound

__all__ = ["coverage_profile"]


@bound(
    id="3.5",
    title="coverage profile, best threshold M",
    rate="N^-1/2 and a tail",
    reference="arXiv 2603.07887v1, 3.5",
    formula="inf_{M>=1} H sqrt(M C_act/N) + sum_{h<H} Cov_M(h)",
    latex=r"$\inf_{M \ge 1} \left(H \sqrt{\frac{M C_{\text{act}}}{N}} "
    r"+ \sum_{h<H} \text{Cov}_M(h)\right)$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE),
)
def coverage_profile(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= H sqrt(M C_act/N) + sum_{h<H} Cov_M(h), the infimum over M >= 1.

    Cov_M(h) is the pi*_h-probability of pi*_h/pi^_h >= M; a path that meets V^ = 0 has
    ratio inf, so this bound stays true, and finite, when mass is lost.

    Guarantee: upper bound, arXiv 2603.07887v1, statement 3.5.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC resampled at every level with no more variance than multinomial resampling has.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    c = criteria(problem)
    log_ratio, mass, lost = c.coverage_atoms
    root, tail = tails(log_ratio, mass)
    scale = problem.horizon * np.sqrt(c.action_coverage / sampler.n_particles)
    return float((scale * root + tail).min() + lost)
