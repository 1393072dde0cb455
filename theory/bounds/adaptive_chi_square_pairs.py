"""Bound S1-adaptive: variances of one step, summed over the levels, where clouds may be kept."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import ADAPTIVE, DRAWN, KEEPS_MASS
from theory.bounds.adaptive_accuracy_root import rule_of
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["chi_square_pairs_adaptive"]


@bound(
    id="S1-adaptive",
    title="adaptive resampling: one-step chi-square, summed over the levels",
    rate="(N max W)^1/2 N^-1/2",
    reference="bound S1 where a cloud may be kept",
    formula="(1/(2 sqrt N)) (sqrt(chi2_1) + sqrt(m) sum_{h>1} sqrt(chi2_h)), chi2_h of pairs, "
    "m = 1/t (max_weight) or 1 + sqrt((N-1)(1/t-1)) (ess)",
    latex=r"$\frac{1}{2 \sqrt{N}} \left(\sqrt{\chi^2_1} "
    r"+ \sqrt{m} \sum_{h>1} \sqrt{\chi^2_h}\right)$, "
    r"$\chi^2_h$ of pairs, $m = 1/t$ (max_weight) or $1 + \sqrt{(N - 1)(1/t - 1)}$ (ess)",
    assumptions=(ADAPTIVE, DRAWN, KEEPS_MASS),
)
def chi_square_pairs_adaptive(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV by bound S1 with N/m in place of N behind the first level.

    m is the most of N max W_i in a cloud that is kept. There M_h - M_{h-1} has the variance
    W^^2 sum_i W_i^2 Var(V*(x')/V^(x_i)), given the past, which is at most max W_i times that of one
    draw of a pair from the weighted cloud, hence m times that of N draws. The rest is bound S1's
    proof. So the rule "max_weight" keeps the rate 1/sqrt(tN), which "ess", with m of order
    sqrt(N), does not as far as this proof goes.

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
    n = sampler.n_particles
    steps = np.sqrt(criteria(problem).proposal_chi2 / n) / 2
    m = rule_of(sampler, problem).kept_largest(n)
    return float(steps[0] + np.sqrt(m) * steps[1:].sum())
