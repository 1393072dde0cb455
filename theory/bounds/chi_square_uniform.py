"""Bound 1.1: the headline bound of the paper, through the largest chi-square."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE, KEEPS_MASS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["chi_square_uniform"]


@bound(
    id="1.1",
    title="square root of the particle number, largest chi-square",
    rate="N^-1/2",
    reference="arXiv 2603.07887v1, 1.1",
    formula="sqrt(H^2 C_act (max_h chi2_h + 1) / N)",
    latex=r"$\sqrt{\frac{H^2 C_{\text{act}} (\max_h \chi^2_h + 1)}{N}}$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE, KEEPS_MASS),
)
def chi_square_uniform(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sqrt(H^2 C_act (C_chi2 + 1)/N) with C_chi2 = max_h chi2(pi*_h ‖ pi^_h).

    Guarantee: upper bound, arXiv 2603.07887v1, statement 1.1 (it follows from C.4).

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
    chi2 = float(c.chi2.max())
    return float(problem.horizon * np.sqrt(c.action_coverage * (chi2 + 1) / sampler.n_particles))
