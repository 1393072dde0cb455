"""Bound 3.2: action-level coverage and the chi-square of every level."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE, KEEPS_MASS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["chi_square_levels"]


@bound(
    id="3.2",
    title="action-level coverage and the chi-square of every level",
    rate="N^-1/2",
    reference="arXiv 2603.07887v1, 3.2",
    formula="sqrt(C_act/N) (H + sum_{h<H} sqrt(chi2_h))",
    latex=r"$\sqrt{\frac{C_{\text{act}}}{N}} \left(H + \sum_{h<H} \sqrt{\chi^2_h}\right)$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE, KEEPS_MASS),
)
def chi_square_levels(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sqrt(C_act/N) (H + sum_{h=1}^{H-1} sqrt(chi2(pi*_h ‖ pi^_h))).

    Guarantee: upper bound, arXiv 2603.07887v1, statement 3.2.

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
    levels = problem.horizon + float(np.sqrt(c.chi2[:-1]).sum())
    return float(np.sqrt(c.action_coverage / sampler.n_particles) * levels)
