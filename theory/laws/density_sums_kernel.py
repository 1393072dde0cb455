"""Mean and range of a sum of densities along the paths of pi*, in one backward pass."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.problem.linear_passes_kernel import scaled

__all__ = ["children", "level"]

FAR = 300.0  # of logarithms: beyond it each term is an exponential of its own


@njit(cache=True, nogil=True)
def children(value, gain, relative, f, kept, column, rows):
    """Fill what the states below need of each child; return maximum of ``value`` and of factors.

    ``kept`` has E[s f], least and most s of each child, and its row gets the weight V*(x') and
    the three numbers of e^d (e^gain + s), where d is ``value`` if ``relative``, else 0; both are
    scaled by their maximum. E[f | x'] is ``f``.
    """
    top = scaled(value, column)
    for t in range(value.size):
        if value[t] == -np.inf:  # pi* does not come here
            rows[t, 0], rows[t, 1], rows[t, 2], rows[t, 3] = 0.0, 0.0, np.inf, -np.inf
            continue
        gained, factor = np.exp(gain[t]), column[t] if relative else 1.0
        rows[t, 0] = column[t]
        rows[t, 1] = factor * (gained * f[t] + kept[t, 0])
        rows[t, 2] = factor * (gained + kept[t, 1])
        rows[t, 3] = factor * (gained + kept[t, 2])
    return top


@njit(cache=True, nogil=True)
def level(
    n_actions, table, log_prob, next_state, prob, value, below, marginal, density, relative,
    rows, top, f, ones, mean_f, kept, begin, end,
):  # fmt: skip
    """Fill E[f | x], E[s f | x], least and most s of some states x of a level.

    ``ones`` says that f = 1.

    s = e^(density(x)) V*(x') + e^(c(x)) e^(d(x')) (e^(gain(x')) + s'), where c is -value(x) if
    ``relative``, else 0, and ``rows`` are those of `children`.
    """
    for s in range(begin, end):
        mean_f[s] = 0.0
        kept[s, 0], kept[s, 1], kept[s, 2] = 0.0, 0.0, 0.0
        if marginal[s] == 0:
            continue
        first = np.exp(density[s] + top)
        second = np.exp(top - value[s]) if relative else 1.0
        if not (first < np.inf and second < np.inf):
            kept[s, :] = np.nan
            continue
        direct = top - value[s] < FAR
        total, both, mean, least, most = 0.0, 0.0, 0.0, np.inf, -np.inf
        for e in range(table + s * n_actions, table + (s + 1) * n_actions):
            p = prob[e]
            if p == 0.0 and log_prob[e] == -np.inf:
                continue
            t = next_state[e]
            k = p * rows[t, 0] if direct else np.exp(log_prob[e] + below[t] - value[s])
            part = k if ones else k * f[t]
            x = first * rows[t, 0]
            mean += part
            total += part * x
            both += k * rows[t, 1]
            low, high = x + second * rows[t, 2], x + second * rows[t, 3]
            least, most = low if low < least else least, high if high > most else most
        scale = np.exp(top - value[s]) if direct else 1.0
        mean_f[s] = 1.0 if ones else scale * mean
        kept[s, 0] = scale * (total + second * both)
        if most > -np.inf:
            kept[s, 1], kept[s, 2] = least, most
