r"""Multinomial resampling: independent ancestors, drawn in proportion to the weights.

Inversion with a guide table (Chen and Asau, AIIE Trans. 6, 1974): exact, O(N) expected, no
logarithms. Ancestors come out unsorted. E[offspring of i] = N W_i.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.compositions import compositions
from simulator.resampling.slots import Slots
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import TO_UNIT, next_word, to_whole
from simulator.typing import Floats, Ints

__all__ = ["count_probability", "draw", "fill", "from_sums", "offspring", "plain", "slots"]

# a guide that starts a hair too low is still exact; one too high would not be
JUST_ABOVE = 1.0 + 2e-15
ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)


@njit(cache=True, nogil=True, forceinline=True)
def spread(out, index, begin, end):
    """Write `index` to ``out[begin:end]`` and perhaps to a few places beyond."""
    base = np.uint64(begin)
    out[base] = index  # mostly at most four: no branch for them
    out[base + ONE] = index
    out[base + TWO] = index
    out[base + THREE] = index
    for k in range(begin + 4, end):
        out[np.uint64(k)] = index


@njit(cache=True, nogil=True, forceinline=True)
def cumulate(weights, n, cumulative):
    """Fill ``cumulative[:n]`` with running sums."""
    c = 0.0
    for i in range(n):
        c += weights[i]
        cumulative[i] = c


@njit(cache=True, nogil=True, forceinline=True)
def prepare(cumulative, n, total, count, guide):
    """Fill the guide by which `locate` inverts the cumulative weights."""
    # guide[k]: first i with C_i > k total/count, where inversion of u in [k, k+1)/count starts
    scale = count / total * JUST_ABOVE
    done = 0
    for i in range(n):
        upto = min(np.int64(np.ceil(cumulative[i] * scale)), count)
        spread(guide, np.uint64(i), done, upto)
        done = upto
    low = np.uint64(0)
    while not cumulative[low] > 0.0:
        low += ONE
    guide[np.uint64(0)] = low  # where C_i/total underflows


@njit(cache=True, nogil=True, inline="always")
def locate(whole, total, size, cumulative, guide):
    """First index whose cumulative weight exceeds u times the total, where u = whole/2^53.

    `total` is the sum over 2^53, and `size` the number of guide cells over 2^53. There is such
    an index: u <= 1 - 2^-53, and (1 - 2^-53) x rounds to less than x for each normal x.
    """
    x = whole * total
    j = np.uint64(guide[np.uint64(np.int64(whole * size))])
    j += np.uint64(cumulative[j] <= x)  # two steps without a branch are mostly enough
    j += np.uint64(cumulative[j] <= x)
    while cumulative[j] <= x:
        j += ONE
    return j


@njit(cache=True, nogil=True, forceinline=True)
def draw(cumulative, n, total, ancestors, first, last, guide, s0, s1, s2, s3):
    """Draw ``ancestors[first:last]``, a uniform each, by the cumulative weights."""
    prepare(cumulative, n, total, last - first, guide)
    unit, size = total * TO_UNIT, (last - first) * TO_UNIT
    for k in range(first, last):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        ancestors[k] = locate(to_whole(r), unit, size, cumulative, guide)
    return s0, s1, s2, s3


@njit(cache=True, nogil=True, forceinline=True)
def from_sums(cumulative, n, total, ancestors, _scratch, guide, s0, s1, s2, s3):
    """Do what `fill` does, given the cumulative weights in place of the weights."""
    return draw(cumulative, n, total, ancestors, 0, n, guide, s0, s1, s2, s3)


@njit(cache=True, nogil=True, forceinline=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; return the new state of the generator.

    Parameters
    ----------
    weights : (>= n,) array
        Unnormalised, >= 0, of a sum of 2^-900 and more.
    n : int
        Number of particles and of ancestors.
    total : float
        Sum of the weights, added up from the first to the last.
    ancestors : (>= n + 8,) uint64 or uint32 array
        Filled.
    cumulative, guide : (>= n + 8,) arrays
        Scratch, float64 and uint64 or uint32.
    s0, s1, s2, s3 : uint64
        State of the generator.

    Returns
    -------
    tuple of four uint64
    """
    cumulate(weights, n, cumulative)
    return draw(cumulative, n, total, ancestors, 0, n, guide, s0, s1, s2, s3)


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
    return invert(weights, np.array([rng.uniform() for _ in weights]))


def invert(
    weights: npt.NDArray[np.float64], uniforms: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """First index whose cumulative weight exceeds u times the total."""
    cumulative = np.cumsum(weights)
    return np.searchsorted(cumulative, uniforms * cumulative[-1], side="right")


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    table = compositions(share.shape[1], share.shape[1])
    probability = count_probability(share.shape[1] * share, np.zeros_like(share), table.counts)
    row, outcome = np.nonzero(probability > 0)
    return row, probability[row, outcome], table.sequence[outcome]


def count_probability(rest: Floats, whole: Floats, counts: Floats) -> Floats:
    """Probability of each count vector: `whole` copies, then multinomial draws on `rest`."""
    n = rest.shape[1]
    total = rest.sum(axis=1, keepdims=True)
    rest = rest / np.where(total > 0, total, 1)
    factorial = np.cumprod(np.concatenate([[1.0], np.arange(1.0, n + 1)]))
    extra = counts[None] - whole[:, None]
    possible = np.asarray((extra >= 0).all(axis=2))
    extra = np.where(possible[:, :, None], extra, 0).astype(np.int64)
    size = n - whole.sum(axis=1).astype(np.int64)
    terms = (rest[:, None] ** extra / factorial[extra]).prod(axis=2)
    return np.asarray(np.where(possible, terms * factorial[size][:, None], 0.0))


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    rows, n = share.shape
    return Slots(np.ones((rows, 1)), np.full((rows, 1, 1), float(n)), share[:, None])
