"""Beam search on the shared tables of a problem: no randomness, and ties by token index."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.samplers.smc.kernel import trace

__all__ = ["search", "top"]

TIE = 1e-9  # log scores this close to the next one count as equal
FEW = 64  # so many are sorted by insertion, which needs no memory


@njit(cache=True, nogil=True)
def top(score, n):
    """Return the indices of the n largest finite scores in ascending order, ties by index.

    Parameters
    ----------
    score : (K,) array
        Without NaN or +inf.
    n : int

    Returns
    -------
    (at most n,) int array
    """
    order, kept = np.empty(score.size, dtype=np.int64), np.empty(score.size, dtype=np.int64)
    return kept[: _select(score, n, order, kept)]


@njit(cache=True, nogil=True)
def _select(score, n, order, kept):
    """Do the same with arrays (K,) to work on: `kept` begins with the indices; return how many."""
    _descending(score, order)
    live = 0
    for x in score:
        live += x > -np.inf
    begin, chosen = 0, 0
    while begin < live and chosen < n:
        end = begin + 1  # of a class of scores that differ by rounding
        while end < live and score[order[end - 1]] - score[order[end]] <= TIE:
            end += 1
        if end - begin > n - chosen:
            _ascending(order[begin:end])
        for i in range(begin, min(end, begin + n - chosen)):
            kept[chosen] = order[i]
            chosen += 1
        begin = end
    _ascending(kept[:chosen])
    return chosen


@njit(cache=True, nogil=True)
def _descending(score, order):
    """Fill `order` with the indices of the scores, the largest first and equal ones by index."""
    if score.size > FEW:
        order[: score.size] = np.argsort(-score, kind="mergesort")
        return
    for i in range(score.size):
        k = i
        while k > 0 and score[order[k - 1]] < score[i]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = i


@njit(cache=True, nogil=True)
def _ascending(indices):
    """Sort in place."""
    if indices.size > FEW:
        indices.sort()
        return
    for i in range(1, indices.size):
        x, k = indices[i], i
        while k > 0 and indices[k - 1] > x:
            indices[k] = indices[k - 1]
            k -= 1
        indices[k] = x


@njit(cache=True, nogil=True)
def search(
    n, n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor,
    log_prm, tokens,
):  # fmt: skip
    """Keep the n best prefixes of each level and fill `tokens` with the best path.

    Parameters
    ----------
    n : int
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor
        Of `simulator.problem.problem.Tables`.
    log_prm : (n_states,) array
        log V^ of the flat states.
    tokens : (H,) int64 array

    Returns
    -------
    state : int
        Where the path ends; -1, and `tokens` as it was, if no child had a positive score.
    calls : int
        Prefixes that were extended.
    """
    horizon = table_start.size
    token, parent = np.empty((2, horizon, n), dtype=np.int32)
    width = n * n_actions
    children, order, kept = np.empty((3, width), dtype=np.int64)
    log_child, score = np.empty((2, width))  # the former: log of pi_ref times the edge rewards
    states, log_path, last = np.zeros(n, dtype=np.int64), np.zeros(n), np.empty(n)
    size, calls = 1, 0  # of prefixes, in lexicographic order
    for h in range(horizon):
        calls += size
        i = 0
        for k in range(size):
            for edge in range(states[k] * n_actions, (states[k] + 1) * n_actions):
                children[i] = next_state[table_start[h] + edge]
                log_child[i] = log_path[k] + log_prob[table_start[h] + edge]
                log_child[i] += log_factor[factor_start[h] + edge]
                score[i] = log_child[i] + log_prm[state_start[h + 1] + children[i]]
                i += 1
        size = _select(score[:i], n, order, kept)
        if size == 0:
            return -1, calls
        for k in range(size):
            i = kept[k]
            token[h, k], parent[h, k] = i % n_actions, i // n_actions
            states[k], log_path[k], last[k] = children[i], log_child[i], score[i]
    place = top(last[:size], 1)[0]
    trace(horizon, place, token, parent, tokens)
    return states[place], calls
