"""Bounds L and L-level: the second moment of a martingale, linear in H under the root."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import (
    AT_MOST_MULTINOMIAL,
    DRAWN,
    FINITE_ACCURACY,
    FINITE_COVERAGE,
    KEEPS_MASS,
)
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["accuracy_root", "accuracy_root_level"]

NEEDS = (AT_MOST_MULTINOMIAL, DRAWN, FINITE_COVERAGE, FINITE_ACCURACY, KEEPS_MASS)


@bound(
    id="L",
    title="coverage and L-infinity accuracy, linear in H",
    rate="N^-1/2",
    reference="martingale of Del Moral (2004); variance linear in H: see Cerou et al. (2011)",
    formula="(1/2) sqrt((1 + (C_act C_inf^2 - 1)/N)^H - 1)",
    latex=r"$\frac{1}{2} \sqrt{\left(1 + \frac{C_{\text{act}} C_\infty^2 - 1}{N}\right)^H - 1}$",
    assumptions=NEEDS,
)
def accuracy_root(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) sqrt((1 + (B - 1)/N)^H - 1), B = C_act C_inf^2.

    With the martingale M_h of bound S1, E[(M_h - M_{h-1})^2 | past] <= ((B - 1)/N) M_{h-1}^2;
    iterate, then Cauchy-Schwarz on D_TV <= E|W^_H - Z|/(2Z).

    Guarantee: upper bound.

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
    b = c.action_coverage * c.prm_accuracy * c.prm_accuracy
    return _half_root(np.full(problem.horizon, b), sampler.n_particles)


@bound(
    id="L-level",
    title="bound L level by level, blind to the scale of V^",
    rate="N^-1/2",
    reference="martingale of Del Moral (2004); variance linear in H: see Cerou et al. (2011)",
    formula="(1/2) sqrt(prod_h (1 + (C_act,h spread_{h-1} - 1)/N) - 1)",
    latex=r"$\frac{1}{2} \sqrt{\prod_h \left(1 + \frac{C_{\text{act},h}\,s_{h-1} - 1}{N}\right) "
    r"- 1}$, $s_h = \max / \min$ of $V^*/\hat{V}$ on level $h$",
    assumptions=NEEDS,
)
def accuracy_root_level(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) sqrt(prod_h (1 + (B_h - 1)/N) - 1), B_h = C_act,h spread_{h-1}.

    C_act,h is the coverage of the edges into level h, and spread_{h-1} = max/min of V*/V^
    within level h-1: the proof of L needs no more, as V*/V^ enters as nu(g^2)/nu(g)^2 only.

    Guarantee: upper bound, at most L.

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
    return _half_root(c.level_action_coverage * c.level_spread[:-1], sampler.n_particles)


def _half_root(b: npt.NDArray[np.float64], n: int) -> float:
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.expm1(np.log1p(np.maximum(b - 1, 0) / n).sum())) / 2)
