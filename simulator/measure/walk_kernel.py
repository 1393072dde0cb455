"""What paths do on the automaton: states visited, edges taken, tokens counted; and exact laws."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["count_law", "walk"]


@njit(cache=True, nogil=True)
def walk(
    tokens, n_actions, state_start, table_start, next_state, edge_score, visits, edges, counts,
    scores,
):  # fmt: skip
    """Add the paths to three tables, and fill the score of each; failed paths (-1) count nowhere.

    ``visits`` : flat states. ``edges`` : edges of the shared tables. ``counts[a, k]`` : paths
    with k tokens a. ``edge_score`` : what an edge of the shared tables adds to the score.
    """
    horizon = table_start.size
    tally = np.zeros(n_actions, dtype=np.int64)
    for r in range(tokens.shape[0]):
        scores[r] = np.nan
        if tokens[r, 0] < 0:
            continue
        tally[:] = 0
        visits[0] += 1
        s, score = 0, 0.0
        for h in range(horizon):
            a = tokens[r, h]
            e = table_start[h] + s * n_actions + a
            s = next_state[e]
            tally[a] += 1
            edges[e] += 1
            visits[state_start[h + 1] + s] += 1
            score += edge_score[e]
        for a in range(n_actions):
            counts[a, tally[a]] += 1
        scores[r] = score


@njit(cache=True)
def count_law(kernel, n_actions, state_start, table_start, next_state, token):
    """Law of the number of times that a Markov chain of tokens emits one of them.

    ``kernel`` : (n_inner, A) probabilities of the tokens in each flat state.
    """
    horizon = table_start.size
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    now, then = np.zeros((widest, horizon + 1)), np.zeros((widest, horizon + 1))
    now[0, 0] = 1.0
    for h in range(horizon):
        there = state_start[h + 2] - state_start[h + 1]
        then[:there, : h + 2] = 0.0
        for s in range(state_start[h + 1] - state_start[h]):
            for a in range(n_actions):
                p = kernel[state_start[h] + s, a]
                if p > 0.0:
                    c = next_state[table_start[h] + s * n_actions + a]
                    if a == token:
                        for k in range(h + 1):
                            then[c, k + 1] += p * now[s, k]
                    else:
                        for k in range(h + 1):
                            then[c, k] += p * now[s, k]
        now, then = then, now
    law = np.zeros(horizon + 1)
    for s in range(state_start[horizon + 1] - state_start[horizon]):
        law += now[s]
    return law
