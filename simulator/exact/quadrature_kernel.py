"""The trapezoidal rule of `simulator.exact.quadrature`, a past at a time.

Nodes are a third of a doubling apart, so that expm1(-t u) of a node gives that of the third one
after it: expm1(2 x) = expm1(x) (expm1(x) + 2), which adds a rounding each time. After `DOUBLINGS`
of them it is computed afresh. Where exp(-t u) is below 1/2, its own square keeps more digits.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.exact.quadrature_grid import LEFT, PHASES, RIGHT, STEP

__all__ = ["integrate"]

DOUBLINGS = 8
NEAR = 2.0**-17  # (N + u) t up to which two terms of the series are enough: t^3 adds 1e-16
DONE = 1e-17  # what is left to add, relative to what is there


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def integrate(q, u, n, out):
    """Fill E[nu~(k) | past] of every pair k, for a batch of pasts.

    Parameters
    ----------
    q : (C, K) array
        Law of one pair given each past; rows sum to 1.
    u : (C, K) array
        Weights u >= 0 of the pairs, with mean 1 in each row.
    n : int
        Number of particles N >= 2.
    out : (C, K) array
        Filled.
    """
    width = u.shape[1]
    where, p, v = np.empty(width, dtype=np.int64), np.empty(width), np.empty(width)
    total, drop, keep = np.empty(width), np.empty((PHASES, width)), np.empty((PHASES, width))
    for c in range(len(u)):
        size = 0  # pairs without weight stay in phi: they drop nothing
        smallest, largest = np.inf, 0.0
        for k in range(width):
            out[c, k] = 0.0
            if q[c, k] > 0.0 and u[c, k] > 0.0:
                where[size], p[size], v[size] = k, q[c, k], u[c, k]
                smallest, largest = min(smallest, u[c, k]), max(largest, u[c, k])
                size += 1
        near = max(np.exp(-LEFT) / n, NEAR / (n + largest))
        n_nodes = int((np.log(RIGHT / smallest) - np.log(near)) / STEP) + 2
        _to_the_left(near, n, size, v, total)
        for first in range(0, n_nodes, PHASES * DOUBLINGS):
            for i in range(PHASES):
                t = near * np.exp((first + i) * STEP)
                for k in range(size):
                    drop[i, k], keep[i, k] = np.expm1(-t * v[k]), np.exp(-t * v[k])
            share = 1.0
            for j in range(first, min(first + PHASES * DOUBLINGS, n_nodes)):
                t = near * np.exp(j * STEP)
                share = _node(t, n, size, p, drop[j % PHASES], keep[j % PHASES], total)
            if _is_done(share, t, size, v, keep[0], total):
                break
        for k in range(size):
            out[c, where[k]] = n * p[k] * v[k] * total[k]


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _node(t, n, size, p, drop, keep, total):
    """Add the node t, double it in `drop` and `keep`, and return phi^(N-1)."""
    fall = 0.0  # phi - 1 keeps log phi accurate where phi is close to 1
    for k in range(size):
        fall += p[k] * drop[k]
    share = np.exp((n - 1) * np.log1p(max(fall, -1.0 + 1e-16)))
    weight = STEP * t * share
    for k in range(size):
        total[k] += weight * keep[k]
        drop[k] *= drop[k] + 2.0
        keep[k] = drop[k] + 1.0 if drop[k] > -0.5 else keep[k] * keep[k]
    return share


@njit(cache=True, nogil=True)
def _to_the_left(near, n, size, v, total):
    """Add up the nodes below `near`, where the integrand is t - (N - 1 + u) t^2."""
    ratio = np.exp(-STEP)
    first = near * ratio / (1 - ratio)
    second = (near * ratio) ** 2 / (1 - ratio**2)
    for k in range(size):
        # a pair whose weight dwarfs the mean has next to no share: it may lose the part
        total[k] = STEP * max(first - (n - 1 + v[k]) * second, 0.0)


@njit(cache=True, nogil=True)
def _is_done(share, t, size, v, keep, total):
    """Say that nodes behind t add nothing: at most phi^(N-1) exp(-t u) (1/u + t), as phi falls."""
    return np.all(share * keep[:size] * (1.0 + t * v[:size]) <= DONE * v[:size] * total[:size])
