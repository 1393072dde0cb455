"""Residual resampling: floor(N W_i) offspring for certain, the rest multinomial.

J. Liu and R. Chen, J. Amer. Statist. Assoc. 93 (1998). The rest is drawn in proportion to
N W_i - floor(N W_i). Certain offspring come first, then the drawn ones.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.compositions import compositions
from simulator.resampling.multinomial import count_probability, draw, invert, spread
from simulator.resampling.rounding import FLOOR_SLACK
from simulator.resampling.slots import Slots
from simulator.streams.plain import Xoshiro
from simulator.typing import Floats, Ints

__all__ = ["SNAP", "fill", "offspring", "plain", "slots"]

# N W_i that rounding left just below a whole number counts as that number: otherwise equal
# weights would be resampled at random, or not, depending on the last bit
SNAP = 1e-9


@njit(cache=True, nogil=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    done, rest_total = 0, 0.0
    for i in range(n):
        share = n * (weights[i] / total)
        copies = np.int64(np.floor(share + SNAP))
        rest_total += max(share - copies, 0.0)
        cumulative[i] = rest_total
        spread(ancestors, np.uint64(i), done, done + copies)
        done += copies
    if done < n:
        return draw(cumulative, n, rest_total, ancestors, done, n, guide, s0, s1, s2, s3)
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
    [0, 2, 2]
    """
    n = weights.size
    share = n * (weights / np.cumsum(weights)[-1])
    copies = np.floor(share + SNAP).astype(np.int64)
    certain = np.repeat(np.arange(n), copies)
    if certain.size == n:
        return certain
    uniforms = np.array([rng.uniform() for _ in range(n - certain.size)])
    return np.concatenate([certain, invert(np.maximum(share - copies, 0.0), uniforms)])


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    n = share.shape[1]
    table = compositions(n, n)
    whole, rest = _parts(share)
    probability = count_probability(rest, whole, table.counts)
    row, outcome = np.nonzero(probability > 0)
    return row, probability[row, outcome], table.sequence[outcome]


def _parts(share: Floats) -> tuple[Floats, Floats]:
    """Split N W into whole numbers and what is left."""
    n = share.shape[1]
    whole = np.floor(n * share + FLOOR_SLACK)
    rest = n * share - whole
    return whole, np.where(rest > FLOOR_SLACK, rest, 0)


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    rows, n = share.shape
    whole, rest = _parts(share)
    total = rest.sum(axis=1, keepdims=True)
    drawn = np.where(total > 0, rest / np.where(total > 0, total, 1), share)
    law = np.concatenate([np.broadcast_to(np.eye(n), (rows, n, n)), drawn[:, None]], axis=1)
    copies = np.concatenate([whole, n - whole.sum(axis=1, keepdims=True)], axis=1)
    return Slots(np.ones((rows, 1)), copies[:, None], law)
