"""Mean and range of a sum of densities along the paths of pi*, in one backward pass."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.problem.linear_passes_kernel import scaled

__all__ = ["sums"]

FAR = 300.0


@njit(cache=True)
def centred(logs, value, out):
    """Fill exp(logs - their maximum) where pi* can go, else 0; return the maximum."""
    top = -np.inf
    for t in range(logs.size):
        if value[t] > -np.inf:
            top = max(top, logs[t])
    for t in range(logs.size):
        out[t] = np.exp(logs[t] - top) if value[t] > -np.inf and top > -np.inf else 0.0
    return top


@njit(cache=True)
def sums(
    n_actions, state_start, table_start, log_prob, next_state, prob, value, marginal,
    a, b, c, d, end, f,
):  # fmt: skip
    """Return E[s_0 f], min s_0 and max s_0; nan where a density may leave the range of floats.

    ``marginal`` is that of pi*.
    """
    horizon = table_start.size
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    # of a state: weight, gain, factor, E[f | x], E[s f | x], least and most; one line of memory
    row = np.zeros((widest, 8))
    new = np.zeros((widest, 4))
    column = np.empty(widest)
    for s in range(f.size):
        row[s, 3], row[s, 4], row[s, 5], row[s, 6] = f[s], end * f[s], end, end
    for h in range(horizon - 1, -1, -1):
        child = slice(state_start[h + 1], state_start[h + 2])
        below = value[child]
        top = scaled(below, column)
        row[: below.size, 0] = column[: below.size]
        highest_b = centred(b[child], below, column)
        row[: below.size, 1] = column[: below.size]
        highest_d = centred(d[child], below, column)
        row[: below.size, 2] = column[: below.size]
        size = state_start[h + 1] - state_start[h]
        new[:size] = 0.0
        for s in range(size):
            g = state_start[h] + s
            if marginal[g] == 0:
                continue
            direct = top - value[g] < FAR
            scale = np.exp(top - value[g]) if direct else 0.0
            first, second = np.exp(a[g] + highest_b), np.exp(c[g] + highest_d)
            if not (first < np.inf and second < np.inf):
                return np.nan, np.nan, np.nan
            mean, both, least, most = 0.0, 0.0, np.inf, -np.inf
            for e in range(table_start[h] + s * n_actions, table_start[h] + (s + 1) * n_actions):
                t = next_state[e]
                if direct:
                    k = scale * prob[e] * row[t, 0]
                else:
                    k = np.exp(log_prob[e] + below[t] - value[g])
                if k == 0:
                    continue
                x, y = first * row[t, 1], second * row[t, 2]
                mean += k * row[t, 3]
                both += k * (x * row[t, 3] + y * row[t, 4])
                least, most = min(least, x + y * row[t, 5]), max(most, x + y * row[t, 6])
            new[s, 0], new[s, 1] = mean, both
            if most > -np.inf:
                new[s, 2], new[s, 3] = least, most
        row[:size, 3:7] = new[:size]
    return row[0, 4], row[0, 5], row[0, 6]
