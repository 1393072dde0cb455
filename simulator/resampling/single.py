"""One ancestor for all: a single draw in proportion to the weights, copied N times.

Unbiased like the others, and the poorest of all: SMC with it is action-level importance
sampling, which at every level draws N candidates for one path and keeps one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.multinomial import invert
from simulator.resampling.slots import Slots, fixed_parents
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import next_word, to_unit
from simulator.typing import Floats, Ints

__all__ = ["fill", "offspring", "pick", "pick_from_sums", "plain", "slots"]


@njit(cache=True, nogil=True)
def pick(n, weights, total, u):
    """First index whose cumulative weight exceeds u times the total."""
    x = u * total
    c = 0.0
    for i in range(n - 1):
        c += weights[i]
        if c > x:
            return i
    return n - 1


@njit(cache=True, nogil=True)
def pick_from_sums(cumulative, x):
    """First index whose cumulative weight exceeds x, which is less than the total."""
    i = 0
    while cumulative[i] <= x:
        i += 1
    return i


@njit(cache=True, nogil=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
    chosen = pick(n, weights, total, to_unit(r))
    for k in range(n):
        ancestors[k] = chosen
    return s0, s1, s2, s3


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
    [0, 0, 0]
    """
    return np.repeat(invert(weights, np.array([rng.uniform()])), weights.size)


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    row, ancestor = np.nonzero(share)
    return row, share[row, ancestor], np.repeat(ancestor[:, None], share.shape[1], axis=1)


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    return fixed_parents(*offspring(share))
