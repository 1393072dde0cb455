"""A quiet branch and one where each step multiplies V* by M or ends it: an error of order HM/N."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_real
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["all_or_nothing"]


def all_or_nothing(horizon: int = 64, ratio: float = 4.0) -> Problem:
    """Return two branches with a perfect PRM, one of them of steps M or 0 (new here).

    The first bit is fair and decides the branch. In the quiet branch nothing happens. In the other
    each later step multiplies the reward by M with probability 1/M, and is a dead end else::

        V* = V^ = 1 in the quiet branch, M^(h-1) at level h on the one path that is alive beside

    Z = 1, C_act = M and the target has the first bit fair. SMC loses the second branch at a rate
    of M/N a level, statement LB-M: the rate HM/N of an error under V*(x')/V*(x) <= M. M = 2 is
    the instance "two-branch" with s = 1.

    Parameters
    ----------
    horizon : int, optional
        H >= 1; the first bit counts.
    ratio : float, optional
        M, from 1 to 10^9.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> [t.round(12).tolist() for t in all_or_nothing(100).target[:2]]
    [[1.0], [0.5, 0.5]]
    """
    check_horizon(horizon)
    check_real("ratio", ratio, 1, 1e9)
    first = np.array([[0.5, 0.5]]), np.array([[0, 1]])
    later = np.array([[1.0, 0.0], [1 - 1 / ratio, 1 / ratio]]), np.array([[0, 0], [1, 1]])
    factor = np.array([[1.0, 1.0], [0.0, ratio]])
    problem = Problem.from_log(
        TabularModel(*zip(first, *[later] * (horizon - 1), strict=True)),
        np.zeros(2),
        np.zeros(2 * horizon + 1),
        edge_reward=[None] + [factor] * (horizon - 1),
        name=f"all-or-nothing:horizon={horizon},ratio={ratio:g}",
    )
    problem.instance = Instance("all-or-nothing", {"horizon": horizon, "ratio": float(ratio)})
    return problem
