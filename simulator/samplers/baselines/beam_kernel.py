"""Beam search on the shared tables of a problem: no randomness, and ties by token index."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.samplers.smc.kernel import trace

__all__ = ["search", "top"]

TIE = 1e-9  # log scores this close to the next one count as equal


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
    order = np.argsort(-score, kind="mergesort")
    live = np.count_nonzero(score > -np.inf)
    kept = np.zeros(score.size, dtype=np.bool_)
    begin = 0
    while begin < live and n > 0:
        end = begin + 1  # of a class of scores that differ by rounding
        while end < live and score[order[end - 1]] - score[order[end]] <= TIE:
            end += 1
        ties = np.sort(order[begin:end])[:n]
        kept[ties] = True
        n -= ties.size
        begin = end
    return np.flatnonzero(kept)


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
    states, log_path = np.zeros(1, dtype=np.int64), np.zeros(1)  # in lexicographic order
    token, parent = np.empty((2, horizon, n), dtype=np.int32)
    score = np.empty(0)
    calls = 0
    for h in range(horizon):
        calls += states.size
        children = np.empty(states.size * n_actions, dtype=np.int64)
        log_child = np.empty(children.size)  # log of pi_ref times the edge rewards
        score = np.empty(children.size)
        for k in range(states.size):
            for a in range(n_actions):
                i, edge = k * n_actions + a, states[k] * n_actions + a
                children[i] = next_state[table_start[h] + edge]
                log_child[i] = log_path[k] + log_prob[table_start[h] + edge]
                log_child[i] += log_factor[factor_start[h] + edge]
                score[i] = log_child[i] + log_prm[state_start[h + 1] + children[i]]
        kept = top(score, n)
        if kept.size == 0:
            return -1, calls
        for k in range(kept.size):
            token[h, k], parent[h, k] = kept[k] % n_actions, kept[k] // n_actions
        states, log_path, score = children[kept], log_child[kept], score[kept]
    place = top(score, 1)[0]
    trace(horizon, place, token, parent, tokens)
    return states[place], calls
