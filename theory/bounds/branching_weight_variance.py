"""Bound S2-ind: the exact relative variance of the weight of SMC-IND."""

from __future__ import annotations

import math
import sys

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.branching.moments import relative_variance
from theory.assumptions import BRANCHING, DRAWN, KEEPS_MASS, UNCUT
from theory.statement import bound

__all__ = ["branching_weight_variance"]


@bound(
    id="S2-ind",
    title="exact relative variance of the weight of SMC-IND",
    rate="N^-1/2",
    reference="moments of a Galton-Watson process by many-to-two; arXiv 2603.07887v1, C.3",
    formula="sqrt(v)/2, N v = (V^(root)/Z)(1 + 2 sum_{h<H} E_{pi*}[V*(x_h)/V^(x_h)]) - 1",
    latex=r"$\frac{1}{2} \sqrt{v}$, $N v = \frac{\hat{V}(\text{root})}{Z} "
    r"\left(1 + 2 \sum_{h<H} \mathbb{E}_{\pi^*}\left[\frac{V^*(x_h)}{\hat{V}(x_h)}\right]\right) "
    r"- 1$",
    assumptions=(BRANCHING, DRAWN, UNCUT, KEEPS_MASS),
)
def branching_weight_variance(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E|W^_H - Z|/(2Z) <= sqrt(v)/2, v = Var(W^_H)/Z^2, W^_H = V^(root) K/N.

    SMC-IND is properly weighted (see `SMCIndependent`), so lemma C.3 applies. One particle's
    number of leaves has E[K_x^2] = sum_a q_a E[K_{xa}^2] + 2 E[K_x]^2, as the number of
    children is geometric; sum over the tree. Since sum_{h<H} E_{pi*}[V*/V^] =
    sum_{h<H} (Z/Z^_h)(1 + chi2_h), the bound is sqrt(H/(2N)) for V^ = V*.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC-IND; VGB with ``stop="visits"``, which has its law [E.1]; or one that declares it.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    v = relative_variance(problem, sampler.n_particles)
    rounding = 8 * sys.float_info.epsilon * problem.horizon
    return math.sqrt(max(v, 0.0) + (1 + abs(v)) * rounding) / 2
