"""Backward and forward passes with one exponential a state, for models with many edges.

Each level is scaled by its largest number. What becomes too small beside that is done again in
logarithms, so nothing is lost; results differ from those of `forward_backward_kernel` by rounding.
There are no edge rewards.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["backward", "forward"]

TINY = 1e-280


@njit(cache=True)
def scaled(logs, out):
    """Fill exp(logs - their maximum), and return the maximum."""
    top = -np.inf
    for i in range(logs.size):
        top = max(top, logs[i])
    for i in range(logs.size):
        out[i] = np.exp(logs[i] - top) if top > -np.inf else 0.0
    return top


@njit(cache=True)
def backward(n_actions, state_start, table_start, log_prob, next_state, prob, gate, last):
    """Fill log E_ref[terminal | state], states with gate=-inf killed."""
    horizon = table_start.size
    out = np.full(state_start[-1], -np.inf)
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    weight = np.empty(widest)
    for s in range(last.size):
        g = state_start[horizon] + s
        out[g] = last[s] if gate[g] > -np.inf else -np.inf
    for h in range(horizon - 1, -1, -1):
        below = out[state_start[h + 1] : state_start[h + 2]]
        top = scaled(below, weight)
        if top == -np.inf:
            continue
        for s in range(state_start[h + 1] - state_start[h]):
            if gate[state_start[h] + s] == -np.inf:
                continue
            first = table_start[h] + s * n_actions
            total = 0.0
            for e in range(first, first + n_actions):
                total += prob[e] * weight[next_state[e]]
            if total > TINY:
                out[state_start[h] + s] = top + np.log(total)
                continue
            high = -np.inf
            for e in range(first, first + n_actions):
                high = max(high, log_prob[e] + below[next_state[e]])
            if high > -np.inf:
                total = 0.0
                for e in range(first, first + n_actions):
                    total += np.exp(log_prob[e] + below[next_state[e]] - high)
                out[state_start[h] + s] = high + np.log(total)
    return out


@njit(cache=True)
def forward(n_actions, state_start, table_start, log_prob, next_state, prob, gate):
    """Fill log P_ref(x_h = state) over paths that the gate lets pass."""
    horizon = table_start.size
    out = np.full(state_start[-1], -np.inf)
    out[0] = 0.0
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    weight, total = np.empty(widest), np.empty(widest)
    for h in range(horizon):
        here = out[state_start[h] : state_start[h + 1]]
        above = out[state_start[h + 1] : state_start[h + 2]]
        top = scaled(here, weight)
        if top == -np.inf:
            break
        total[: above.size] = 0.0
        weak = False
        for s in range(here.size):
            if here[s] == -np.inf:
                continue
            first = table_start[h] + s * n_actions
            for e in range(first, first + n_actions):
                x = weight[s] * prob[e]
                total[next_state[e]] += x
                weak |= x < TINY and prob[e] > 0
        if weak:
            for s in range(here.size):
                if here[s] == -np.inf:
                    continue
                first = table_start[h] + s * n_actions
                for e in range(first, first + n_actions):
                    x = here[s] + log_prob[e]
                    if x > -np.inf:
                        above[next_state[e]] = np.logaddexp(above[next_state[e]], x)
        else:
            for s in range(above.size):
                if total[s] > 0:
                    above[s] = top + np.log(total[s])
        for s in range(above.size):
            if gate[state_start[h + 1] + s] == -np.inf:
                above[s] = -np.inf
    return out
