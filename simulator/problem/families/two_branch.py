"""The two-branch instance: SMC needs N of order H even with a perfect PRM."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_real
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["two_branch"]


def two_branch(horizon: int = 64, s: float = 0.5) -> Problem:
    """Return the two-branch instance with a perfect PRM (new here).

    The first bit b is fair and decides the branch. In branch 0 nothing happens: all
    weights are 1. In branch 1 each later bit is fair and multiplies the reward by 1 - s
    (token 0) or 1 + s (token 1)::

        V*(b y_2:h) = V^ = 1 if b = 0, else prod_{2<=j<=h} (1 - s or 1 + s)

    Z = 1, C_act = 1 + s and the target has b fair. The noise of the weights in branch 1
    costs it particles, so that E[nu^_H(b = 1)] < 1/2 by an amount that depends almost only
    on H/N. States: root, then the two branches.

    Parameters
    ----------
    horizon : int, optional
        H >= 1; the first bit counts.
    s : float, optional
        In [0, 1].

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> [t.round(12).tolist() for t in two_branch(100).target[:2]]
    [[1.0], [0.5, 0.5]]
    """
    check_horizon(horizon)
    check_real("s", s, 0.0, 1.0)
    first, fork = np.array([[0.5, 0.5]]), np.array([[0, 1]])
    later, stay = np.full((2, 2), 0.5), np.array([[0, 0], [1, 1]])
    ratio = np.array([[1.0, 1.0], [1 - s, 1 + s]])
    problem = Problem.from_log(
        TabularModel([first] + [later] * (horizon - 1), [fork] + [stay] * (horizon - 1)),
        np.zeros(2),
        np.zeros(2 * horizon + 1),
        edge_reward=[None] + [ratio] * (horizon - 1),
        name=f"two-branch:horizon={horizon},s={s:g}",
    )
    problem.instance = Instance("two-branch", {"horizon": horizon, "s": s})
    return problem
