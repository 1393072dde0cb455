"""Variance instance: prefix variances explode while the output stays accurate.

Problem: two absorbing branches, one rare and praised too early
(`simulator.problem.families.variance`). Algorithm: SMC, multinomial. Guarantee: **lower** bound on
Var(W^_n), n = floor(H/2), not on D_TV; arXiv 2603.07887v1, C.5 with a smaller constant than the
one in print.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError
from simulator.exact.second_moments import relative_variance
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["exact_prefix_variance", "variance_bound"]


def variance_bound(horizon: int, n_particles: int) -> float:
    r"""Return (2^n - 3 + 3 2^-n - 4^-n)/N <= Var(W^_n), n = floor(H/2); equal at N = 1.

    Parameters
    ----------
    horizon : int
        2 <= H <= 2000.
    n_particles : int
        N.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> variance_bound(8, 1), variance_bound(8, 4)
    (13.18359375, 3.2958984375)
    """
    if not 2 <= horizon <= 2000 or n_particles < 1:
        raise InputError(f"variance bound: needs 2 <= H <= 2000 and N >= 1, not {horizon}")
    rare = 2.0 ** -(horizon // 2)
    return (1 / rare - 3 + 3 * rare - rare * rare) / n_particles


def exact_prefix_variance(problem: Problem, level: int, n_particles: int) -> float:
    r"""Exact Var(W^_h) under multinomial resampling at every level, for an inner level h.

    W^_h of a problem is W^_H of its first h levels with V^_h as reward.

    Parameters
    ----------
    level : int
        h, from 1 to H.
    n_particles : int
        N.

    Raises
    ------
    InputError
        If the level is out of range.

    Examples
    --------
    >>> from simulator.problem.families.variance import variance
    >>> round(exact_prefix_variance(variance(8), 4, 1), 9)
    13.18359375
    """
    if not 1 <= level <= problem.horizon:
        raise InputError(f"level: {level} is not in 1..{problem.horizon}")
    model, end = problem.model, int(problem.model.state_start[level + 1])
    prefix = Problem.from_log(
        TabularModel(
            model.probs[:level], model.next_state[:level], n_terminal=int(model.n_states[level])
        ),
        problem.log_prm[level],
        problem.log_prm_flat[:end],
        edge_reward=None if problem.edge_reward is None else problem.edge_reward[:level],
    )
    return relative_variance(prefix, n_particles) * float(np.exp(2 * prefix.log_z))
