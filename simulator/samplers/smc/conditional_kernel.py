"""Conditional SMC: one lineage is forced along a given path, the other N-1 particles are free.

Multinomial resampling at every level; the forced particle stands in place 0, whose parent is
place 0. (Andrieu, Doucet and Holenstein, JRSS B 72, 2010.)
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.resampling.multinomial import draw
from simulator.samplers.smc.every_level_kernel import ONE, SLACK, TWO
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["run_conditional"]


@njit(cache=True, nogil=True)
def run_conditional(seeds, tables, n, log_root, states, log_weights, repeats, log_w, begin, end):
    """Fill ``log_w[begin:end]``; run r belongs to path ``r // repeats``.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
    tables : EdgeTables
    n : int
        Number of particles, the forced one included.
    log_root : float
        log V^(root).
    states : (P, H+1) int array
        States along each path.
    log_weights : (P, H) array
        log V^(child)/V^(parent) and edge rewards along it; finite.
    repeats : int
    log_w : (R,) array
    begin, end : int
    """
    a, horizon = tables.n_actions, tables.cell_start.size
    size = np.float64(a)
    # numba counts a reference whenever a loop takes an array out of a tuple
    cell_start, cells, rows, log_scale = (
        tables.cell_start, tables.cells, tables.rows, tables.log_scale,
    )  # fmt: skip
    here, there = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
    ancestors = np.empty(n + SLACK, dtype=np.uint64)
    cumulative, guide = np.empty(n + SLACK), np.empty(n + SLACK, dtype=np.uint64)
    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        path = r // repeats
        total_log = log_root
        here[:] = 0
        ancestors[:] = 0
        for h in range(horizon):
            start = np.uint64(cell_start[h])
            there[0] = 4 * a * states[path, h + 1]
            total = np.exp(log_weights[path, h] - log_scale[h])
            cumulative[0] = total
            for k in range(1, n):
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                x = to_unit(word) * size
                cell = np.int64(x)
                i = start + here[ancestors[k]] + (np.uint64(cell) << TWO)
                b = TWO + np.uint64(x - np.float64(cell) >= cells[i])
                there[k] = rows[(i << ONE) + b]
                total += cells[i + b]
                cumulative[k] = total
            total_log += np.log(total / n) + log_scale[h]
            if h < horizon - 1 and n > 1:
                s0, s1, s2, s3 = draw(cumulative, n, total, ancestors, 1, n, guide, s0, s1, s2, s3)
            for k in range(n):
                here[k] = there[k]
        log_w[r] = total_log
