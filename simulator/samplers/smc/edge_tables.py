"""Packed tables of a problem's edges, as the kernels read them.

A next token is drawn by Vose's alias method (IEEE Trans. Softw. Eng. 17, 1991) from one
uniform u: cell c = floor(A u) of the state's row, and action c if the fractional part of A u
is below the cell's threshold, else the alias. Both outcomes stand side by side, so that the
draw needs no branch, and all that a cell holds shares half a cache line, so that a table that
is larger than the cache costs one miss a draw. Stages whose numbers agree share one table.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.problem.problem import Problem

__all__ = ["EdgeTables", "edge_tables"]

# weights beyond e^±300 are stored relative to the stage's largest one
PLAIN = 300.0
# log range of the weights of one stage; e^-480 > 2^-700, see simulator.samplers.smc.kernel
SPAN = 480.0
# states of a level times tokens, so that rows have 32 bits; the cells of a stage take 32 GiB
MOST = 2**30


class EdgeTables(NamedTuple):
    """Packed edges: a cell is four words, and i is where it begins in `cells`.

    i = ``cell_start[h]`` + row of the state + 4 c, where the row of state s is 4 A s: the
    kernels carry rows in place of states. Outcome b, 0 or 1, of the cell has the weight
    ``cells[i + 2 + b]``, leads to the row ``rows[2 i + 2 + b]`` of the next level, and its
    token is ``action[i // 2 + b]``.

    Attributes
    ----------
    n_actions : int
    cell_start : (H,) int array
        Where the cells of stage h begin.
    cells : (4 n_cells,) array
        Threshold: outcome 0 if the fractional part is below it; two rows; two weights
        w = edge reward x V^(child)/V^(parent), divided by exp(``log_scale[h]``).
    rows : (8 n_cells,) uint32 array
        The same memory, for its rows.
    action : (2 n_cells,) int32 array
    log_scale : (H,) array
        Zero unless a weight of the stage is beyond e^±300.
    """

    n_actions: int
    cell_start: npt.NDArray[np.int64]
    cells: npt.NDArray[np.float64]
    rows: npt.NDArray[np.uint32]
    action: npt.NDArray[np.int32]
    log_scale: npt.NDArray[np.float64]

    @property
    def threshold(self) -> npt.NDArray[np.float64]:
        """Thresholds of the cells, (n_cells,)."""
        return self.cells[::4]

    @property
    def weight(self) -> npt.NDArray[np.float64]:
        """Weights of both outcomes, (n_cells, 2)."""
        return self.cells.reshape(-1, 4)[:, 2:]

    @property
    def next_state(self) -> npt.NDArray[np.int64]:
        """States of the next level, (n_cells, 2)."""
        return self.rows.reshape(-1, 8)[:, 2:4].astype(np.int64) // (4 * self.n_actions)


_CACHE: weakref.WeakKeyDictionary[Problem, EdgeTables] = weakref.WeakKeyDictionary()


def edge_tables(problem: Problem) -> EdgeTables:
    """Pack the edges of a problem; done once for each problem.

    Raises
    ------
    InputError
        If the positive weights of one stage span more than a factor e^480, or a level has more
        than 2^30/A states.
    """
    found = _CACHE.get(problem)
    if found is None:
        found = _CACHE[problem] = _build(problem)
    return found


def _build(problem: Problem) -> EdgeTables:
    t, model = problem.tables, problem.model
    a = model.n_actions
    if a * int(model.n_states.max()) > MOST:
        raise InputError(f"a level has {model.n_states.max():,} states, more than 2^30/{a}")
    prob = np.concatenate([p.ravel() for p, _ in model.tables])
    edges = (a, t.state_start, t.table_start, prob > 0, t.next_state, t.factor_start,
             t.log_factor, problem.log_prm_flat)  # fmt: skip
    owner, log_scale, fault = _share(*edges)
    if fault >= 0:
        raise InputError(
            f"stage {fault}: the ratios V^(child)/V^(parent) span more than e^{SPAN:g}"
        )
    first = np.flatnonzero(owner == np.arange(owner.size))
    sizes = a * model.n_states[first]
    at = np.zeros(owner.size, dtype=np.int64)
    at[first] = 4 * (np.cumsum(sizes) - sizes)
    cells = _on_a_line(4 * int(sizes.sum()))
    rows, action = cells.view(np.uint32), np.empty(cells.size // 2, dtype=np.int32)
    threshold, alias = _alias(prob.reshape(-1, a))
    _fill(*edges, threshold.ravel(), alias.ravel(), first, at, log_scale, cells, rows, action)
    return EdgeTables(a, at[owner], cells, rows, action, log_scale)


def _on_a_line(size: int) -> npt.NDArray[np.float64]:
    """Return an array that begins with a cache line."""
    found = np.empty(size + 7)
    begin = -found.ctypes.data // 8 % 8
    return found[begin : begin + size]


@njit(cache=True)
def _alias(prob):
    """Vose's tables of each row of `prob`; an action of probability zero is never an outcome."""
    n, a = prob.shape
    threshold, alias = np.empty((n, a)), np.empty((n, a), dtype=np.int64)
    left = np.empty(a)
    small, large = np.empty(a, dtype=np.int64), np.empty(a, dtype=np.int64)
    for s in range(n):
        n_small, n_large = 0, 0
        for k in range(a - 1, -1, -1):
            left[k] = prob[s, k] * a
            if left[k] < 1.0:
                small[n_small] = k
                n_small += 1
            else:
                large[n_large] = k
                n_large += 1
        while n_small > 0 and n_large > 0:
            n_small -= 1
            low, high = small[n_small], large[n_large - 1]
            threshold[s, low] = left[low]
            alias[s, low] = high
            left[high] = (left[high] + left[low]) - 1.0
            if left[high] < 1.0:
                n_large -= 1
                small[n_small] = high
                n_small += 1
        top = np.argmax(prob[s])
        while n_large > 0:
            n_large -= 1
            threshold[s, large[n_large]] = 1.0
            alias[s, large[n_large]] = large[n_large]
        while n_small > 0:  # left over by rounding: its cell is full, or belongs to the likeliest
            n_small -= 1
            k = small[n_small]
            threshold[s, k] = 1.0 if prob[s, k] > 0 else 0.0
            alias[s, k] = top
    return threshold, alias


@njit(cache=True)
def _log_weights(
    h, n_actions, state_start, table_start, positive, next_state, factor_start, log_factor,
    log_prm, out,
):  # fmt: skip
    """Fill the log weights of stage h, -inf on edges that no particle takes; return the number."""
    here, there = state_start[h], state_start[h + 1]
    size = (there - here) * n_actions
    t, f = table_start[h], factor_start[h]
    for s in range(there - here):
        parent = log_prm[here + s]
        for e in range(s * n_actions, (s + 1) * n_actions):
            child = log_prm[there + next_state[t + e]]
            if positive[t + e] and parent > -np.inf and child > -np.inf:
                out[e] = log_factor[f + e] + (child - parent)
            else:
                out[e] = -np.inf
    return size


@njit(cache=True)
def _share(
    n_actions, state_start, table_start, positive, next_state, factor_start, log_factor, log_prm
):
    """First stage with the same table and weights as each stage, log scales, first bad stage."""
    horizon = table_start.size
    widest = 0
    for h in range(horizon):
        widest = max(widest, (state_start[h + 1] - state_start[h]) * n_actions)
    here, other = np.empty(widest), np.empty(widest)
    bits = here.view(np.uint64)
    n_slots = 16
    while n_slots < 2 * horizon:
        n_slots *= 2
    slots = np.full(n_slots, -1, dtype=np.int64)
    mask = np.uint64(n_slots - 1)
    owner, log_scale = np.empty(horizon, dtype=np.int64), np.zeros(horizon)
    for h in range(horizon):
        size = _log_weights(h, n_actions, state_start, table_start, positive, next_state,
                            factor_start, log_factor, log_prm, here)  # fmt: skip
        top, low = -np.inf, np.inf
        key = np.uint64(table_start[h])
        for e in range(size):
            here[e] += 0.0  # -0.0 and 0.0 are one number and must have one key
            key = (key ^ bits[e]) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
            if here[e] > -np.inf:
                top, low = max(top, here[e]), min(low, here[e])
        if top > -np.inf:
            if top - low > SPAN:
                return owner, log_scale, h
            if top > PLAIN or low < -PLAIN:
                log_scale[h] = top
        slot = key & mask
        while True:
            g = slots[slot]
            if g < 0:
                slots[slot] = h
                owner[h] = h
                break
            if table_start[g] == table_start[h] and (
                _log_weights(g, n_actions, state_start, table_start, positive, next_state,
                             factor_start, log_factor, log_prm, other) == size
            ):  # fmt: skip
                same = True
                for e in range(size):
                    if here[e] != other[e]:
                        same = False
                        break
                if same:
                    owner[h] = g
                    break
            slot = (slot + np.uint64(1)) & mask
    return owner, log_scale, -1


@njit(cache=True)
def _fill(
    n_actions, state_start, table_start, positive, next_state, factor_start, log_factor, log_prm,
    threshold, alias, first, at, log_scale, cells, rows, action,
):  # fmt: skip
    """Write the cells of the stages `first`."""
    widest = 0
    for h in first:
        widest = max(widest, (state_start[h + 1] - state_start[h]) * n_actions)
    edge = np.empty(widest)
    for h in first:
        size = _log_weights(h, n_actions, state_start, table_start, positive, next_state,
                            factor_start, log_factor, log_prm, edge)  # fmt: skip
        for e in range(size):
            edge[e] = np.exp(edge[e] - log_scale[h])
        t = table_start[h]
        for cell in range(size):
            i, row = at[h] + 4 * cell, cell // n_actions * n_actions
            cells[i] = threshold[t + cell]
            for b in range(2):
                token = alias[t + cell] if b else cell - row
                rows[2 * i + 2 + b] = 4 * n_actions * next_state[t + row + token]
                cells[i + 2 + b] = edge[row + token]
                action[i // 2 + b] = token
