"""Weights of lookahead SMC: V^ averaged over sampled descendants of each particle."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["Look", "look_ahead"]

ONE, TWO = np.uint64(1), np.uint64(2)


class Look(NamedTuple):
    """How far particles look ahead, and the tables that they look at.

    Attributes
    ----------
    depth : int
        k; a particle of level h looks at level min(h + k, H).
    rollouts : int
        m; 0: the weights are those of plain SMC.
    state_start, log_prm, factor_start, log_factor : arrays
        Of the problem, as in `simulator.problem.problem.Tables`.
    """

    depth: int
    rollouts: int
    state_start: npt.NDArray[np.int64]
    log_prm: npt.NDArray[np.float64]
    factor_start: npt.NDArray[np.int64]
    log_factor: npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def look_ahead(
    n, h, tables, look, ancestors, parents, children, token, log_g, log_g_before, w, s0, s1, s2, s3
):
    """Fill log G of the children at level h+1, and the weights G(child)/G(parent).

    G is the mean over `look.rollouts` paths from the child of V^ at their end, times the edge
    rewards on the way; it is relative to the edge rewards before the child. With an ancestor's
    G goes its particle. Returns the sum of the weights, the logarithm of what all of them
    were divided by, and the state of the generator.
    """
    a, horizon = tables.n_actions, tables.cell_start.size
    size = np.float64(a)
    last = min(h + 1 + look.depth, horizon)
    # behind the last level, or without depth, all rollouts are one
    m = look.rollouts if last > h + 1 else 1
    log_m = np.log(m)
    top_w = -np.inf
    for k in range(n):
        top, total = -np.inf, 0.0
        for _ in range(m):
            row = children[k]
            x = 0.0
            for g in range(h + 1, last):
                r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                y = to_unit(r) * size
                cell = np.int64(y)
                i = np.uint64(tables.cell_start[g]) + row + (np.uint64(cell) << TWO)
                b = TWO + np.uint64(y - np.float64(cell) >= tables.cells[i])
                e = np.int64(row >> TWO) + tables.action[(i >> ONE) + b - TWO]
                x += look.log_factor[look.factor_start[g] + e]
                row = np.uint64(tables.rows[(i << ONE) + b])
            x += look.log_prm[look.state_start[last] + np.int64(row) // (4 * a)]
            if x > top:
                total = total * np.exp(top - x) + 1.0
                top = x
            elif x > -np.inf:
                total += np.exp(x - top)
        log_g[k] = top + np.log(total) - log_m if top > -np.inf else -np.inf
        before = log_g_before[ancestors[k]]
        e = np.int64(parents[ancestors[k]] >> TWO) + token[k]
        x = -np.inf
        if before > -np.inf and log_g[k] > -np.inf:
            x = look.log_factor[look.factor_start[h] + e] + (log_g[k] - before)
        w[k] = x
        top_w = max(top_w, x)
    total = 0.0
    if top_w > -np.inf:
        for k in range(n):
            w[k] = np.exp(w[k] - top_w)
            total += w[k]
    else:
        w[:n] = 0.0
        top_w = 0.0
    return total, top_w, s0, s1, s2, s3
