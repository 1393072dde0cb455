r"""Pivotal sampling on a line of cells, stratum by stratum (Chauvet 2012): two uniforms a hit.

The line is as long as the number of hits. What is carried over the end of a stratum stands at the
beginning of the next. Among all that lies wholly in a stratum one survives, in proportion to
length; it then meets the cell that crosses the stratum's end: one of them is hit, or takes the sum
along, with chances that keep means. The law is that of settling cell by cell, but only two cells of
each stratum need be found: so a device can search where the probabilities are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

from simulator.streams.plain import Xoshiro
from simulator.typing import Floats

__all__ = ["Stratum", "hits_of", "strata", "survivor_points"]

Cell = TypeVar("Cell")
Winner = Literal["survivor", "border", "none"]


class Stratum(NamedTuple):
    """What has been decided where a stratum, or a run of strata with one border cell, ends.

    Parameters
    ----------
    point : float or None
        Where the cell lies that survives; None if it is what was carried here.
    border : int
        Which end of a stratum its border cell crosses, 1, 2, ...; 0 if none does.
    whole : int
        Hits that the border cell gets for certain.
    hit : {"survivor", "border", "none"}
        Which of them gets one more hit.
    carried : {"survivor", "border"}
        Which of them is carried on.
    """

    point: float | None
    border: int
    whole: int
    hit: Winner
    carried: Winner


def strata(top: float, low: Floats, high: Floats, rng: Xoshiro) -> list[Stratum]:
    """Decide all that does not depend on which cells they are.

    Parameters
    ----------
    top : float
        Length of the line.
    low, high : arrays
        Where the cells on which 1, 2, ... fall begin and end, in hits.
    rng : Xoshiro
        The run's stream.

    Returns
    -------
    list of Stratum
    """
    out: list[Stratum] = []
    start = floor = 0.0  # start - floor is the length of what is carried
    while floor < top:
        stop, border = top, 0
        if floor + 1 < top:
            stop = floor + 1
            border = int(stop)
        begin = min(stop, float(low[border - 1])) if border else stop
        border = border if begin < stop else 0
        size = begin - floor
        point = None
        if size > 0:
            x = floor + rng.uniform() * size
            if x >= start and start < begin:
                point = x if x < begin else start
        if not border:
            out.append(Stratum(point, 0, 0, "survivor", "survivor"))
            start = floor = stop
            continue
        end = float(high[border - 1])
        floor, whole = float(math.floor(end)), math.floor(end - begin)
        part = end - begin - whole
        hit: Winner = "none"
        carried: Winner = "survivor"
        if size == 0:
            carried = "border"
        elif part > 0:
            u = rng.uniform()
            if size + part - (end - floor) < 0.5:  # one of the two takes the sum along
                carried = "border" if u * (size + part) < part else "survivor"
            elif u * (2 - size - part) < 1 - part:
                hit, carried = "survivor", "border"
            else:
                hit = "border"
        out.append(Stratum(point, border, whole, hit, carried))
        start = end
    return out


def survivor_points(settled: Sequence[Stratum]) -> list[float]:
    """List where the survivors lie that were not carried.

    Parameters
    ----------
    settled : sequence of Stratum
        What `strata` has returned.

    Returns
    -------
    list of float
        In hits.
    """
    return [s.point for s in settled if s.point is not None]


def hits_of(
    settled: Sequence[Stratum], survivors: Sequence[Cell], borders: Sequence[Cell]
) -> list[tuple[Cell, int]]:
    """Say which cells are hit.

    Parameters
    ----------
    settled : sequence of Stratum
        What `strata` has returned.
    survivors : sequence
        Cells at the points of `survivor_points`.
    borders : sequence
        Cells on which 1, 2, ... fall.

    Returns
    -------
    list of (cell, int)
        How often; a cell may occur more than once.
    """
    out: list[tuple[Cell, int]] = []
    found, carried = iter(survivors), None
    for s in settled:
        survivor = carried if s.point is None else next(found)
        border = borders[s.border - 1] if s.border else None
        chosen = {"survivor": survivor, "border": border, "none": None}
        for cell, hits in ((border, s.whole), (chosen[s.hit], 1)):
            if cell is not None and hits:
                out.append((cell, hits))
        carried = chosen[s.carried]
    return out
