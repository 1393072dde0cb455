"""Bound F-star-RS: SMC by rejection, a floor under the law of the output, path by path."""

from __future__ import annotations

from simulator.measure.largest_steps import largest_excess
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, REJECTION
from theory.bounds.pointwise_floor import floor_gap
from theory.statement import bound

__all__ = ["rejection_pointwise_floor"]


@bound(
    id="F-star-RS",
    title="SMC-RS: the least that every path keeps of its probability",
    rate="1/N",
    reference="bias of one level: see arXiv 1511.06196; new: a floor on each path, linear in B",
    formula="1 - prod_{h<H} (1 + (B_h-1)/N)^-1, B_h = max/min of V*/V^ on level h",
    latex=r"$1 - \prod_{h<H} \left(1 + \frac{B_h - 1}{N}\right)^{-1}$, "
    r"$B_h = \max / \min$ of $V^*/\hat{V}$ on level $h$",
    assumptions=(REJECTION, DRAWN, NO_RESTART, KEEPS_MASS),
)
def rejection_pointwise_floor(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= 1 - prod_{h=1}^{H-1} (1 + (B_h-1)/N)^-1, which is 0 if V^ = V*.

    As bound F-star, but the particles of level h are independent draws from mu_h with weights
    u = V*/V^ at the child, at most B_h times their mean. The last level is exact.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection without restart (`SMCRejection`, `DiffusionMonteCarlo`,
        `ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].
    """
    return floor_gap(largest_excess(problem, rejection=True), sampler.n_particles)
