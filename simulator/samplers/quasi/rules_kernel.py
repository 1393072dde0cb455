"""The rules of quasi-SMC, compiled: from masses of cells to the few that are picked.

A rule picks random masses m >= 0 on at most N cells with E[m] = q; see
`simulator.samplers.quasi.rules`, whose functions consume the same draws.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.samplers.quasi.codes import ADAPTED, SLACK, STRATIFIED, SYSTEMATIC, THRESHOLD
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["settle"]


@njit(cache=True, nogil=True)
def _threshold(q, cells, n):
    """Return c with sum min(1, q/c) = n; 0 if at most n cells are not empty."""
    order = np.sort(q[:cells])[::-1]
    live, total = 0, 0.0
    for i in range(cells):
        if order[i] > 0.0:
            live += 1
    if live <= n:
        return 0.0
    rest = np.empty(cells)
    for i in range(cells - 1, -1, -1):
        total += order[i]
        rest[i] = total
    for kept in range(n):
        c = rest[kept] / (n - kept)
        if order[kept] < c:
            return c
    return order[n - 1]


@njit(cache=True, nogil=True)
def _lay_out(q, cells, unit, n, keep_large, mass, ends):
    """Fill `ends` with where each cell ends on the line, in units of a hit.

    With `keep_large`, cells of a unit or more keep their mass and have no share of the line.
    """
    x = 0.0
    for i in range(cells):
        mass[i] = 0.0
        if keep_large and q[i] >= unit * (1.0 - SLACK):
            mass[i] = q[i]
        else:
            x += q[i] / unit
        whole = np.round(x)
        ends[i] = whole if abs(x - whole) <= SLACK * n else x


@njit(cache=True, nogil=True)
def _first_beyond(ends, low, high, x):
    """First of the cells ``low..high-1`` that ends behind x; `high` if none does."""
    while low < high:
        middle = (low + high) // 2
        if ends[middle] > x:
            high = middle
        else:
            low = middle + 1
    return low


@njit(cache=True, nogil=True)
def _pivotal(ends, cells, unit, mass, s0, s1, s2, s3):
    """Settle the line stratum by stratum; see `simulator.samplers.quasi.rules.pivotal`."""
    top = ends[cells - 1]
    carrier, start, floor = -1, 0.0, 0.0  # start - floor is what the carrier brings with it
    first, cell = 0, 0  # of the stratum, and the one that crosses its end
    while floor < top:
        first, stop = cell, top
        if floor + 1.0 < top:
            stop = floor + 1.0
            while not ends[cell] > stop:
                cell += 1
        else:
            cell = cells
        low = stop
        if cell < cells:
            low = min(stop, ends[cell - 1] if cell > 0 else 0.0)
        size = low - floor
        if size > 0.0:
            r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            point = floor + to_unit(r) * size
            if point >= start and start < low:
                carrier = _first_beyond(ends, first, cell, point if point < low else start)
        if low == stop:  # no cell crosses the end of the stratum
            mass[carrier] += unit
            start = floor = stop
            continue
        high = ends[cell]
        floor = np.floor(high)
        whole = np.floor(high - low)
        part = high - low - whole
        mass[cell] += whole * unit
        if size == 0.0:
            carrier = cell
        elif part > 0.0:
            r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            u = to_unit(r)
            if size + part - (high - floor) < 0.5:  # one of the two brings the sum along
                if u * (size + part) < part:
                    carrier = cell
            elif u * (2.0 - size - part) < 1.0 - part:
                mass[carrier] += unit
                carrier = cell
            else:
                mass[cell] += unit
        start = high
    return s0, s1, s2, s3


@njit(cache=True, nogil=True)
def settle(rule, q, cells, n, mass, ends, s0, s1, s2, s3):
    """Fill ``mass[:cells]`` by a rule.

    Parameters
    ----------
    rule : int
        Of `simulator.samplers.quasi.codes.RULES`.
    q : (>= cells,) array
        Masses of the cells, in order; they sum to 1.
    cells, n : int
        Numbers of cells and of hits N.
    mass, ends : (>= cells,) arrays
        Filled; `ends` is scratch.
    s0, s1, s2, s3 : uint64
        State of the generator.

    Returns
    -------
    tuple of four uint64
        The state behind the draws.
    """
    unit = 1.0 / n
    if rule in (THRESHOLD, ADAPTED):
        size = n
        if rule == ADAPTED:
            mean = 0.0
            for i in range(cells):
                mean += min(1.0, q[i] * n)
            size = np.int64(np.floor(mean + SLACK * n))
            if mean - size > SLACK * n:
                r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                size += np.int64(to_unit(r) < mean - size)
        unit = _threshold(q, cells, size)
        if unit == 0.0:
            mass[:cells] = q[:cells]
            return s0, s1, s2, s3
    _lay_out(q, cells, unit, n, rule in (THRESHOLD, ADAPTED), mass, ends)
    if rule in (SYSTEMATIC, STRATIFIED):
        last = cells - 1
        while not q[last] > 0.0:
            last -= 1
        for i in range(last, cells):
            ends[i] = n
        u = 0.0
        if rule == SYSTEMATIC:
            r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            u = to_unit(r)
        i = 0
        for k in range(n):
            if rule == STRATIFIED:
                r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                u = to_unit(r)
            while not ends[i] > k + u:
                i += 1
            mass[i] += unit
        return s0, s1, s2, s3
    return _pivotal(ends, cells, unit, mass, s0, s1, s2, s3)
