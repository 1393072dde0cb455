"""Bound S1t: bound S1 of the part of pi* whose density ratios stay at or below thresholds."""

from __future__ import annotations

import math

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import AT_MOST_MULTINOMIAL, DRAWN
from theory.statement import bound
from theory.truncation import truncations

__all__ = ["truncated_chi_square"]


@bound(
    id="S1t",
    title="one-step chi-square of the paths below thresholds",
    rate="N^-1/2 and a tail",
    reference="bound S1 truncated as in arXiv 2603.07887v1, C.6",
    formula=(
        "inf_M kappa + (1/(2 sqrt N)) sum_h sqrt(E_{pi*}[u_h P(G | x_{1:h})^2] - (1 - kappa)^2), "
        "G: u_h <= M_h at all h, kappa = pi*(not G)"
    ),
    latex=r"$\inf_M \left(\kappa + \frac{1}{2 \sqrt{N}} \sum_h "
    r"\sqrt{\mathbb{E}_{\pi^*}[u_h\,\mathbb{P}(G \mid x_{1:h})^2] - (1 - \kappa)^2}\right)$, "
    r"$G$: $u_h \le M_h$ at all $h$, $\kappa = \pi^*(\lnot G)$",
    assumptions=(AT_MOST_MULTINOMIAL, DRAWN),
)
def truncated_chi_square(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= kappa + (1/(2 sqrt N)) sum_h sqrt(E[u_h P(G|x_{1:h})^2] - (1 - kappa)^2).

    G are the paths whose density ratios u_h of pairs are at most M_h at all levels, and means
    are under pi*. Bound S1's martingale with the reward r 1_G in place of r starts at
    1 - kappa, and its end is at most W^_H/Z. The least of the thresholds of
    `theory.truncation` is taken; one of them leaves out nothing but lost mass.

    Guarantee: upper bound, at most S1, and true with lost mass too.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC that resamples at every level with at most the variance of multinomial resampling,
        quasi-SMC whose cells vary no more than independent ones, or one that declares such a law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].
    """
    choices = truncations(problem)
    assert choices.spread is not None
    steps = choices.spread / (2 * math.sqrt(sampler.n_particles))
    return float(min(1.0, (choices.outside + steps).min()))
