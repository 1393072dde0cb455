"""SSP resampling: floor or ceil of N W_i offspring, the fractions settled pair by pair.

Srinivasan's sampling process (FOCS 2001) as a resampling scheme: M. Gerber, N. Chopin and
N. Whiteley, Ann. Statist. 47 (2019). A carried fraction x meets the next fraction y: if
x + y < 1 one of them takes the sum, else one is rounded up to 1 and the other keeps the rest;
chances are such that means stay. Negatively associated; ancestors are in nondecreasing order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.errors import TooLargeError
from simulator.resampling.multinomial import spread
from simulator.resampling.residual import SNAP
from simulator.resampling.rounding import FLOOR_SLACK, ROUNDING
from simulator.resampling.slots import Slots, fixed_parents
from simulator.streams.plain import Xoshiro
from simulator.streams.xoshiro import next_word, to_unit
from simulator.typing import Floats, Ints

__all__ = ["fill", "offspring", "plain", "slots"]

MOST = 12  # particles: up to 2^(N-1) outcomes a cloud


@njit(cache=True, nogil=True)
def fill(weights, n, total, ancestors, cumulative, guide, s0, s1, s2, s3):
    """Fill ``ancestors[:n]``; see `simulator.resampling.multinomial.fill`."""
    copies = guide
    carrier, x = -1, 0.0
    settled = 0
    for i in range(n):
        share = n * (weights[i] / total)
        whole = np.int64(np.floor(share + SNAP))
        copies[i] = np.uint64(whole)
        settled += whole
        y = max(share - whole, 0.0)
        if y <= SNAP:
            continue
        if carrier < 0:
            carrier, x = i, y
            continue
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        u = to_unit(r)
        if x + y < 1.0 - SNAP:
            if u * (x + y) >= x:
                carrier = i
            x += y
        else:
            up, other = i, carrier
            if u * (2.0 - x - y) < 1.0 - y:
                up, other = carrier, i
            copies[up] += np.uint64(1)
            settled += 1
            x += y - 1.0
            carrier = other if x > SNAP else -1
    if settled < n:  # what is carried at the end is one, up to rounding
        copies[max(carrier, 0)] += np.uint64(n - settled)
    done = 0
    for i in range(n):
        end = done + np.int64(copies[i])
        spread(ancestors, np.uint64(i), done, end)
        done = end
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
    rest = np.maximum(share - copies, 0.0)
    carrier, x = -1, 0.0
    for i in np.flatnonzero(rest > SNAP).tolist():
        y = float(rest[i])
        if carrier < 0:
            carrier, x = i, y
            continue
        u = rng.uniform()
        if x + y < 1 - SNAP:
            carrier, x = (carrier if u * (x + y) < x else i), x + y
            continue
        up, other = (carrier, i) if u * (2 - x - y) < 1 - y else (i, carrier)
        copies[up] += 1
        x += y - 1
        carrier = other if x > SNAP else -1
    copies[max(carrier, 0)] += n - copies.sum()
    return np.repeat(np.arange(n), copies)


def offspring(share: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors; every branch of the pairwise settlement is followed."""
    n = share.shape[1]
    copies = np.floor(n * share + FLOOR_SLACK)
    rest = np.maximum(n * share - copies, 0.0)
    row, chance = np.arange(len(share)), np.ones(len(share))
    carrier, x = np.full(len(share), -1), np.zeros(len(share))
    for i in range(n):
        y = rest[row, i]
        idle = y <= FLOOR_SLACK
        first = ~idle & (carrier < 0)
        carrier, x = np.where(first, i, carrier), np.where(first, y, x)
        meets = np.flatnonzero(~idle & ~first)
        low = x[meets] + y[meets] < 1 - FLOOR_SLACK
        total = x[meets] + y[meets]
        # the carrier keeps the sum, or is rounded up
        stays = np.where(low, x[meets] / total, (1 - y[meets]) / (2 - total))
        parts = [np.flatnonzero(idle | first)]
        kept = [(copies[parts[0]], chance[parts[0]], carrier[parts[0]], x[parts[0]])]
        for stay in (True, False):
            p = stays if stay else 1 - stays
            up = carrier[meets] if stay else np.full(meets.size, i)
            down = np.full(meets.size, i) if stay else carrier[meets]
            more = copies[meets].copy()
            more[np.arange(meets.size)[~low], up[~low]] += 1
            carried = np.where(low, total, total - 1)
            holder = np.where(low, up, np.where(carried > FLOOR_SLACK, down, -1))
            live = p > ROUNDING
            parts.append(meets[live])
            kept.append((more[live], (chance[meets] * p)[live], holder[live], carried[live]))
        row = row[np.concatenate(parts)]
        copies, chance, carrier, x = (np.concatenate(c) for c in zip(*kept, strict=True))
    missing = n - copies.sum(axis=1)
    copies[np.arange(row.size), np.maximum(carrier, 0)] += missing
    ends = np.cumsum(copies, axis=1)
    ancestors = (ends[:, None, :] <= np.arange(n)[None, :, None]).sum(axis=2)
    return row, chance, ancestors


def slots(share: Floats) -> Slots:
    """Parents of the children, slot by slot; see `simulator.resampling.slots`."""
    if share.shape[1] > MOST:
        raise TooLargeError(f"ssp: the offspring of more than {MOST} particles are not listed")
    return fixed_parents(*offspring(share))
