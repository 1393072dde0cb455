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
    plain, product = np.zeros(widest), np.zeros(widest)  # E[f | x] and E[s f | x]
    low, high = np.full(widest, end), np.full(widest, end)
    new = np.zeros((4, widest))
    weight, gain, factor = np.empty(widest), np.empty(widest), np.empty(widest)
    for s in range(f.size):
        plain[s], product[s] = f[s], end * f[s]
    for h in range(horizon - 1, -1, -1):
        child = slice(state_start[h + 1], state_start[h + 2])
        below = value[child]
        top = scaled(below, weight)
        highest_b = centred(b[child], below, gain)
        highest_d = centred(d[child], below, factor)
        for s in range(state_start[h + 1] - state_start[h]):
            g = state_start[h] + s
            new[0, s] = new[1, s] = new[2, s] = new[3, s] = 0.0
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
                    k = scale * prob[e] * weight[t]
                else:
                    k = np.exp(log_prob[e] + below[t] - value[g])
                if k == 0:
                    continue
                x, y = first * gain[t], second * factor[t]
                mean += k * plain[t]
                both += k * (x * plain[t] + y * product[t])
                least, most = min(least, x + y * low[t]), max(most, x + y * high[t])
            new[0, s], new[1, s] = mean, both
            if most > -np.inf:
                new[2, s], new[3, s] = least, most
        size = state_start[h + 1] - state_start[h]
        plain[:size], product[:size] = new[0, :size], new[1, :size]
        low[:size], high[:size] = new[2, :size], new[3, :size]
    return product[0], low[0], high[0]
