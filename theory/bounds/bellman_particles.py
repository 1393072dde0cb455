"""Bound ZL-5.1: particles that a Bellman error asks for, solved for the error."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, MULTINOMIAL
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["bellman_particles"]


@bound(
    id="ZL-5.1",
    title="Bellman error and ratio of the PRM, exponential in H",
    rate="1/N",
    reference="see arXiv 2602.01381, Theorem 5.1; proved here from bound F-star",
    formula="L^6 H (1+eps)^(6(H-1))/(2N), L = max V^(x')/V^(x), eps the Bellman error of V^",
    latex=r"$\frac{1}{2N} L^6 H (1 + \varepsilon)^{6(H-1)}$, "
    r"$L = \max \hat{V}(x') / \hat{V}(x)$, $\varepsilon$ the Bellman error of $\hat{V}$",
    assumptions=(MULTINOMIAL, DRAWN, KEEPS_MASS),
)
def bellman_particles(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= L^6 H (1+eps)^(6(H-1))/(2N), from N >= L^6 H (1+eps)^(6(H-1))/(2 delta).

    L is the largest V^(x')/V^(x), at the root relative to E_ref[V^(x_1)], and
    1/(1+eps) <= E_ref[V^(x_{h+1})|x_h]/V^(x_h) <= 1+eps for 1 <= h < H. Bound F-star has
    B <= L (1+eps)^(2(H-1)), so that N >= H (B - 1)/delta is enough: a third of the exponent.

    Guarantee: upper bound, at least F-star.

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
    """
    c = criteria(problem)
    with np.errstate(over="ignore"):
        power = np.float64(c.prm_step) ** 6 * np.float64(1 + c.bellman_error) ** (
            6 * (problem.horizon - 1)
        )
        return float(power * problem.horizon / (2 * sampler.n_particles))
