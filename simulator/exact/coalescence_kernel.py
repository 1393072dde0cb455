"""Backward sweeps for the ratios of coalescing lineages, over all later levels t."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["look_ahead"]


@njit(cache=True)
def look_ahead(n_actions, state_start, target, log_weighted, first):
    """Return log max_t and log sum_t (fall)_+ of E[V^(x_t) | x_k = x] / V^(x) * Z^_k/Z^_t.

    Over t = k + first, ..., H, for every state x; a fall is from t + 1 back to t, what it
    stands above the next. Only the vectors of one t are held.
    """
    horizon = state_start.size - 2
    total = state_start[horizon + 1]
    largest, falls = np.full(total, -np.inf), np.full(total, -np.inf)
    after = np.full(total, np.inf)  # the value at t + 1; no fall before there is one
    here = np.empty(total)
    for t in range(horizon, -1, -1):
        for k in range(t, -1, -1):
            for g in range(state_start[k], state_start[k + 1]):
                if k == t:
                    x = 0.0
                else:
                    x = -np.inf
                    for e in range(g * n_actions, (g + 1) * n_actions):
                        x = np.logaddexp(x, log_weighted[e] + here[target[e]])
                here[g] = x
                if t - k < first:
                    continue
                largest[g] = max(largest[g], x)
                if x > after[g]:
                    falls[g] = np.logaddexp(falls[g], x + np.log(-np.expm1(after[g] - x)))
                after[g] = x
    return largest, falls
