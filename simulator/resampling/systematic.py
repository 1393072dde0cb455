"""Systematic resampling: positions (u + k)/N on the cumulative weights, with one uniform u.

J. Carpenter, P. Clifford and P. Fearnhead, IEE Proc. Radar 146 (1999). Particle i gets
floor(N W_i) or ceil(N W_i) offspring; ancestors are in nondecreasing order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.multinomial import spread
from simulator.resampling.rounding import ROUNDING
from simulator.resampling.slots import Slots, fixed_parents
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import next_word, to_unit
from simulator.typing import Floats, Ints

__all__ = ["fill", "mark", "offspring", "plain", "slots"]

ONE = np.uint32(1)


@njit(cache=True, nogil=True, forceinline=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    u = to_unit(r)
    top = n - 1
    while not weights[top] > 0.0:
        top -= 1
    scale = n / total
    done, c = 0, 0.0
    for i in range(n):
        c += weights[i]
        # particle i owns the positions k with (u + k)/N < C_i that nobody before it owns
        upto = min(np.int64(np.ceil(c * scale - u)), n)
        spread(ancestors, np.uint64(i), done, upto)
        done = upto
    for k in range(done, n):  # rounding of the cumulative sum
        ancestors[np.uint64(k)] = np.uint64(top)
    return s0, s1, s2, s3


@njit(cache=True, nogil=True, inline="always")
def mark(weights, n, scale, u, rows, first, marks):
    """Mark where the children of each particle begin, with no ancestors in between.

    A store a particle and no branch, where `fill` takes four stores and a branch that a particle
    of many children misleads.

    Parameters
    ----------
    weights, n
        As in `simulator.resampling.multinomial.fill`.
    scale, u : float
        n over the sum of the weights, and the uniform number.
    rows : uint32 array
        ``rows[first + i]`` goes to the children of particle i.
    first : uint64
        Place in `rows`.
    marks : (>= n + 1,) uint32 array
        ``marks[:n]`` are zeros, and become 1 + the row of a particle where its children begin.
    """
    begin, c = np.int64(0), 0.0
    for i in range(n):
        # who has no children is written over, or stands at n, where nobody looks
        marks[np.uint64(begin)] = rows[first + np.uint64(i)] + ONE
        c += weights[i]
        begin = min(np.int64(np.ceil(c * scale - u)), n)
    if begin < n:  # rounding of the cumulative sum
        top = n - 1
        while not weights[top] > 0.0:
            top -= 1
        marks[np.uint64(begin)] = rows[first + np.uint64(top)] + ONE


def plain(weights: npt.NDArray[np.float64], rng: Xoshiro) -> npt.NDArray[np.int64]:
    """Return the ancestors that `fill` gives, in plain numpy.

    Parameters
    ----------
    weights : (N,) array
        Unnormalised, >= 0, positive sum.

    Returns
    -------
    (N,) int array

    Examples
    --------
    >>> plain(np.array([1.0, 0.0, 2.0]), Xoshiro([1, 2, 3, 4])).tolist()
    [0, 2, 2]
    """
    n, u = weights.size, rng.uniform()
    cumulative = np.cumsum(weights)
    upto = np.minimum(np.ceil(cumulative * (n / cumulative[-1]) - u).astype(np.int64), n)
    upto[np.flatnonzero(weights > 0)[-1] :] = n
    return np.repeat(np.arange(n), np.diff(upto, prepend=0))


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    n = share.shape[1]
    upper = n * np.cumsum(share, axis=1)
    upper[:, -1] = n
    edge = np.sort(upper - np.floor(upper), axis=1)
    edge = np.concatenate([np.zeros((len(edge), 1)), edge, np.ones((len(edge), 1))], axis=1)
    width = np.diff(edge, axis=1)
    width[width < ROUNDING] = 0
    width /= width.sum(axis=1, keepdims=True)
    row, part = np.nonzero(width)
    u = (edge[row, part] + edge[row, part + 1]) / 2
    before = np.ceil(upper[row] - u[:, None])  # positions u, u+1, .. below the upper end of i
    ancestors = (before[:, None, :] <= np.arange(n)[None, :, None]).sum(axis=2)
    return row, width[row, part], ancestors


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    return fixed_parents(*offspring(share))
