"""What criteria need of the edges of a level, all in one pass that keeps numbers of states."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.problem.linear_passes_kernel import scaled

__all__ = ["COLUMNS", "children", "every_level", "level", "summary"]

FAR = 300.0  # of logarithms: beyond it a product of two exponentials may leave the range of floats
NEAR = 1e-3  # of ratios to 1: below it the logarithm tells the gap better
COLUMNS = 6  # numbers that the pass keeps of a state


@njit(cache=True, nogil=True)
def children(value, prm, column, rows):
    """Fill exp(logs - maximum) of both side by side; return the maxima, and if none became 0."""
    size, whole = value.size, True
    top_value = scaled(value, column)
    rows[:size, 0] = column[:size]
    top_prm = scaled(prm, column)
    rows[:size, 1] = column[:size]
    for t in range(size):
        whole &= rows[t, 0] > 0.0 or value[t] == -np.inf
        whole &= rows[t, 1] > 0.0 or prm[t] == -np.inf
    return top_value, top_prm, whole


@njit(cache=True, nogil=True)
def extremes(n_actions, first, shift, log_prob, next_state, log_factor, value, prm):
    """Return the least and the most log V*, and the most log V^, of the children of a state."""
    low, high, high_prm = np.inf, -np.inf, -np.inf
    for a in range(n_actions):
        if log_prob[first + a] > -np.inf:
            gain, t = log_factor[shift + a], next_state[first + a]
            low, high = min(low, gain + value[t]), max(high, gain + value[t])
            high_prm = max(high_prm, gain + prm[t])
    return low, high, high_prm


@njit(cache=True, nogil=True)
def log_of(weight, top):
    """Return top + log(weight)."""
    return top + np.log(weight) if weight > 0.0 else -np.inf


@njit(cache=True, nogil=True)
def level(
    n_actions, table, log_prob, next_state, factor, log_factor, prob, plain,
    value, prm, on_target, alive, scale, child_value, child_prm, rows, top_value, top_prm, exact,
    kept, begin, end,
):  # fmt: skip
    """Keep six numbers of some states x of a level, with x' a child that pi_ref takes.

    max V*(x')/V*(x), if ``on_target``, and, if ``alive``, max V^(x')/V^(x), min and max of
    V*(x')/V^(x), E_ref[V^(x')]/V^(x), and E_ref[(e^scale V*(x')/V^(x) - 1)^2]. All but the last
    two are logarithms. ``rows`` are those of `children`, and ``plain`` says that all log factors
    are 0. Extremes are ``exact``, or differ by rounding.
    """
    for s in range(begin, end):
        if not (on_target[s] or alive[s]):
            continue
        first, shift, below = table + s * n_actions, factor + s * n_actions, prm[s]
        direct = plain and alive[s]
        direct &= -FAR < top_value + scale - below < FAR and -FAR < top_prm - below < FAR
        mean, squared = 0.0, 0.0
        if direct:
            times = np.exp(top_value + scale - below)
            least, most, most_prm = np.inf, 0.0, 0.0
            for e in range(first, first + n_actions):
                p, t = prob[e], next_state[e]
                if p == 0.0 and log_prob[e] == -np.inf:
                    continue
                x, y = rows[t, 0], rows[t, 1]
                least, most = x if x < least else least, x if x > most else most
                most_prm = y if y > most_prm else most_prm
                mean += p * y
                gap = times * x - 1.0
                if abs(gap) <= NEAR:
                    gap = np.expm1(child_value[t] + scale - below)
                squared += p * gap * gap
            mean *= np.exp(top_prm - below)
            low, high = log_of(least, top_value), log_of(most, top_value)
            high_prm = log_of(most_prm, top_prm)
        elif alive[s]:
            for a in range(n_actions):
                e = first + a
                if log_prob[e] == -np.inf:
                    continue
                gain, t = log_factor[shift + a] - below, next_state[e]
                mean += np.exp(log_prob[e] + gain + child_prm[t])
                x = gain + child_value[t] + scale
                # log|e^x - 1| is x itself where e^x would overflow; no gap, no term
                size = x if x > 700.0 else np.log(np.abs(np.expm1(x)))
                squared += np.exp(log_prob[e] + 2 * size)
        if exact or not direct:
            low, high, high_prm = extremes(
                n_actions, first, shift, log_prob, next_state, log_factor, child_value, child_prm
            )
        if on_target[s]:
            kept[s, 0] = high - value[s]
        if alive[s]:
            kept[s, 1] = high_prm - below
            kept[s, 2], kept[s, 3] = low - below, high - below
            kept[s, 4], kept[s, 5] = mean, squared


@njit(cache=True, nogil=True)
def summary(kept, on_target, alive, log_mass, out):
    """Fill seven numbers of a level: extremes of the first five kept of a state, mean of the last.

    max, max, min, max, min and max, and the sum against exp(log_mass) over alive states.
    """
    out[:] = -np.inf, -np.inf, np.inf, -np.inf, np.inf, 0.0, 0.0
    for s in range(on_target.size):
        if on_target[s]:
            out[0] = max(out[0], kept[s, 0])
        if alive[s]:
            out[1] = max(out[1], kept[s, 1])
            out[2], out[3] = min(out[2], kept[s, 2]), max(out[3], kept[s, 3])
            out[4], out[5] = min(out[4], kept[s, 4]), max(out[5], kept[s, 4])
            if log_mass[s] > -np.inf:
                out[6] += np.exp(log_mass[s]) * kept[s, 5]


@njit(cache=True)
def every_level(
    n_actions, state_start, table_start, log_prob, next_state, factor_start, log_factor, prob,
    plain, value, prm, on_target, alive, log_mass, scale, out,
):  # fmt: skip
    """Fill a row of `summary` for each level before the last."""
    widest = 0
    for h in range(state_start.size - 1):
        widest = max(widest, state_start[h + 1] - state_start[h])
    rows, column = np.empty((widest, 2)), np.empty(widest)
    kept = np.empty((widest, COLUMNS))
    for h in range(table_start.size):
        i, j, k = state_start[h], state_start[h + 1], state_start[h + 2]
        top_value, top_prm, _ = children(value[j:k], prm[j:k], column, rows)
        level(
            n_actions, table_start[h], log_prob, next_state, factor_start[h], log_factor, prob,
            plain, value[i:j], prm[i:j], on_target[i:j], alive[i:j], scale[h], value[j:k], prm[j:k],
            rows, top_value, top_prm, True, kept, 0, j - i,
        )  # fmt: skip
        summary(kept, on_target[i:j], alive[i:j], log_mass[i:j], out[h])
