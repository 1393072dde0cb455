"""Sums over the last weighted clouds of many runs, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_shares"]


@njit(cache=True, nogil=True)
def add_shares(states, logs, sums, squares):
    """Add the share of each outcome in each cloud, and its square.

    Parameters
    ----------
    states : (R, N) int64 array
        Outcomes; anything where the weight is zero.
    logs : (R, N) array
        log weights; -inf for zero. Clouds without weight add nothing.
    sums, squares : (K,) arrays
        Added to.

    Returns
    -------
    bool
        False if a particle of positive weight is at no outcome; the sums are useless then.
    """
    count, n = states.shape
    share = np.zeros(sums.size)
    weight = np.empty(n)
    for r in range(count):
        top = -np.inf
        for k in range(n):
            top = max(top, logs[r, k])
        if top == -np.inf:
            continue
        total = 0.0
        for k in range(n):
            weight[k] = np.exp(logs[r, k] - top)
            total += weight[k]
        for k in range(n):
            if weight[k] > 0.0:
                if not 0 <= states[r, k] < sums.size:
                    return False
                share[states[r, k]] += weight[k] / total
        for k in range(n):
            if weight[k] > 0.0:
                x = share[states[r, k]]
                sums[states[r, k]] += x
                squares[states[r, k]] += x * x
                share[states[r, k]] = 0.0  # each outcome once
    return True
