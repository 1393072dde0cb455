"""Exact draws of paths from pi*, one stream a path, by inversion of its kernel."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.problem.linear_passes_kernel import TINY, scaled
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["draw_by_rows", "draw_paths"]


@njit(cache=True, nogil=True)
def draw_paths(seeds, n_actions, state_start, table_start, next_state, cumulative, tokens, lo, hi):
    """Fill ``tokens[lo:hi]``; ``cumulative`` sums pi*(a|s) over the actions of each flat state."""
    horizon = table_start.size
    for r in range(lo, hi):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        s = 0
        for h in range(horizon):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            row = (state_start[h] + s) * n_actions
            x = to_unit(word) * cumulative[row + n_actions - 1]
            a = 0
            # x < the sum of the row, as that is 1 up to rounding: the search ends, and at no
            # action of probability zero
            while cumulative[row + a] <= x:
                a += 1
            tokens[r, h] = a
            s = next_state[table_start[h] + s * n_actions + a]


@njit(cache=True, nogil=True)
def draw_by_rows(
    seeds, n_actions, state_start, table_start, log_prob, next_state, prob, value, tokens, lo, hi
):  # fmt: skip
    """Fill ``tokens[lo:hi]``; rows of the kernel are made where a path meets them.

    All paths take a step before any takes the next, so that they read one level at a time.
    """
    cumulative, state = np.empty(n_actions), np.zeros(hi - lo, dtype=np.int64)
    words = seeds[lo:hi].copy()
    widest = 0
    for h in range(table_start.size):
        widest = max(widest, state_start[h + 2] - state_start[h + 1])
    weight = np.empty(widest)
    for h in range(table_start.size):
        below = value[state_start[h + 1] : state_start[h + 2]]
        scaled(below, weight)
        for r in range(lo, hi):
            s, own = state[r - lo], words[r - lo]
            word, own[0], own[1], own[2], own[3] = next_word(own[0], own[1], own[2], own[3])
            first = table_start[h] + s * n_actions
            total = 0.0
            for a in range(n_actions):
                total += prob[first + a] * weight[next_state[first + a]]
                cumulative[a] = total
            if total < TINY:
                here, total = value[state_start[h] + s], 0.0
                for a in range(n_actions):
                    total += np.exp(log_prob[first + a] + below[next_state[first + a]] - here)
                    cumulative[a] = total
            x = to_unit(word) * total
            a = 0
            while cumulative[a] <= x:
                a += 1
            tokens[r, h] = a
            state[r - lo] = next_state[first + a]
