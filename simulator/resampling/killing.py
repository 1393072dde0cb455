"""Killing: keep particle i with probability W_i / max W, else redraw it from the weights.

P. Del Moral, "Feynman-Kac Formulae" (2004), section 7.2.1. Survivors come first. Unbiased:
W_i/max W + W_i sum_j (1 - W_j/max W) = N W_i.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.compositions import compositions
from simulator.resampling.multinomial import count_probability, cumulate, draw, invert
from simulator.resampling.slots import Slots
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import next_word, to_unit
from simulator.typing import Floats, Ints

__all__ = ["fill", "offspring", "plain", "slots"]


@njit(cache=True, nogil=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    most = 0.0
    for i in range(n):
        most = max(most, weights[i])
    done = 0
    for i in range(n):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        if to_unit(r) * most < weights[i]:
            ancestors[done] = i
            done += 1
    if done < n:
        cumulate(weights, n, cumulative)
        return draw(cumulative, n, total, ancestors, done, n, guide, s0, s1, s2, s3)
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
    [0, 2, 0]
    """
    kept = [i for i, w in enumerate(weights) if rng.uniform() * weights.max() < w]
    uniforms = np.array([rng.uniform() for _ in range(weights.size - len(kept))])
    return np.concatenate([np.array(kept, dtype=np.int64), invert(weights, uniforms)])


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    n = share.shape[1]
    table = compositions(n, n)
    probability = _count_probability(share, table.counts)
    row, outcome = np.nonzero(probability > 0)
    return row, probability[row, outcome], table.sequence[outcome]


def _count_probability(share: Floats, counts: Floats) -> Floats:
    """Sum over the sets of survivors; the killed are redrawn from the weights."""
    n = share.shape[1]
    survives = share / share.max(axis=1, keepdims=True)
    probability = np.zeros((len(share), len(counts)))
    for bits in range(1 << n):
        kept = (bits >> np.arange(n) & 1).astype(np.float64)
        chance = np.where(kept > 0, survives, 1 - survives).prod(axis=1)
        some = np.flatnonzero(chance)
        if some.size:
            whole = np.broadcast_to(kept, (some.size, n))
            probability[some] += chance[some, None] * count_probability(share[some], whole, counts)
    return probability


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    survives = share / share.max(axis=1, keepdims=True)
    law = (1 - survives)[:, :, None] * share[:, None]
    rows, n = share.shape
    law[:, np.arange(n), np.arange(n)] += survives
    return Slots(np.ones((rows, 1)), np.ones((rows, 1, n)), law)
