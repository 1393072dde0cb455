"""Bound F-adaptive: one-step errors of order H/N where clouds may be kept."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.resampling.when import Rule
from simulator.samplers.base import Sampler
from simulator.typing import Floats
from theory.bounds.adaptive_accuracy_root import NEEDS, largest_variances, rule_of
from theory.statement import bound

__all__ = ["accuracy_rate_adaptive", "largest_losses"]


@bound(
    id="F-adaptive",
    title="adaptive resampling: coverage and L-infinity accuracy, H/N",
    rate="1/N",
    reference="bound TJ-adaptive with each term replaced by its largest value",
    formula="sum_h v_h/(1 + v_h), v_h as in L-adaptive",
    latex=r"$\sum_h \frac{v_h}{1 + v_h}$, $v_h$ as in L-adaptive",
    assumptions=NEEDS,
)
def accuracy_rate_adaptive(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_h v_h/(1 + v_h), v_h as in bound L-adaptive.

    A term of bound TJ-adaptive is the mean of x/(1 + x), x >= 0, under nu~_{h-1} pi*, and the mean
    of x is at most v_h; x/(1 + x) is concave.

    Guarantee: upper bound of order H/(tN) if V*/V^ is bounded.

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
    return float(largest_losses(problem, rule_of(sampler, problem), sampler.n_particles).sum())


def largest_losses(problem: Problem, rule: Rule, n: int) -> Floats:
    """Return v_h/(1 + v_h) of levels 1..H, the largest terms of bound TJ-adaptive.

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
        In [0, 1].
    """
    return 1 - 1 / (1 + largest_variances(problem, rule, n))
