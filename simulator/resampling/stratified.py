"""Stratified resampling: positions (u_k + k)/N on the cumulative weights, a uniform a stratum.

G. Kitagawa, J. Comput. Graph. Stat. 5 (1996). Ancestors are in nondecreasing order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.compositions import compositions
from simulator.resampling.multinomial import spread
from simulator.resampling.rounding import ROUNDING
from simulator.resampling.slots import Slots
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import next_word, to_unit
from simulator.typing import Floats, Ints

__all__ = ["fill", "offspring", "plain", "slots"]


@njit(cache=True, nogil=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    position = cumulative
    for k in range(n):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        position[k] = k + to_unit(r)
    position[n] = np.inf
    scale = n / total
    done, c = 0, 0.0
    for i in range(n):
        c += weights[i]
        x = c * scale
        whole = min(np.int64(x), n)
        # strata below x are past; the one that holds x may be
        upto = whole + np.int64(position[np.uint64(whole)] < x)
        spread(ancestors, np.uint64(i), done, upto)
        done = upto
    if done < n:  # rounding of the cumulative sum
        top = n - 1
        while not weights[top] > 0.0:
            top -= 1
        for k in range(done, n):
            ancestors[np.uint64(k)] = np.uint64(top)
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
    position = np.array([k + rng.uniform() for k in range(n)] + [np.inf])
    cumulative = np.cumsum(weights)
    x = cumulative * (n / cumulative[-1])
    whole = np.minimum(x.astype(np.int64), n)
    upto = whole + (position[whole] < x)
    upto[np.flatnonzero(weights > 0)[-1] :] = n
    return np.repeat(np.arange(n), np.diff(upto, prepend=0))


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors; see `offspring.offspring_batch`."""
    table = compositions(share.shape[1], share.shape[1])
    overlap = _strata(share)
    probability = np.ones((len(share), len(table.sequence)))
    for k in range(share.shape[1]):
        probability *= overlap[:, k, table.sequence[:, k]]
    row, outcome = np.nonzero(probability > 0)
    return row, probability[row, outcome], table.sequence[outcome]


def _strata(share: Floats) -> Floats:
    """P(stratum k picks particle i), shape (C, N, N)."""
    n = share.shape[1]
    upper = n * np.cumsum(share, axis=1)
    upper[:, -1] = n
    lower = np.concatenate([np.zeros((len(upper), 1)), upper[:, :-1]], axis=1)
    k = np.arange(n)[None, :, None]
    overlap = np.minimum(upper[:, None], k + 1) - np.maximum(lower[:, None], k)
    overlap[overlap < ROUNDING] = 0
    return np.asarray(overlap / overlap.sum(axis=2, keepdims=True))


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    rows, n = share.shape
    return Slots(np.ones((rows, 1)), np.ones((rows, 1, n)), _strata(share))
