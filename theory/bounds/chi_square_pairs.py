"""Bound S1: variances of one step, summed over the levels."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, KEEPS_MASS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["chi_square_pairs"]


@bound(
    id="S1",
    title="one-step chi-square, summed over the levels",
    rate="N^-1/2",
    reference="martingale of Del Moral (2004); sharper form of arXiv 2603.07887v1, C.4",
    formula="(1/(2 sqrt N)) sum_h sqrt(chi2(pi*_h ‖ eta_h)), laws of pairs",
    latex=r"$\frac{1}{2 \sqrt{N}} \sum_h \sqrt{\chi^2(\pi^*_h \Vert \eta_h)}$, laws of pairs",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN, KEEPS_MASS),
)
def chi_square_pairs(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(2 sqrt N)) sum_h sqrt(chi2_h), chi2_h of pairs (x_{h-1}, x_h).

    M_h = W^_h nu^_h(V*/V^) is a martingale from Z to W^_H, and D_TV <= E|W^_H - Z|/(2Z)
    (arXiv 2603.07887v1, C.3). Given the past, M_h - M_{h-1} is W^_{h-1} times a centred
    mean of N independent terms V*(x_h)/V^(x_{h-1}); its variance, averaged with
    E[W sqrt(D)] <= sqrt(E[W] E[W D]), gives one term of the sum.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC resampled at every level with no more variance than multinomial resampling has.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    steps = np.sqrt(criteria(problem).proposal_chi2)
    return float(steps.sum() / (2 * np.sqrt(sampler.n_particles)))
