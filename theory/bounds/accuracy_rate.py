"""Bounds F and F-level: rate 1/N and linear in H at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.bounds.accuracy_root import NEEDS
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["accuracy_rate", "accuracy_rate_level", "level_steps", "one_step"]


@bound(
    id="F",
    title="coverage and L-infinity accuracy, H/N",
    reference="new; bound T with each term replaced by its largest value",
    formula="(H/N) sqrt((B-1)(5B-4)), B = C_act C_inf^2",
    assumptions=NEEDS,
)
def accuracy_rate(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (H/N) sqrt((B-1)(5B-4)), B = C_act C_inf^2.

    One term of bound T is at most sqrt((D-1)(w_max + 4(D-1)))/N, where w = u/E[u] are the
    normalised weights V*(child)/V^(parent) and D = E[w^2]; both D and w_max are at most B.

    Guarantee: upper bound; for V^ = V* it meets the two-branch lower bound up to a constant.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    c = criteria(problem)
    b = c.action_coverage * c.prm_accuracy * c.prm_accuracy
    return problem.horizon * float(one_step(np.array([b]))[0]) / sampler.n_particles


@bound(
    id="F-level",
    title="bound F level by level, blind to the scale of V^",
    reference="new; bound T with each term replaced by its largest value at its level",
    formula="(1/N) sum_h sqrt((B_h-1)(5B_h-4)), B_h = C_act,h spread_{h-1}",
    assumptions=NEEDS,
)
def accuracy_rate_level(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/N) sum_h sqrt((B_h-1)(5B_h-4)), B_h as in bound L-level.

    Guarantee: upper bound, at most F.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    return float(level_steps(problem).sum() / sampler.n_particles)


def level_steps(problem: Problem) -> npt.NDArray[np.float64]:
    """Return sqrt((B_h-1)(5B_h-4)) of levels 1..H: N times the largest term of bound T.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Returns
    -------
    (H,) array
    """
    c = criteria(problem)
    return one_step(c.level_action_coverage * c.level_spread[:-1])


def one_step(b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return sqrt((B-1)(5B-4)), N times the largest error of one level.

    Parameters
    ----------
    b : array
        B >= 1, the largest weight relative to the mean weight.

    Returns
    -------
    array
        Of the same shape; 0 where B = 1.
    """
    excess = np.maximum(b - 1, 0)
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(excess) * np.sqrt(5 * excess + 1))
