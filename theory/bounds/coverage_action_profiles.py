"""Bound C.6: profiles of both the coverage and the action-level ratio."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN
from theory.criteria import criteria
from theory.profiles import least_of_both, tails
from theory.statement import bound

__all__ = ["coverage_action_profiles"]


@bound(
    id="C.6",
    title="coverage and action profiles, best thresholds M and eta",
    rate="N^-1/2 and a tail",
    reference="arXiv 2603.07887v1, C.6",
    formula="inf_{M,eta>=1} H sqrt(M eta/N) + sum_{h<H} Cov_M(h) + sum_{h<=H} action profile",
    latex=r"$\inf_{M, \eta \ge 1} \left(H \sqrt{\frac{M \eta}{N}} "
    r"+ \sum_{h<H} \text{Cov}_M(h) + \sum_{h \le H} "
    r"\mathbb{P}_{\pi^*}\left(\frac{V^*(x_h)}{V^*(x_{h-1})} \ge \eta\right)\right)$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN),
)
def coverage_action_profiles(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV by H sqrt(M eta/N) + sum_{h<H} Cov_M(h) + sum_{h<=H} P_{pi*}(step >= eta).

    The step is V*(x_h)/V*(x_{h-1}); the value is the infimum over M, eta >= 1.

    Guarantee: upper bound, arXiv 2603.07887v1, statement C.6; true also when mass is lost.

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
    scale = problem.horizon / float(np.sqrt(sampler.n_particles))
    return least_of_both(scale, tails(log_ratio, mass), tails(*c.action_atoms)) + lost
