"""Backward and forward passes over the tables of a model, in log space.

States of all levels stand behind each other in one flat array; `state_start`
says where a level begins. Tables are shared between levels, so `table_start[h]`
(and `factor_start[h]`, for edge rewards) says where the table of level h begins.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["backward", "forward", "reach"]


@njit(cache=True)
def backward(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor, gate, last
):
    """Fill log E_ref[prod of edge rewards x terminal | state], states with gate=-inf killed."""
    horizon = table_start.size
    out = np.full(state_start[-1], -np.inf)
    for s in range(last.size):
        g = state_start[horizon] + s
        out[g] = last[s] if gate[g] > -np.inf else -np.inf
    term = np.empty(n_actions)
    for h in range(horizon - 1, -1, -1):
        for s in range(state_start[h + 1] - state_start[h]):
            if gate[state_start[h] + s] == -np.inf:
                continue
            top = -np.inf
            for a in range(n_actions):
                e = table_start[h] + s * n_actions + a
                term[a] = (
                    log_prob[e]
                    + log_factor[factor_start[h] + s * n_actions + a]
                    + out[state_start[h + 1] + next_state[e]]
                )
                top = max(top, term[a])
            if top == -np.inf:
                continue
            total = 0.0
            for a in range(n_actions):
                total += np.exp(term[a] - top)
            out[state_start[h] + s] = top + np.log(total)
    return out


@njit(cache=True)
def forward(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor, gate
):
    """Fill log E_ref[prod of edge rewards x 1{x_h = state}] over paths that the gate lets pass."""
    horizon = table_start.size
    out = np.full(state_start[-1], -np.inf)
    out[0] = 0.0
    for h in range(horizon):
        for s in range(state_start[h + 1] - state_start[h]):
            here = out[state_start[h] + s]
            if here == -np.inf:
                continue
            for a in range(n_actions):
                e = table_start[h] + s * n_actions + a
                g = state_start[h + 1] + next_state[e]
                x = here + log_prob[e] + log_factor[factor_start[h] + s * n_actions + a]
                if x > -np.inf and gate[g] > -np.inf:
                    out[g] = np.logaddexp(out[g], x)
    return out


@njit(cache=True)
def reach(n_actions, state_start, table_start, log_prob, next_state):
    """Fill whether pi_ref comes to each state."""
    out = np.zeros(state_start[-1], dtype=np.bool_)
    out[0] = True
    for h in range(table_start.size):
        here = out[state_start[h] : state_start[h + 1]]
        above = out[state_start[h + 1] : state_start[h + 2]]
        if h and table_start[h] == table_start[h - 1] and here.size == above.size:
            before = out[state_start[h - 1] : state_start[h]]
            if before.size == here.size and (before == here).all():
                above[:] = here  # the same table leads the same states to the same
                continue
        for s in range(here.size):
            if here[s]:
                first = table_start[h] + s * n_actions
                for e in range(first, first + n_actions):
                    if log_prob[e] > -np.inf:
                        above[next_state[e]] = True
    return out
