"""Bound DM-sharp-RS: SMC by rejection, V*/V^ within a factor at every level, at rate 1/N."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, REJECTION
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["rejection_weight_oscillation"]


@bound(
    id="DM-sharp-RS",
    title="SMC-RS: oscillation of V*/V^, linear in q",
    rate="1/N",
    reference="bound T-RS with each term replaced by its largest value at this oscillation",
    formula="(1/(4N)) sum_{h<H} (q_h - 1), q_h = max/min of V*/V^ on level h",
    latex=r"$\frac{1}{4N} \sum_{h<H} (q_h - 1)$, "
    r"$q_h = \max / \min$ of $V^*/\hat{V}$ on level $h$",
    assumptions=(REJECTION, DRAWN, NO_RESTART, KEEPS_MASS),
)
def rejection_weight_oscillation(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(4N)) sum_{h<H} (q_h - 1), which is 0 if V^ = V* at any scales.

    As bound DM-sharp, but the particles of level h are independent draws from mu_h with weights
    V*/V^ at the child. The last level is exact.

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
        The bound on D_TV; inf where V* = 0 and V^ > 0.
    """
    return float((criteria(problem).level_spread[1:-1] - 1).sum() / (4 * sampler.n_particles))
