"""Bound S2: the exact relative variance of the weight."""

from __future__ import annotations

import math
import sys

from simulator.exact.second_moments import relative_variance
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, WEIGHT
from theory.statement import bound

__all__ = ["half_root", "weight_variance"]


@bound(
    id="S2",
    title="exact relative variance of the weight",
    rate="N^-1/2",
    reference="second moment by coalescence: see Cerou et al. (2011); arXiv 2603.07887v1, C.3",
    formula="sqrt(v)/2, v = Var(W^_H)/Z^2",
    latex=r"$\frac{1}{2} \sqrt{v}$, $v = \text{Var}(\hat{W}_H) / Z^2$",
    assumptions=(WEIGHT, DRAWN, NO_RESTART, KEEPS_MASS),
)
def weight_variance(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E|W^_H - Z|/(2Z) <= sqrt(v)/2, v = Var(W^_H)/Z^2 by recursion.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level (with any unbiased one if V^ = V*), SMC by
        rejection without restart, SIS, or one that declares one of these laws.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    v = relative_variance(problem, sampler.n_particles, facts_of(sampler, problem).family)
    return half_root(v, problem.horizon)


def half_root(v: float, horizon: int) -> float:
    """Return sqrt(v)/2 for a v that comes as a difference from 1 after `horizon` steps.

    Parameters
    ----------
    v : float
        Relative variance, >= 0 up to rounding.
    horizon : int
        Number of steps, each of which may add a rounding error to v.

    Returns
    -------
    float
        Rounded up, as rounding must not push the bound down.
    """
    rounding = 4 * sys.float_info.epsilon * horizon
    return math.sqrt(v + (1 + v) * rounding) / 2
