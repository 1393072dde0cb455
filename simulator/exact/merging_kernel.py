"""Clouds in a hash table, where equal ones are one, and the children of clouds, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.exact.particle_types import DIGITS

__all__ = ["chance_of", "children", "in_range", "insert", "mix", "new_table"]

SHIFT = np.uint64(29)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
EMPTY, ONE = np.uint64(0), np.uint64(1)
LOWER, UPPER = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF00000000)
FEW = 8  # clouds that an empty table has room for
ALIKE = 10.0**DIGITS  # logarithms of W are equal if they are so in units of its inverse
FARTHEST = 1e6  # of log W, in the range of these units
LEAST = -600.0  # logarithm of a chance that is far from underflow
SCALE = 2.0**500


@njit(cache=True, nogil=True)
def new_table(n, joint):
    """Make an empty table.

    Parameters
    ----------
    n : int
        N.
    joint : bool
        Whether clouds of unequal W are told apart.

    Returns
    -------
    slots : (a power of two,) uint64 array
        By hash: the upper half of a cloud's hash, then its number plus one; 0 where none is.
    hashes : (room,) uint64 array
    rows : (room, N) int32 array
        Kinds of the particles of each cloud.
    sums : (room, 3 or 5) array
        Moments of each cloud; if W counts, also W of the first one, and its logarithm in units of
        1/ALIKE.
    """
    return (
        np.zeros(2 * FEW, dtype=np.uint64), np.empty(FEW, dtype=np.uint64),
        np.empty((FEW, n), dtype=np.int32), np.empty((FEW, 5 if joint else 3)),
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _with_room(table, found, room):
    """Return a table with room for so many clouds."""
    slots, hashes, rows, sums = table
    if room <= hashes.size:
        return table
    room = max(room, 2 * hashes.size)
    n_slots = slots.size
    while n_slots < 2 * room:
        n_slots *= 2
    wider = (
        np.zeros(n_slots, dtype=np.uint64), np.empty(room, dtype=np.uint64),
        np.empty((room, rows.shape[1]), dtype=np.int32), np.empty((room, sums.shape[1])),
    )  # fmt: skip
    wider[1][:found], wider[2][:found] = hashes[:found], rows[:found]
    wider[3][:found] = sums[:found]
    places, mask = wider[0], np.uint64(n_slots - 1)
    for g in range(found):
        slot = hashes[g] & mask
        while places[slot] != EMPTY:
            slot = (slot + ONE) & mask
        places[slot] = _entry(hashes[g], g)
    return wider


@njit(cache=True, nogil=True)
def _hashed(seed, number):
    value = (seed ^ np.uint64(number)) * FACTOR
    return value ^ (value >> SHIFT)


@njit(cache=True, nogil=True)
def _entry(value, g):
    return (value & UPPER) | np.uint64(g + 1)


@njit(cache=True, nogil=True)
def _digits(w):
    return np.round(min(max(np.log(w), -FARTHEST), FARTHEST) * ALIKE)


@njit(cache=True, nogil=True)
def _place(slots, hashes, rows, sums, found, row, value, w, digits):
    """Return the number of a cloud; `found`, after it was written there, if it is new."""
    mask, upper = np.uint64(slots.size - 1), value & UPPER
    joint = sums.shape[1] > 3
    slot = value & mask
    while slots[slot] != EMPTY:
        entry = slots[slot]
        if entry & UPPER == upper:
            g = np.int64(entry & LOWER) - 1
            same = not joint or sums[g, 4] == digits
            for j in range(row.size):
                same &= rows[g, j] == row[j]
            if same:
                return g
        slot = (slot + ONE) & mask
    slots[slot], hashes[found] = _entry(value, found), value
    for j in range(row.size):
        rows[found, j] = row[j]
    for m in range(3):
        sums[found, m] = 0.0
    if joint:
        sums[found, 3], sums[found, 4] = w, digits
    return found


@njit(cache=True, nogil=True)
def insert(table, found, rows, moments, w):
    """Put clouds into a table.

    Parameters
    ----------
    table : tuple of arrays
        Of `new_table`; not used afterwards.
    found : int
        How many clouds it holds.
    rows : (C, N) int array
        Kinds of the particles.
    moments : (3, C) array
        What is added up.
    w : (C,) or (0,) array
        W of each cloud, if clouds of unequal W are told apart.

    Returns
    -------
    table : tuple of arrays
    found : int
    """
    table = _with_room(table, found, found + len(rows))
    slots, hashes, known, sums = table
    row = np.empty(rows.shape[1], dtype=np.int32)
    own, digits = 0.0, 0.0
    for c in range(len(rows)):
        value = FACTOR
        for j in range(row.size):
            row[j] = rows[c, j]
            value = _hashed(value, row[j])
        if sums.shape[1] > 3:
            own = w[c]
            digits = _digits(own)
            value = _hashed(value, np.int64(digits))
        g = _place(slots, hashes, known, sums, found, row, value, own, digits)
        found += g == found
        for m in range(3):
            sums[g, m] += moments[m, c]
    return table, found


@njit(cache=True, nogil=True)
def children(table, found, width, kind, share, weight, moments, w):
    """Put the clouds of N independent children of each cloud into a table.

    Multisets are gone through in lexicographic order of their nondecreasing sequences; what a
    beginning has gathered serves all sequences that share it. The first j + 1 children, as a
    multiset, have the chance of the first j times that of the last one times (j + 1)/r, where r
    counts how often that one stands at the end.

    Parameters
    ----------
    table, found
        As in `insert`.
    width, kind, share
        What `mix` returns.
    weight : (T,) array
        Of each kind of children.
    moments : (3, C) array
        P(cloud), E[W 1{cloud}] and E[W^2 1{cloud}] of the parents.
    w : (C,) or (0,) array
        W of the parents.

    Returns
    -------
    table : tuple of arrays
        Without the clouds whose weights are all zero.
    found : int
    """
    slots, hashes, known, sums = table
    n, own, digits = known.shape[1], 0.0, 0.0
    place, run = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    linear = in_range(share, n)
    chances, totals = np.ones(n + 1), np.zeros(n + 1)
    row, begun = np.empty(n, dtype=np.int32), np.full(n + 1, FACTOR)
    begin = 0
    for c in range(width.size):
        end = begin + width[c]
        if found + _ways(width[c], n) > hashes.size:
            table = _with_room(table, found, found + _ways(width[c], n))
            slots, hashes, known, sums = table
        place[:] = begin
        fresh = 0
        while fresh >= 0:
            for j in range(fresh, n):
                i = place[j]
                run[j] = run[j - 1] + 1 if j > 0 and place[j - 1] == i else 1
                chances[j + 1] = chances[j] * (share[i] * (j + 1) / run[j])
                totals[j + 1] = totals[j] + weight[kind[i]]
                row[j] = kind[i]
                begun[j + 1] = _hashed(begun[j], row[j])
            mean, p = totals[n] / n, chances[n] if linear else chance_of(place, share)
            value = begun[n]
            if mean > 0 and p > 0:
                if sums.shape[1] > 3:
                    own = w[c] * mean
                    digits = _digits(own)
                    value = _hashed(value, np.int64(digits))
                g = _place(slots, hashes, known, sums, found, row, value, own, digits)
                found += g == found
                sums[g, 0] += moments[0, c] * p
                sums[g, 1] += moments[1, c] * p * mean
                sums[g, 2] += moments[2, c] * p * mean * mean
            fresh = n - 1
            while fresh >= 0 and place[fresh] == end - 1:
                fresh -= 1
            if fresh >= 0:
                place[fresh:] = place[fresh] + 1
        begin = end
    return table, found


@njit(cache=True, nogil=True)
def in_range(share, n):
    """Tell whether no product of N of these chances leaves the range of floats."""
    return share.size == 0 or n * np.log(share.min()) > LEAST


@njit(cache=True, nogil=True)
def chance_of(place, share):
    """Chance of a multiset of children whose beginnings may have chances below all floats.

    Parameters
    ----------
    place : (N,) int array
        It, as a nondecreasing sequence of indices of `share`.
    share : array
        Chances of the kinds.
    """
    chance, scaled, run = 1.0, 0, 0
    for j in range(place.size):
        run = run + 1 if j > 0 and place[j - 1] == place[j] else 1
        chance *= share[place[j]] * (j + 1) / run
        if 0.0 < chance < 1 / SCALE:
            chance *= SCALE
            scaled += 1
        elif scaled > 0 and chance > 1.0:
            chance /= SCALE
            scaled -= 1
    for _ in range(scaled):
        chance /= SCALE
    return chance


@njit(cache=True, nogil=True)
def _ways(kinds, n):
    """Count the multisets of n over so many kinds."""
    out = 1
    for i in range(1, n + 1):
        out = out * (kinds - 1 + i) // i
    return out


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
