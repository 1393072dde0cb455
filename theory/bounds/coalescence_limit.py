"""Bound K-plus: bound K for negatively correlated offspring, one backward pass over edges."""

from __future__ import annotations

from simulator.exact.coalescence import expected_shortfall
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NEGATIVELY_CORRELATED
from theory.statement import bound

__all__ = ["coalescence_limit"]


@bound(
    id="K-plus",
    title="largest coalescence ratios along pi*, any negatively correlated offspring",
    rate="1/N",
    reference="new; bound J-plus with its path weight m^+(y) bounded by a product",
    formula="E_{pi*}[1 - (1 + (R_1-1)_+/N)^-1 prod_{k>=2} (1 + R_k/N)^-1]",
    latex=r"$\mathbb{E}_{\pi^*}\left[1 - \left(1 + \frac{(R_1 - 1)_+}{N}\right)^{-1} "
    r"\prod_{k \ge 2} \left(1 + \frac{R_k}{N}\right)^{-1}\right]$, $R_k$ of K",
    assumptions=(NEGATIVELY_CORRELATED, DRAWN),
)
def coalescence_limit(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[1 - (1 + (R_1-1)_+/N)^-1 prod_{k=2}^H (1 + R_k/N)^-1].

    It is bound K with R_k for R_k - 1 from level 2 on: the product is above m^+(y). One backward
    pass over edges. With lost mass: lost + (1 - lost) times the bound on alive paths.

    Guarantee: upper bound of order 1/N, at least J-plus.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC resampled at every level with negatively correlated offspring: multinomial, stratified,
        residual, SSP, killing, systematic with at most three particles.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If the horizon is so long that the recursion would take minutes.
    """
    return expected_shortfall(problem, sampler.n_particles, at_most=True)
