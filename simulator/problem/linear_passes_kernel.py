"""Parts of a level of the passes with one exponential a state, for models with many edges.

Each level is scaled by its largest number. What becomes too small beside that is done again in
logarithms, so nothing is lost; results differ from those of `forward_backward_kernel` by rounding.
There are no edge rewards.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["backward", "collect", "forward", "forward_in_logs", "scaled"]

TINY = 1e-280


@njit(cache=True, nogil=True)
def scaled(logs, out):
    """Fill exp(logs - their maximum), and return the maximum."""
    top = -np.inf
    for i in range(logs.size):
        top = max(top, logs[i])
    for i in range(logs.size):
        out[i] = np.exp(logs[i] - top) if top > -np.inf else 0.0
    return top


@njit(cache=True, nogil=True)
def backward(
    n_actions, table, log_prob, next_state, prob, gate, below, weight, top, out, begin, end
):  # fmt: skip
    """Fill log E_ref[exp(below(child)) | state] of some states of a level.

    ``table`` is where the level's table begins, and ``weight`` is exp(below - top).
    """
    for s in range(begin, end):
        if gate[s] == -np.inf:
            continue
        first = table + s * n_actions
        total = 0.0
        for e in range(first, first + n_actions):
            total += prob[e] * weight[next_state[e]]
        if total > TINY:
            out[s] = top + np.log(total)
            continue
        high = -np.inf
        for e in range(first, first + n_actions):
            high = max(high, log_prob[e] + below[next_state[e]])
        if high > -np.inf:
            total = 0.0
            for e in range(first, first + n_actions):
                total += np.exp(log_prob[e] + below[next_state[e]] - high)
            out[s] = high + np.log(total)


@njit(cache=True, nogil=True)
def forward(n_actions, table, next_state, prob, weight, total, begin, end):
    """Add weight x prob of some states of a level to their children; say if one is tiny."""
    weak = False
    for s in range(begin, end):
        here = weight[s]
        first = table + s * n_actions
        for e in range(first, first + n_actions):
            x = here * prob[e]
            total[next_state[e]] += x
            weak |= x < TINY and prob[e] > 0
    return weak


@njit(cache=True, nogil=True)
def collect(parts, top, out):
    """Fill top + log of the sum of parts, in their order, and set them to 0."""
    for s in range(out.size):
        total = 0.0
        for k in range(parts.shape[0]):
            total += parts[k, s]
            parts[k, s] = 0.0
        if total > 0:
            out[s] = top + np.log(total)


@njit(cache=True, nogil=True)
def forward_in_logs(n_actions, table, log_prob, next_state, here, out):
    """Add exp(here) x prob of all states of a level to their children."""
    for s in range(here.size):
        if here[s] == -np.inf:
            continue
        first = table + s * n_actions
        for e in range(first, first + n_actions):
            x = here[s] + log_prob[e]
            if x > -np.inf:
                out[next_state[e]] = np.logaddexp(out[next_state[e]], x)
