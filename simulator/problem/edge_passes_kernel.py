"""Passes over all edges, level by level, that keep one or two numbers of each level."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.problem.linear_passes_kernel import scaled

__all__ = ["least_and_most", "mean_steps", "squared_gaps"]

FAR = 300.0  # of logarithms: beyond it a product of two exponentials may leave the range of floats
NEAR = 1e-3  # of ratios to 1: below it the logarithm tells the gap better


@njit(cache=True)
def least_and_most(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor,
    usable, below, above,
):  # fmt: skip
    """Fill extremes of log factor + above(child) - below(parent) over usable parents, by level."""
    horizon = table_start.size
    least, most = np.full(horizon, np.inf), np.full(horizon, -np.inf)
    for h in range(horizon):
        low, high = np.inf, -np.inf
        for s in range(state_start[h + 1] - state_start[h]):
            if not usable[state_start[h] + s]:
                continue
            base = below[state_start[h] + s]
            for a in range(n_actions):
                e = table_start[h] + s * n_actions + a
                if log_prob[e] == -np.inf:
                    continue
                x = (
                    log_factor[factor_start[h] + s * n_actions + a]
                    + above[state_start[h + 1] + next_state[e]]
                    - base
                )
                low, high = min(low, x), max(high, x)
        least[h], most[h] = low, high
    return least, most


@njit(cache=True)
def squared_gaps(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor,
    prob, plain, log_mass, below, above,
):  # fmt: skip
    """Sum mass p (ratio - 1)^2 by level, ratio = exp(log factor + above(child) - below(parent)).

    ``plain`` says that all log factors are 0.
    """
    horizon = table_start.size
    out = np.zeros(horizon)
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    weight = np.empty(widest)
    for h in range(horizon):
        top = scaled(above[state_start[h + 1] : state_start[h + 2]], weight)
        for s in range(state_start[h + 1] - state_start[h]):
            mass = log_mass[state_start[h] + s]
            if mass == -np.inf:
                continue
            base = below[state_start[h] + s]
            direct = plain and -FAR < top - base < FAR
            scale = np.exp(top - base) if direct else 0.0
            total = 0.0
            for a in range(n_actions):
                e = table_start[h] + s * n_actions + a
                if log_prob[e] == -np.inf:
                    continue
                child = next_state[e]
                gap = scale * weight[child] - 1.0
                if direct and abs(gap) > NEAR:
                    total += prob[e] * gap * gap
                    continue
                x = (
                    log_factor[factor_start[h] + s * n_actions + a]
                    + above[state_start[h + 1] + child]
                    - base
                )
                # log|e^x - 1| is x itself where e^x would overflow; no gap, no term
                size = x if x > 700.0 else np.log(np.abs(np.expm1(x)))
                if direct:
                    total += prob[e] * np.exp(2 * size)
                else:
                    out[h] += np.exp(mass + log_prob[e] + 2 * size)
            out[h] += np.exp(mass) * total
    return out


@njit(cache=True)
def mean_steps(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor,
    prob, plain, usable, values,
):  # fmt: skip
    """Fill the least and most E_ref[v(child)]/v(parent) over usable parents, by level."""
    horizon = table_start.size
    least, most = np.full(horizon, np.inf), np.zeros(horizon)
    widest = 0
    for h in range(horizon + 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    weight = np.empty(widest)
    for h in range(horizon):
        top = scaled(values[state_start[h + 1] : state_start[h + 2]], weight)
        for s in range(state_start[h + 1] - state_start[h]):
            if not usable[state_start[h] + s]:
                continue
            base = values[state_start[h] + s]
            total = 0.0
            if plain and -FAR < top - base < FAR:
                first = table_start[h] + s * n_actions
                for e in range(first, first + n_actions):
                    total += prob[e] * weight[next_state[e]]
                total *= np.exp(top - base)
            else:
                for a in range(n_actions):
                    e = table_start[h] + s * n_actions + a
                    total += np.exp(
                        log_prob[e]
                        + log_factor[factor_start[h] + s * n_actions + a]
                        + values[state_start[h + 1] + next_state[e]]
                        - base
                    )
            least[h], most[h] = min(least[h], total), max(most[h], total)
    return least, most
