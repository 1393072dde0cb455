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
    """Fill logs and exp(logs - maximum) of both side by side; return the two maxima."""
    size = value.size
    rows[:size, 0], rows[:size, 1] = value, prm
    top_value = scaled(value, column)
    rows[:size, 2] = column[:size]
    top_prm = scaled(prm, column)
    rows[:size, 3] = column[:size]
    return top_value, top_prm


@njit(cache=True, nogil=True)
def level(
    n_actions, table, log_prob, next_state, factor, log_factor, prob, plain,
    value, prm, on_target, alive, scale, rows, top_value, top_prm, kept, begin, end,
):  # fmt: skip
    """Keep six numbers of some states x of a level, with x' a child that pi_ref takes.

    max V*(x')/V*(x), if ``on_target``, and, if ``alive``, max V^(x')/V^(x), min and max of
    V*(x')/V^(x), E_ref[V^(x')]/V^(x), and E_ref[(e^scale V*(x')/V^(x) - 1)^2]. All but the last
    two are logarithms. ``rows`` are those of `children`, and ``plain`` says that all log factors
    are 0.
    """
    for s in range(begin, end):
        if not (on_target[s] or alive[s]):
            continue
        first, shift, below = table + s * n_actions, factor + s * n_actions, prm[s]
        direct = plain and alive[s]
        direct &= -FAR < top_value + scale - below < FAR and -FAR < top_prm - below < FAR
        low, high, high_prm = np.inf, -np.inf, -np.inf
        mean, squared = 0.0, 0.0
        if direct:
            times = np.exp(top_value + scale - below)
            for e in range(first, first + n_actions):
                p, t = prob[e], next_state[e]
                if p == 0.0 and log_prob[e] == -np.inf:
                    continue
                x, y = rows[t, 0], rows[t, 1]
                low, high = x if x < low else low, x if x > high else high
                high_prm = y if y > high_prm else high_prm
                mean += p * rows[t, 3]
                gap = times * rows[t, 2] - 1.0
                if abs(gap) <= NEAR:
                    gap = np.expm1(x + scale - below)
                squared += p * gap * gap
            mean *= np.exp(top_prm - below)
        else:
            for a in range(n_actions):
                e = first + a
                if log_prob[e] == -np.inf:
                    continue
                gain, t = log_factor[shift + a], next_state[e]
                x, y = gain + rows[t, 0], gain + rows[t, 1]
                low, high, high_prm = min(low, x), max(high, x), max(high_prm, y)
                if alive[s]:
                    mean += np.exp(log_prob[e] + y - below)
                    x += scale - below
                    # log|e^x - 1| is x itself where e^x would overflow; no gap, no term
                    size = x if x > 700.0 else np.log(np.abs(np.expm1(x)))
                    squared += np.exp(log_prob[e] + 2 * size)
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
    rows, column = np.empty((widest, 4)), np.empty(widest)
    kept = np.empty((widest, COLUMNS))
    for h in range(table_start.size):
        i, j, k = state_start[h], state_start[h + 1], state_start[h + 2]
        top_value, top_prm = children(value[j:k], prm[j:k], column, rows)
        level(
            n_actions, table_start[h], log_prob, next_state, factor_start[h], log_factor, prob,
            plain, value[i:j], prm[i:j], on_target[i:j], alive[i:j], scale[h], rows, top_value,
            top_prm, kept, 0, j - i,
        )  # fmt: skip
        summary(kept, on_target[i:j], alive[i:j], log_mass[i:j], out[h])
