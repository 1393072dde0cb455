"""Bound L-adaptive: the second moment of the martingale where clouds may be kept."""

from __future__ import annotations

import numpy as np

from simulator.measure.largest_steps import largest_excess
from simulator.problem.problem import Problem
from simulator.resampling.when import Rule
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Floats
from theory.assumptions import ADAPTIVE, DRAWN, FINITE_COVERAGE, KEEPS_MASS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["NEEDS", "accuracy_root_adaptive", "largest_variances", "rule_of"]

NEEDS = (ADAPTIVE, DRAWN, FINITE_COVERAGE, KEEPS_MASS)


@bound(
    id="L-adaptive",
    title="adaptive resampling: coverage and L-infinity accuracy, linear in H",
    rate="N^-1/2",
    reference="bound L-level where a cloud may be kept",
    formula="(1/2) sqrt(prod_h (1 + v_h) - 1), v_h = max(B_h - 1, (C_act,h - 1) s min(s q, m))/N, "
    "s = spread_{h-1}, q and m the most of N sum W_i^2 and N max W_i in a cloud that is kept",
    latex=r"$\frac{1}{2} \sqrt{\prod_h (1 + v_h) - 1}$, $v_1 = \frac{B_1 - 1}{N}$, "
    r"$v_h = \frac{1}{N} \max(B_h - 1, (C_{\text{act},h} - 1)\,s \min(s q, m))$ behind it, "
    r"$s = \max / \min$ of $V^*/\hat{V}$ on level $h - 1$, $B_h$ of F-star, "
    r"$q$ and $m$ the most of $N \sum_i W_i^2$ and $N \max_i W_i$ in a cloud that is kept",
    assumptions=NEEDS,
)
def accuracy_root_adaptive(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) sqrt(prod_h (1 + v_h) - 1), v_h of `largest_variances`.

    With the martingale M_h of bound S1, E[(M_h - M_{h-1})^2 | past] <= v_h M_{h-1}^2, whether the
    cloud is resampled or kept; iterate, then Cauchy-Schwarz on D_TV <= E|W^_H - Z|/(2Z). If
    V^ = V*, v_h is (C_act,h - 1)/(tN) by either rule: N becomes tN.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling by a rule, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    v = largest_variances(problem, rule_of(sampler, problem), sampler.n_particles)
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.expm1(np.log1p(v).sum())) / 2)


def rule_of(sampler: Sampler, problem: Problem) -> Rule:
    """Return the rule by which an adaptive sampler is resampled.

    Parameters
    ----------
    sampler : Sampler
        One of which `theory.assumptions.ADAPTIVE` holds.
    problem : Problem
        What is sampled.

    Returns
    -------
    Rule
    """
    rule = facts_of(sampler, problem).adaptive
    assert rule is not None
    return rule


def largest_variances(problem: Problem, rule: Rule, n: int) -> Floats:
    r"""Bound the conditional variance of M_h/M_{h-1}: v_1, ..., v_H.

    Let g = V*/V^, s its max/min within level h-1, and w_i = g(x_i)/sum_j W_j g(x_j) <= s, so that
    sum_i W_i w_i = 1. A resampled cloud has at most (B_h-1)/N, B_h as in bound F-star. In a kept
    one particle i adds (W_i w_i)^2 Var(V*(x')/V*(x_i)), and this variance is at most
    C_act,h - 1; sum_i (W_i w_i)^2 is at most s^2 sum W_i^2, and s max W_i. Particles at the root
    are alike: v_1 = (B_1-1)/N.

    Parameters
    ----------
    problem : Problem
        What is sampled; no use if mass is lost.
    rule : Rule
        Which clouds are resampled.
    n : int
        Number of particles N.

    Returns
    -------
    (H,) array
        inf where the spread of a level is infinite and its tokens differ.
    """
    c = criteria(problem)
    resampled = largest_excess(problem) / n
    gain, spread = np.maximum(c.level_action_coverage - 1, 0.0), c.level_spread[:-1]
    with np.errstate(over="ignore"):
        uneven = spread * np.minimum(spread * rule.kept_squares, rule.kept_largest(n)) / n
    kept = np.zeros_like(gain)
    kept[gain > 0] = gain[gain > 0] * uneven[gain > 0]
    kept[0] = 0.0
    return np.maximum(resampled, kept)
