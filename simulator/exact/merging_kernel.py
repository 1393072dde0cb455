"""Equal clouds as one, and the kinds that a cloud's children are drawn from, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["merge", "mix"]

SHIFT = np.uint64(29)
FACTOR = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, nogil=True)
def merge(rows, digits, moments):
    """Add up the moments of equal rows.

    Parameters
    ----------
    rows : (C, N) int32 array
        Kinds of the particles.
    digits : (C,) or (0,) int64 array
        What must be equal too.
    moments : (3, C) array
        What is added up.

    Returns
    -------
    first : (D,) int64 array
        Where each distinct row stands first, in that order.
    sums : (3, D) array
    """
    count, width = rows.shape
    n_slots = 16
    while n_slots < 2 * count:
        n_slots *= 2
    mask = np.uint64(n_slots - 1)
    slots = np.full(n_slots, -1, dtype=np.int32)
    first, sums = np.empty(count, dtype=np.int64), np.empty((3, count))
    found = 0
    for i in range(count):
        key = np.uint64(digits[i]) * FACTOR if digits.size > 0 else FACTOR
        for k in range(width):
            key = (key ^ np.uint64(rows[i, k])) * FACTOR
            key ^= key >> SHIFT
        slot = key & mask
        while True:
            g = slots[slot]
            if g < 0:
                slots[slot] = found
                first[found] = i
                for m in range(3):
                    sums[m, found] = moments[m, i]
                found += 1
                break
            if _equal(rows, digits, first[g], i):
                for m in range(3):
                    sums[m, g] += moments[m, i]
                break
            slot = (slot + np.uint64(1)) & mask
    return first[:found].copy(), sums[:, :found].copy()


@njit(cache=True, nogil=True)
def _equal(rows, digits, i, j):
    same = digits.size == 0 or digits[i] == digits[j]
    for k in range(rows.shape[1]):
        same &= rows[i, k] == rows[j, k]
    return same


@njit(cache=True, nogil=True)
def mix(rows, weight, fresh, start, child, probability, n_kinds):
    """Tabulate, for each cloud, the kinds that its children are drawn from.

    Parameters
    ----------
    rows : (C, N) int array
        Kinds of the particles.
    weight : (T,) array
        Of each kind.
    fresh, start, child, probability : arrays
        Of `simulator.exact.particle_types.Step`.
    n_kinds : int
        Number of kinds of children.

    Returns
    -------
    width : (C,) int64 array
        How many kinds each cloud draws from.
    kind, share : (sum of width,) arrays
        The kinds, increasing within a cloud, and their chances.
    """
    most = 0
    for k in range(start.size - 1):
        most = max(most, start[k + 1] - start[k])
    room = len(rows) * min(rows.shape[1] * most, n_kinds)
    width, kind = np.zeros(len(rows), dtype=np.int64), np.empty(room, dtype=np.int64)
    share = np.empty(room)
    chance, seen = np.zeros(n_kinds), np.zeros(n_kinds, dtype=np.bool_)
    end = 0
    for c in range(len(rows)):
        total = 0.0
        for r in rows[c]:
            total += weight[r]
        begin = end
        for r in rows[c]:
            parent = fresh[r]
            for move in range(start[parent], start[parent + 1]):
                x = weight[r] / total * probability[move]
                if not x > 0.0:
                    continue
                k = child[move]
                if not seen[k]:
                    seen[k] = True
                    place = end  # keep the kinds in order
                    while place > begin and kind[place - 1] > k:
                        kind[place] = kind[place - 1]
                        place -= 1
                    kind[place] = k
                    end += 1
                chance[k] += x
        for i in range(begin, end):
            k = kind[i]
            share[i] = chance[k]
            chance[k], seen[k] = 0.0, False
        width[c] = end - begin
    return width, kind[:end], share[:end]
