"""Bound S2-plus: a limit of the weight's relative variance for negatively correlated offspring."""

from __future__ import annotations

from simulator.exact.second_moments import relative_variance
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, NEGATIVELY_CORRELATED
from theory.bounds.weight_variance import half_root
from theory.statement import bound

__all__ = ["weight_variance_limit"]


@bound(
    id="S2-plus",
    title="largest relative variance of the weight, any negatively correlated offspring",
    rate="N^-1/2",
    reference="new; bound S2 without the factors 1 - 1/N after level 1",
    formula="sqrt(v^+)/2, 1 + v^+ = E_{pi*}[m^+(y)]",
    latex=r"$\frac{1}{2} \sqrt{v^+}$, $1 + v^+ = \mathbb{E}_{\pi^*}[m^+(y)]$, $m^+$ of J-plus",
    assumptions=(NEGATIVELY_CORRELATED, DRAWN, KEEPS_MASS),
)
def weight_variance_limit(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sqrt(v^+)/2, where Var(W^_H)/Z^2 <= v^+ = E_{pi*}[m^+(y)] - 1.

    m^+(y) is the sum of bound J without its factors 1 - 1/N, because E[N_a N_b] <= E N_a E N_b and
    E[N_a (N_a - 1)] <= (E N_a)^2; that of level 1 stays, as all particles there are draws from one
    parent. Without the plus this is false: see claim "less-variance".

    Guarantee: upper bound; 1 + v^+ is at most (1 - 1/N)^(1-H) (1 + v), v that of multinomial.

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
        The bound on D_TV; from 1 on it says nothing.
    """
    v = relative_variance(problem, sampler.n_particles, at_most=True)
    return half_root(v, problem.horizon)
