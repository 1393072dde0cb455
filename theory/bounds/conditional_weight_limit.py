"""Bound J-plus: bound J for negatively correlated offspring; of order 1/N."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats, RngLike
from theory.assumptions import DRAWN, NEGATIVELY_CORRELATED
from theory.bounds.conditional_weight import mean_shortfall, shortfall_samples
from theory.statement import bound

__all__ = ["conditional_weight_limit"]


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    return shortfall_samples(problem, sampler, n_runs, rng, at_most=True)


@bound(
    id="J-plus",
    title="largest mean weight along a path, any negatively correlated offspring",
    rate="1/N",
    reference="new; bound J without the factors 1 - 1/N after level 1",
    formula="E_{y~pi*}[(1 - 1/m^+(y))_+], m^+(y) = sum_b N^-j (1-1/N)^{1 not in b} prod_i rho",
    latex=r"$\mathbb{E}_{y \sim \pi^*}\left[\left(1 - \frac{1}{m^+(y)}\right)_+\right]$, "
    r"$m^+(y) = \sum_{b = \{k_1 < \dots < k_j\}} N^{-j} "
    r"\left(1 - \tfrac{1}{N}\right)^{\mathbf{1}\{1 \notin b\}} "
    r"\prod_i \rho_{k_i, k_{i+1} - 1}(y)$",
    assumptions=(NEGATIVELY_CORRELATED, DRAWN),
    samples=_samples,
)
def conditional_weight_limit(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[(1 - 1/m^+(y))_+], exact over all paths.

    The law of the output has nu(y)/pi*(y) >= 1/E^y[W^_H/Z] for every unbiased scheme, by Jensen
    under the law that W^_H nu^_H(y) tilts to, and E^y[W^_H/Z] <= m^+(y): see bound S2-plus. With
    lost mass m^+(y) Z_e/Z takes the place of m^+(y), and a lost y counts 1.

    Guarantee: upper bound of order 1/N.

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
        If there are more than 200,000 paths; `Bound.estimate` then draws paths from pi*.
    """
    return mean_shortfall(problem, sampler, at_most=True)
