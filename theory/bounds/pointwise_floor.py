"""Bound F-star: a floor under the law of the output, path by path; H/N, blind to V^'s scale."""

from __future__ import annotations

import numpy as np

from simulator.measure.largest_steps import largest_excess
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats
from theory.assumptions import DRAWN, KEEPS_MASS, PATH_WEIGHT
from theory.statement import bound

__all__ = ["floor_gap", "pointwise_floor"]


@bound(
    id="F-star",
    title="the least that every path keeps of its probability",
    rate="1/N",
    reference="bias of one level: see arXiv 1511.06196; new: a floor on each path, linear in B",
    formula="1 - prod_h (1 + (B_h-1)/N)^-1, B_h = max V*(x')/V^(x) / min_{h-1} V*/V^",
    latex=r"$1 - \prod_h \left(1 + \frac{B_h - 1}{N}\right)^{-1}$, "
    r"$B_h = \max \frac{V^*(x')}{\hat{V}(x)} \Big/ \min_{h-1} \frac{V^*}{\hat{V}}$",
    assumptions=(PATH_WEIGHT, DRAWN, KEEPS_MASS),
)
def pointwise_floor(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= 1 - prod_{h=1}^H (1 + (B_h-1)/N)^-1, at most H(B-1)/(N+B-1), B = max B_h.

    Given the past, the weights u = V*(x')/V^(x) of level h are at most B_h times their mean,
    so that E[nu~_h | past] >= (1 + (B_h-1)/N)^-1 nu~_{h-1} pi* (Jensen, see bound TJ). Hence
    every path y is output with probability at least pi*(y) prod_h (1 + (B_h-1)/N)^-1.

    Guarantee: upper bound; attained by one level of one particle.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, with any unbiased one if V^ = V*, or one
        that declares such a law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].
    """
    return floor_gap(largest_excess(problem), sampler.n_particles)


def floor_gap(excess: Floats, n: int) -> float:
    """Return 1 - prod_h (1 + excess_h/N)^-1.

    Parameters
    ----------
    excess : array
        B_h - 1 >= 0 of the levels; may be inf.
    n : int
        Number of particles N.

    Returns
    -------
    float
        In [0, 1]; 0 without levels.
    """
    return float(-np.expm1(-np.log1p(excess / n).sum()))
