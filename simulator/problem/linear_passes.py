"""Passes over models with many edges, a level at a time on all threads.

How many threads there are changes no result: states are filled one by one, and sums have parts of
fixed size that are added in their order.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from simulator.problem import linear_passes_kernel as kernel
from simulator.problem.tables import Tables
from simulator.streams.threads import spread
from simulator.typing import Bools, Floats

__all__ = ["backward", "forward"]

PARTS = 4  # of a level, each with sums of its own


def backward(tables: Tables, log_alive: Floats, log_reward: Floats) -> Floats:
    """log E_ref[reward to come | state], as `simulator.problem.forward_backward.backward`.

    Parameters
    ----------
    tables : Tables
        Of a problem without edge rewards.
    log_alive : (n,) array
        States where it is -inf count as dead.
    log_reward : (S_H,) array
        log r.

    Returns
    -------
    (n,) array
    """
    t, start = tables, tables.state_start
    out = np.full(int(start[-1]), -np.inf)
    out[start[-2] :] = np.where(log_alive[start[-2] :] > -np.inf, log_reward, -np.inf)
    weight = np.empty(int(np.diff(start).max()))
    for h in range(t.table_start.size - 1, -1, -1):
        level, below = slice(start[h], start[h + 1]), out[start[h + 1] : start[h + 2]]
        top = kernel.scaled(below, weight)
        if top == -np.inf:
            break

        part = partial(
            kernel.backward, t.n_actions, t.table_start[h], t.log_prob, t.next_state, t.prob,
            log_alive[level], below, weight, top, out[level],
        )  # fmt: skip
        size = int(start[h + 1] - start[h])
        spread(part, size, float(size) * t.n_actions, None)
    return out


def forward(tables: Tables, log_alive: Floats) -> Floats:
    """log P_ref(x_h = s), as `simulator.problem.forward_backward.forward`.

    Parameters
    ----------
    tables : Tables
        Of a problem without edge rewards.
    log_alive : (n,) array
        States where it is -inf count as dead.

    Returns
    -------
    (n,) array
    """
    t, start = tables, tables.state_start
    out = np.full(int(start[-1]), -np.inf)
    out[0] = 0.0
    widest = int(np.diff(start).max())
    weight, sums = np.empty(widest), np.zeros((PARTS, widest))
    for h in range(t.table_start.size):
        here, above = out[start[h] : start[h + 1]], out[start[h + 1] : start[h + 2]]
        top = kernel.scaled(here, weight)
        if top == -np.inf:
            break
        weak = np.zeros(PARTS, dtype=np.bool_)
        part = partial(_add, t, int(t.table_start[h]), weight[: here.size], sums, weak)
        spread(part, PARTS, float(here.size) * t.n_actions, None)
        kernel.collect(sums, top, above)
        if weak.any():
            above[:] = -np.inf
            kernel.forward_in_logs(
                t.n_actions, t.table_start[h], t.log_prob, t.next_state, here, above
            )
        above[log_alive[start[h + 1] : start[h + 2]] == -np.inf] = -np.inf
    return out


def _add(
    t: Tables, table: int, weight: Floats, sums: Floats, weak: Bools, begin: int, end: int
) -> None:
    """Fill the sums of some parts of a level, and whether they are weak."""
    cuts = np.linspace(0, weight.size, PARTS + 1).astype(np.int64)
    for k in range(begin, end):
        weak[k] = kernel.forward(
            t.n_actions, table, t.next_state, t.prob, weight, sums[k], cuts[k], cuts[k + 1]
        )
