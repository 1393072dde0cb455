"""The variance instance: harmless by every criterion, yet prefix variances explode."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["variance"]

MAX_HORIZON = 2_000


def variance(horizon: int = 8) -> Problem:
    """Return two absorbing branches, one rare and praised too early (arXiv 2603.07887, C.5).

    With n = floor(H/2), P(branch 0) = 2^-n and r = 1, so V* = 1, and::

        V^(level h, branch 0) = 2^h          for 1 <= h <= n
                                2^((2n-h)+)  after
        V^(level h, branch 1) = 1,  V^(root) = 1

    Here C_act = 1, C^_act = 2 and chi2_h <= 1 at every level, but
    Var(W^_n) >= (2^n - 3 + 3 2^-n - 4^-n)/N: analyses that go through the variance of the
    normaliser at inner levels fail, while the output stays accurate.

    Parameters
    ----------
    horizon : int, optional
        2 <= H <= 2000.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If the horizon is out of range.

    Examples
    --------
    >>> [v.round(9).tolist() for v in variance(4).prm]
    [[1.0], [2.0, 1.0], [4.0, 1.0], [2.0, 1.0], [1.0, 1.0]]
    """
    check_int("horizon", horizon, 2, MAX_HORIZON)
    n = horizon // 2
    rare = 2.0**-n
    first, fork = np.array([[rare, 1 - rare]]), np.array([[0, 1]])
    later, stay = np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[0, 0], [1, 1]])
    h = np.arange(1, horizon + 1)
    power = np.where(h <= n, h, np.maximum(2 * n - h, 0))
    log_prm = np.zeros(2 * horizon + 1)
    log_prm[1::2] = power * np.log(2.0)
    problem = Problem.from_log(
        TabularModel([first] + [later] * (horizon - 1), [fork] + [stay] * (horizon - 1)),
        np.zeros(2),
        log_prm,
        name=f"variance:horizon={horizon}",
    )
    problem.instance = Instance("variance", {"horizon": horizon})
    return problem
