"""Bound E-upper: chi-square of pairs at a fixed horizon, better than 1/sqrt(N)."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, MULTINOMIAL
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["chi_square_fixed_horizon"]


@bound(
    id="E-upper",
    title="largest chi-square of pairs, for a fixed horizon",
    rate="N^(-H/(2H-1))",
    reference="new; coalescence ratios and Hölder's inequality",
    formula="sum_{j=1}^H C(H,j) ((1+c)/N)^(j/(2j-1)), c = max_h chi2(pi*_h ‖ eta_h), laws of pairs",
    latex=r"$\sum_{j=1}^{H} \binom{H}{j} \left(\frac{1 + c}{N}\right)^{j/(2j-1)}$, "
    r"$c = \max_h \chi^2(\pi^*_h \Vert \eta_h)$, laws of pairs",
    assumptions=(MULTINOMIAL, DRAWN, KEEPS_MASS),
)
def chi_square_fixed_horizon(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_{j=1}^H C(H,j) ((1+c)/N)^(j/(2j-1)), c the largest chi-square of pairs.

    In m(y) of bound J a set of j levels contributes N^-j times j densities u = dpi*/d eta, each of
    mean at most 1 + c under pi*, and j - 1 ratios of mean at most 1. As
    min(1, x) <= x^(1/(2j-1)), Hölder's inequality bounds the mean of min(1, .) of each.

    Guarantee: upper bound (new here). Its rate N^(-H/(2H-1)) at a fixed horizon is attained, see
    E; for long horizons S1 is better.

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

    Examples
    --------
    >>> from simulator.problem.families.rare_path import rare_path
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = rare_path(1024, 2)
    >>> print(f"{chi_square_fixed_horizon(problem, SMC(1024)):.4f}")
    0.0262
    """
    from scipy.special import gammaln

    c, top = float(criteria(problem).proposal_chi2.max()), problem.horizon
    j = np.arange(1, top + 1)
    log_choose = gammaln(top + 1) - gammaln(j + 1) - gammaln(top - j + 1)
    with np.errstate(over="ignore"):
        return float(
            np.exp(log_choose + j / (2 * j - 1) * np.log((1 + c) / sampler.n_particles)).sum()
        )
