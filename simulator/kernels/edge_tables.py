"""Packed tables of a problem's edges, as the kernels read them.

A next token is drawn by Vose's alias method (IEEE Trans. Softw. Eng. 17, 1991) from one
uniform u: cell c = floor(A u) of the state's row, and action c if the fractional part of A u
is below the cell's threshold, else the alias. Both outcomes of a cell stand side by side, at
2 i and 2 i + 1, so that the draw needs no branch. Stages whose numbers agree share one table.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.problem import Problem

__all__ = ["EdgeTables", "edge_tables"]

# weights beyond e^±300 are stored relative to the stage's largest one
PLAIN = 300.0
# log range of the weights of one stage; e^-480 > 2^-700, see simulator.kernels.smc
SPAN = 480.0


class EdgeTables(NamedTuple):
    """Packed edges; cell i = state * A + cell of stage h, outcome j = 2 i or 2 i + 1.

    Attributes
    ----------
    n_actions : int
    cell_start : (H,) int array
        Where the cells of stage h begin in `threshold` (twice that in `next_state`, `action`).
    threshold : (n_cells,) array
        Action of outcome 2 i if the fractional part is below it.
    next_state, action : (2 n_cells,) uint64 and int32 arrays
        State of the next level and token of each outcome.
    weight_start : (H,) int array
        Where the outcomes of stage h begin in `weight`.
    weight : (n_weights,) array
        w = edge reward x V^(child)/V^(parent), divided by exp(``log_scale[h]``).
    log_scale : (H,) array
        Zero unless a weight of the stage is beyond e^±300.
    """

    n_actions: int
    cell_start: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    next_state: npt.NDArray[np.uint64]
    action: npt.NDArray[np.int32]
    weight_start: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    log_scale: npt.NDArray[np.float64]


_CACHE: weakref.WeakKeyDictionary[Problem, EdgeTables] = weakref.WeakKeyDictionary()


def edge_tables(problem: Problem) -> EdgeTables:
    """Pack the edges of a problem; done once for each problem.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    EdgeTables

    Raises
    ------
    InputError
        If the positive weights of one stage span more than a factor e^480.
    """
    found = _CACHE.get(problem)
    if found is None:
        found = _CACHE[problem] = _build(problem)
    return found


def _build(problem: Problem) -> EdgeTables:
    t, model = problem.tables, problem.model
    a = model.n_actions
    prob = np.concatenate([p.ravel() for p, _ in model.tables])
    threshold, alias = _alias(prob.reshape(-1, a))
    twice = np.repeat(np.arange(prob.size), 2)
    action = np.where(np.arange(twice.size) % 2 == 0, twice % a, alias.ravel()[twice])
    next_state = t.next_state[twice // a * a + action].astype(np.uint64)
    positive = prob > 0
    args = (a, t.state_start, t.table_start, positive, t.next_state, t.factor_start, t.log_factor,
            problem.log_prm_flat)  # fmt: skip
    owner, log_scale, fault = _share(*args)
    if fault >= 0:
        raise InputError(
            f"stage {fault}: the ratios V^(child)/V^(parent) span more than e^{SPAN:g}"
        )
    first = np.flatnonzero(owner == np.arange(owner.size))
    sizes = 2 * a * model.n_states[first]
    at = np.zeros(owner.size, dtype=np.int64)
    at[first] = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    weight = _fill(*args, first, at, action, log_scale, int(sizes.sum()))
    return EdgeTables(
        a, t.table_start, threshold.ravel(), next_state, action.astype(np.int32), at[owner],
        weight, log_scale,
    )  # fmt: skip


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
    first, at, action, log_scale, total,
):  # fmt: skip
    """Write the weights of the stages `first`, each outcome of a cell beside the other."""
    out = np.empty(total)
    widest = 0
    for h in first:
        widest = max(widest, (state_start[h + 1] - state_start[h]) * n_actions)
    edge = np.empty(widest)
    for h in first:
        size = _log_weights(h, n_actions, state_start, table_start, positive, next_state,
                            factor_start, log_factor, log_prm, edge)  # fmt: skip
        for e in range(size):
            edge[e] = np.exp(edge[e] - log_scale[h])
        t = 2 * table_start[h]
        for i in range(size):
            row = i // n_actions * n_actions
            for j in (2 * i, 2 * i + 1):
                out[at[h] + j] = edge[row + action[t + j]]
    return out
