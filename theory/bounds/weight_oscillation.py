"""Bounds DM and DM-sharp: weights that lie within a factor q of each other, at rate 1/N."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, MULTINOMIAL
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["weight_oscillation", "weight_oscillation_sharp"]

NEEDS = (MULTINOMIAL, DRAWN, KEEPS_MASS)


@bound(
    id="DM",
    title="Del Moral's bias bound: oscillation of V*(x')/V^(x)",
    rate="1/N",
    reference="see arXiv 2602.01381, Theorem E.6; proved here from bound T",
    formula="(1/(2N)) sum_h q_h (q_h^2 - 1), q_h = max/min of V*(x_h)/V^(x_{h-1})",
    latex=r"$\frac{1}{2N} \sum_h q_h (q_h^2 - 1)$, "
    r"$q_h = \max / \min$ of $V^*(x_h) / \hat{V}(x_{h-1})$",
    assumptions=NEEDS,
)
def weight_oscillation(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(2N)) sum_h q_h (q_h^2 - 1), q_h = max/min of V*(x_h)/V^(x_{h-1}).

    V*(x_h)/V^(x_{h-1}) is the potential of the pair and the mean of all that follow. With V*/V^
    at x_h alone in its place the bound is false for SMC: it would be 0 for V^ = V*.

    Guarantee: upper bound, at least four times DM-sharp.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; inf where V* = 0 after an edge that a particle can take.
    """
    q = criteria(problem).pair_spread
    with np.errstate(over="ignore"):
        return float((q * (q - 1) * (q + 1)).sum() / (2 * sampler.n_particles))


@bound(
    id="DM-sharp",
    title="oscillation of V*(x')/V^(x), linear in q",
    rate="1/N",
    reference="bound T with each term replaced by its largest value at this oscillation",
    formula="(1/(4N)) sum_h (q_h - 1), q_h = max/min of V*(x_h)/V^(x_{h-1})",
    latex=r"$\frac{1}{4N} \sum_h (q_h - 1)$, "
    r"$q_h = \max / \min$ of $V^*(x_h) / \hat{V}(x_{h-1})$",
    assumptions=NEEDS,
)
def weight_oscillation_sharp(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(4N)) sum_h (q_h - 1), q_h = max/min of V*(x_h)/V^(x_{h-1}).

    One level of bound T errs by at most E[w (w-1)_+]/N, w the weights relative to their mean;
    of all laws of w in [a, q a] with mean 1 that is largest, (q-1)/4, at the two ends.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; inf where V* = 0 after an edge that a particle can take.
    """
    return float((criteria(problem).pair_spread - 1).sum() / (4 * sampler.n_particles))
