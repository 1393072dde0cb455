"""Bound C.4: second moments of one step, summed over the levels."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN, KEEPS_MASS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["step_second_moments"]


@bound(
    id="C.4",
    title="second moments of one step",
    rate="N^-1/2",
    reference="arXiv 2603.07887v1, C.4, with the factor 1/(2Z) that its print misses",
    formula="(1/(2Z sqrt N)) sum_h sqrt(Z^_{h-1} E_ref[V*(x_h)^2/V^(x_{h-1})])",
    latex=r"$\frac{1}{2 Z \sqrt{N}} \sum_h \sqrt{\hat{Z}_{h-1} "
    r"\mathbb{E}_{\text{ref}}\left[\frac{V^*(x_h)^2}{\hat{V}(x_{h-1})}\right]}$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN, KEEPS_MASS),
)
def step_second_moments(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(2Z sqrt N)) sum_h sqrt(Z^_{h-1} E_ref[V*(x_h)^2/V^(x_{h-1})]).

    The term under the root, over Z^2, is 1 + chi2 of the pair laws (`proposal_chi2`), so
    that this is bound S1 with second moments in place of variances.

    Guarantee: upper bound, arXiv 2603.07887v1, statement C.4.

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
    steps = np.sqrt(1 + criteria(problem).proposal_chi2)
    return float(steps.sum() / (2 * np.sqrt(sampler.n_particles)))
