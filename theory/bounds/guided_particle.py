"""Bounds ZL-4.3 and ZL-4.3-sharp: one guided particle, by the Bellman error of the PRM."""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import ALONE, DRAWN, KEEPS_MASS, NO_RESTART, REJECTION
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["guided_particle", "guided_particle_sharp"]

NEEDS = (REJECTION, ALONE, DRAWN, NO_RESTART, KEEPS_MASS)


@bound(
    id="ZL-4.3",
    title="ALRS: Bellman error of the PRM, linear in H",
    rate="none, as N = 1",
    reference="see arXiv 2602.01381, Theorem 4.3; proved here",
    formula="2 H eps, eps the Bellman error of V^",
    latex=r"$2 H \varepsilon$, $\varepsilon$ the Bellman error of $\hat{V}$",
    assumptions=NEEDS,
)
def guided_particle(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= 2 H eps, 1/(1+eps) <= E_ref[V^(x_{h+1})|x_h]/V^(x_h) <= 1+eps for 1 <= h < H.

    Guarantee: upper bound, at least four times ZL-4.3-sharp.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection with one particle (`ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    return 2 * problem.horizon * criteria(problem).bellman_error


@bound(
    id="ZL-4.3-sharp",
    title="ALRS: spread of the Bellman ratio, level by level",
    rate="none, as N = 1",
    reference="sharper form of arXiv 2602.01381, Theorem 4.3",
    formula=(
        "tanh((1/4) sum_{1<=h<H} log(max b_h/min b_h)), b_h = E_ref[V^(x_{h+1})|x_h]/V^(x_h); "
        "at most tanh((H-1) log(1+eps)/2)"
    ),
    latex=r"$\tanh\left(\frac{1}{4} \sum_{1 \le h < H} \log \frac{\max b_h}{\min b_h}\right)$, "
    r"$b_h = \mathbb{E}_{\text{ref}}[\hat{V}(x_{h+1}) \mid x_h] / \hat{V}(x_h)$; "
    r"at most $\tanh(\frac{1}{2} (H - 1) \log(1 + \varepsilon))$",
    assumptions=NEEDS,
)
def guided_particle_sharp(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= tanh((1/4) sum_{1<=h<H} log(max b_h/min b_h)), b_h the Bellman ratio.

    The particle's law over pi* is a constant times prod_{1<=h<H} 1/b_h(x_h), so it lies within a
    factor q = prod max b_h/min b_h; two laws whose ratio does are at most
    (sqrt(q) - 1)/(sqrt(q) + 1) = tanh(log(q)/4) apart.

    Guarantee: upper bound, attained; rescaling V^ level by level does not change it.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection with one particle (`ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].
    """
    least, most = criteria(problem).level_bellman_ratio
    with np.errstate(divide="ignore"):
        return math.tanh(float((np.log(most[1:]) - np.log(least[1:])).sum()) / 4)
