"""One run of SMC that resamples at every level and keeps nothing: the shortest loop there is.

Arrays come one by one and none is sliced, swapped or handed on: numba counts references to
arrays, and on few particles that costs more than the particles do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.kernels.rng import next_word, to_unit
from simulator.resampling.dispatch import resample

__all__ = ["run_every_level"]

ONE, TWO = np.uint64(1), np.uint64(2)


@njit(cache=True, nogil=True)
def run_every_level(
    n, n_actions, scheme, log_w, cell_start, cells, rows, log_scale, cloud, ancestors, cumulative,
    guide, w, s0, s1, s2, s3,
):  # fmt: skip
    """Take N particles from the root to the last level.

    Parameters
    ----------
    n, n_actions, scheme : int
    log_w : float
        log of what W^ starts from.
    cell_start, cells, rows, log_scale : arrays
        Of `simulator.kernels.edge_tables.EdgeTables`.
    cloud : (2 N,) uint64 array
        Rows of two successive levels, each in one half.
    ancestors, cumulative, guide, w : arrays
        Scratch as for resampling; `w` has the last weights at the end.
    s0, s1, s2, s3 : uint64
        State of the generator.

    Returns
    -------
    here : uint64
        Where in `cloud` the last level begins.
    levels : int
        How many levels were done; fewer than H if all weights were zero.
    total, log_w : float
        Sum of the last weights, and log W^.
    s0, s1, s2, s3 : uint64
    """
    horizon = np.uint64(cell_start.size)
    size = np.float64(n_actions)
    here, there, h = np.uint64(0), np.uint64(n), np.uint64(0)
    for k in range(n):
        cloud[k] = 0
        ancestors[k] = k
    while True:
        start = np.uint64(cell_start[h])
        total = 0.0
        for k in range(n):
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            x = to_unit(word) * size
            cell = np.int64(x)
            i = start + cloud[here + ancestors[k]] + (np.uint64(cell) << TWO)
            b = TWO + np.uint64(x - np.float64(cell) >= cells[i])
            g = cells[i + b]
            w[k] = g
            total += g
            cloud[there + np.uint64(k)] = rows[(i << ONE) + b]
        h += ONE
        if not total > 0.0:
            break
        log_w += np.log(total / n) + log_scale[h - ONE]
        here, there = there, here
        if h == horizon:
            break
        s0, s1, s2, s3 = resample(scheme, w, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
    return here, np.int64(h), total, log_w, s0, s1, s2, s3
