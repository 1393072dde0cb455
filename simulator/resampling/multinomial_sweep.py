r"""Multinomial resampling of many particles: the same law, with memory walked in order.

Independent uniforms in random order miss the cache where cumulative weights no longer fit. So
draw first how many uniforms fall into each of 4096 equal parts of [0, 1), then these uniforms,
part by part: given the numbers they are independent and uniform in their part. Two words an
ancestor; ancestors come out nearly sorted. E[offspring of i] = N W_i.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.multinomial import cumulate, invert, locate, prepare
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import TO_UNIT, next_word, to_whole

__all__ = ["fill", "from_sums", "plain"]

BITS = 12
PARTS = 2**BITS
LOW, REST = np.uint64(BITS), np.uint64(64 - BITS)


@njit(cache=True, nogil=True, forceinline=True)
def from_sums(cumulative, n, total, ancestors, _scratch, guide, s0, s1, s2, s3):
    """Do what `fill` does, given the cumulative weights in place of the weights."""
    prepare(cumulative, n, total, n, guide)
    counts = np.zeros(PARTS, dtype=np.int64)
    for _ in range(n):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        counts[r >> REST] += 1
    unit, size = total * TO_UNIT, n * TO_UNIT
    done = 0
    for part in range(PARTS):
        upper = np.uint64(part) << REST
        end = done + counts[part]
        for k in range(done, end):
            r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            whole = to_whole(upper | (r >> LOW))
            ancestors[np.uint64(k)] = locate(whole, unit, size, cumulative, guide)
        done = end
    return s0, s1, s2, s3


@njit(cache=True, nogil=True, forceinline=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    cumulate(weights, n, cumulative)
    return from_sums(cumulative, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)


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
    >>> plain(np.array([1.0, 0.0, 1.0]), Xoshiro([1, 2, 3, 4])).tolist()
    [0, 0, 0]
    """
    parts = sorted(rng.word() >> (64 - BITS) for _ in weights)
    words = [part << (64 - BITS) | rng.word() >> BITS for part in parts]
    return invert(weights, np.array([(word >> 11) * 2.0**-53 for word in words]))
