"""Bound S2: the exact relative variance of the weight."""

from __future__ import annotations

import math
import sys

from simulator.exact.second_moments import relative_variance
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.statement import (
    DRAWN,
    KEEPS_MASS,
    MULTINOMIAL,
    NO_RESTART,
    REJECTION,
    recursion,
    register,
)

__all__ = ["half_root", "variance_s2"]


@register(
    id="S2",
    title="exact relative variance of the weight",
    reference="new; arXiv 2603.07887v1, C.3, with Cauchy-Schwarz and the exact second moment",
    formula="sqrt(v)/2, v = Var(W^_H)/Z^2",
    algorithms=("smc", "sis", *REJECTION),
    assumptions=(MULTINOMIAL, DRAWN, NO_RESTART, KEEPS_MASS),
)
def variance_s2(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E|W^_H - Z|/(2Z) <= sqrt(v)/2, v = Var(W^_H)/Z^2 by recursion.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
    sampler : SMC, SIS, SMCRejection, DiffusionMonteCarlo or ActionLevelRejection

    Returns
    -------
    float
    """
    v = relative_variance(problem, sampler.n_particles, recursion(sampler))
    return half_root(v, problem.horizon)


def half_root(v: float, horizon: int) -> float:
    """Return sqrt(v)/2 for a v that comes as a difference from 1 after `horizon` steps.

    Parameters
    ----------
    v : float
    horizon : int

    Returns
    -------
    float
        Rounded up, as rounding must not push the bound down.
    """
    rounding = 4 * sys.float_info.epsilon * horizon
    return math.sqrt(v + (1 + v) * rounding) / 2
