"""The largest reward of a path, by dynamic programming."""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import InputError
from simulator.problem.problem import Problem

__all__ = ["largest_reward"]


def largest_reward(problem: Problem) -> float:
    """Return the largest r(y) of a path y that pi_ref can draw.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref and reward, edge rewards included.

    Returns
    -------
    float
        max r(y) over paths with pi_ref(y) > 0.

    Raises
    ------
    InputError
        If it is beyond the range of floats.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> round(largest_reward(reference(3)), 9)
    3.0
    """
    best = problem.log_reward
    for h in range(problem.horizon - 1, -1, -1):
        ahead = best[problem.model.next_state[h]]
        edges = None if problem.edge_reward is None else problem.edge_reward[h]
        if edges is not None:
            with np.errstate(divide="ignore"):
                ahead = ahead + np.log(edges)
        best = np.where(problem.model.probs[h] > 0, ahead, -np.inf).max(axis=1)
    try:
        return math.exp(best[0])
    except OverflowError:
        raise InputError(f"reward: the largest one, e^{best[0]:g}, is beyond floats") from None
