r"""The rules of quasi-SMC: from masses of cells to the few that are picked, and their exact laws.

A cell is a pair (prefix, token) of mass q = W(prefix) pi_ref(token | prefix); masses sum to 1. A
rule picks random masses m >= 0 on at most N cells with E[m] = q, given the order of the cells:

* ``systematic``: points (u + k)/N, one uniform u; a cell gets 1/N a point;
* ``stratified``: points (u_k + k)/N, a uniform a stratum;
* ``pivotal``: a cell gets the whole hits that its N q holds for certain; of what is left, a
  carrier meets the next cell, and one of them takes the sum or is rounded up to a hit, with chances
  that keep means (Deville and Tille 1998; Srinivasan's sampling process, `resampling.ssp`);
* ``threshold``: cells of c or more keep their mass, the others are drawn by ``pivotal`` with mass c
  a hit, sum min(1, q/c) = N (Fearnhead and Clifford 2003): no cell is picked twice;
* ``adapted``: the same for M cells, M being as many as ``pivotal`` picks on average,
  sum min(1, N q), one of the two whole numbers around it with chances that keep the mean.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.cloud_steps import Clouds, Pool
from simulator.resampling.rounding import ROUNDING
from simulator.samplers.quasi.codes import SLACK
from simulator.samplers.quasi.strata import hits_of, strata, survivor_points
from simulator.streams.plain import Xoshiro
from simulator.typing import Floats, Ints

__all__ = ["MOST", "cells_of_adapted", "line", "outcomes", "settle", "snapped", "threshold"]

MOST = 1e6  # outcomes of one draw, about 100 MB


def threshold(q: Floats, n: int) -> float:
    """Return c with sum min(1, q/c) = n; 0 if at most n cells are not empty.

    Parameters
    ----------
    q : (cells,) array
        Masses, which sum to 1.
    n : int
        Number of cells to pick.

    Returns
    -------
    float

    Examples
    --------
    >>> threshold(np.array([0.5, 0.25, 0.25]), 2)
    0.5
    """
    large = np.sort(q)[::-1]
    if np.count_nonzero(large) <= n:
        return 0.0
    rest = np.cumsum(large[::-1])[::-1]
    for kept in range(n):
        c = float(rest[kept]) / (n - kept)
        if large[kept] < c:
            return c
    return float(large[n - 1])


def cells_of_adapted(q: Floats, n: int) -> tuple[int, float]:
    """Return how many cells "adapted" picks, and the probability of one more.

    Parameters
    ----------
    q : (cells,) array
        Masses, which sum to 1.
    n : int
        Number of particles N.

    Returns
    -------
    (int, float)

    Examples
    --------
    >>> cells_of_adapted(np.array([0.75, 0.125, 0.125]), 2)
    (1, 0.5)
    """
    mean = float(np.cumsum(np.minimum(1.0, q * n))[-1])
    least = math.floor(mean + SLACK * n)
    return least, mean - least if mean - least > SLACK * n else 0.0


def line(rule: str, q: Floats, n: int) -> tuple[float, Floats, Floats]:
    """Lay the cells end to end.

    Parameters
    ----------
    rule : str
        Name of the rule.
    q : (cells,) array
        Masses, which sum to 1.
    n : int
        Number of hits N.

    Returns
    -------
    unit : float
        Mass of a hit.
    kept : (cells,) array
        Masses that are kept for certain.
    ends : (cells,) array
        Where each cell ends on the line, in hits.
    """
    unit, large = 1.0 / n, np.zeros(q.size, dtype=np.bool_)
    if rule == "threshold":
        unit = threshold(q, n)
        if unit == 0:
            return unit, q.copy(), np.zeros(q.size)
        large = q >= unit * (1 - SLACK)
    ends = snapped(np.cumsum(np.where(large, 0.0, q / unit)), n)
    if rule in ("systematic", "stratified"):
        ends[np.flatnonzero(q)[-1] :] = n
    return unit, np.where(large, q, 0.0), ends


def snapped(ends: Floats, n: int) -> Floats:
    """Move ends of cells that are whole numbers but for rounding to these.

    Parameters
    ----------
    ends : array
        In hits.
    n : int
        Number of hits N.

    Returns
    -------
    array
    """
    whole = np.round(ends)
    return np.where(np.abs(ends - whole) <= SLACK * n, whole, ends)


def settle(rule: str, q: Floats, n: int, rng: Xoshiro) -> Floats:
    """Pick cells of a table; `simulator.samplers.quasi.rules_kernel.settle` draws the same.

    Parameters
    ----------
    rule : str
        Name of the rule.
    q : (cells,) array
        Masses, which sum to 1.
    n : int
        Number of hits N.
    rng : Xoshiro
        The run's stream.

    Returns
    -------
    (cells,) array
        Masses, of mean q.

    Examples
    --------
    >>> q = np.array([0.5, 0.3, 0.2])
    >>> settle("pivotal", q, 2, Xoshiro([1, 2, 3, 4])).tolist()
    [0.5, 0.5, 0.0]
    """
    if rule == "adapted":
        least, more = cells_of_adapted(q, n)
        if more:
            least += rng.uniform() < more
        return settle("threshold", q, least, rng)
    unit, mass, ends = line(rule, q, n)
    if rule in ("systematic", "stratified"):
        u = rng.uniform() if rule == "systematic" else 0.0
        points = [k + (u if rule == "systematic" else rng.uniform()) for k in range(n)]
        for cell in np.searchsorted(ends, points, side="right"):
            mass[cell] += unit
        return mass
    settled = strata(float(ends[-1]), *_borders(ends)[1:], rng)
    survivors = [_cell_at(ends, x) for x in survivor_points(settled)]
    for cell, hits in hits_of(settled, survivors, _borders(ends)[0]):
        mass[cell] += hits * unit
    return mass


def _cell_at(ends: Floats, x: float) -> int:
    return int(np.searchsorted(ends, x, side="right"))


def _borders(ends: Floats) -> tuple[list[int], Floats, Floats]:
    """Cells on which the ends 1, 2, ... of strata fall, and where these begin and end."""
    cells = [_cell_at(ends, k) for k in range(1, math.ceil(ends[-1]))]
    return cells, np.concatenate([[0.0], ends])[cells], ends[cells]


def outcomes(rule: str, q: Floats, n: int, most: float = MOST) -> tuple[Floats, Floats]:
    """List all that a rule can pick.

    Parameters
    ----------
    rule : str
        Name of the rule.
    q : (cells,) array
        Masses, which sum to 1.
    n : int
        Number of hits N.
    most : float, optional
        Largest number of outcomes, also on the way.

    Returns
    -------
    probability : (K,) array
        Positive, sums to 1.
    mass : (K, cells) array
        ``probability @ mass`` is q.

    Raises
    ------
    TooLargeError
        If there are more.

    Examples
    --------
    >>> probability, mass = outcomes("systematic", np.array([0.25, 0.75]), 2)
    >>> probability.tolist(), mass.tolist()
    ([0.5, 0.5], [[0.0, 1.0], [0.5, 0.5]])
    """
    if rule == "adapted":
        least, more = cells_of_adapted(q, n)
        chance, mass = outcomes("threshold", q, least, most)
        if not more:
            return chance, mass
        further, others = outcomes("threshold", q, least + 1, most)
        return np.concatenate([chance * (1 - more), further * more]), np.concatenate([mass, others])
    unit, kept, ends = line(rule, q, n)
    if unit == 0:
        return np.ones(1), kept[None]
    if rule == "systematic":
        chance, hits = _systematic(ends, n)
    elif rule == "stratified":
        chance, hits = _stratified(ends, n, most)
    else:
        chance, hits = _cell_by_cell(ends, np.diff(ends, prepend=0.0), most)
    hits, chance = _merged(hits, chance)
    return chance, kept + unit * hits


def _check_number(outcomes: int, most: float) -> None:
    if outcomes > most:
        raise TooLargeError(f"exact law: more than {most:.3g} outcomes of one draw of cells")


def _merged(rows: Ints, chance: Floats) -> tuple[Ints, Floats]:
    """Add up the chances of equal rows; they come in lexicographic order."""
    pool = Pool(rows.shape[1], False)
    pool.add(Clouds(rows, np.tile(chance, (3, 1))))
    found = pool.all()
    order = np.lexsort(found.rows.T[::-1])
    return found.rows[order].astype(np.int64), found.moments[0, order]


def _systematic(ends: Floats, n: int) -> tuple[Floats, Ints]:
    """One part of [0, 1) for each way in which the points can lie."""
    cuts = np.unique(np.concatenate([[0.0, 1.0], ends - np.floor(ends)]))
    width = np.diff(cuts)
    real = width > ROUNDING
    u = ((cuts[1:] + cuts[:-1]) / 2)[real]
    before = np.ceil(ends[None] - u[:, None])
    hits = np.diff(np.minimum(before, n), axis=1, prepend=0)
    return width[real] / width[real].sum(), hits.astype(np.int64)


def _stratified(ends: Floats, n: int, most: float) -> tuple[Floats, Ints]:
    """Stratum by stratum, equal counts merged."""
    chance, hits = np.ones(1), np.zeros((1, ends.size), dtype=np.int64)
    begins = np.concatenate([[0.0], ends[:-1]])
    for k in range(n):
        share = np.minimum(ends, k + 1) - np.maximum(begins, k)
        cells = np.flatnonzero(share > ROUNDING)
        share = share[cells] / share[cells].sum()
        _check_number(cells.size * chance.size, most)
        grown = np.repeat(hits[:, None], cells.size, axis=1)
        grown[:, np.arange(cells.size), cells] += 1
        hits, chance = _merged(grown.reshape(-1, ends.size), (chance[:, None] * share).ravel())
    return chance, hits


def _cell_by_cell(ends: Floats, size: Floats, most: float) -> tuple[Floats, Ints]:
    """Duels of a carrier with each cell in turn: another way to the law of `pivotal`."""
    chance, hits = np.ones(1), np.zeros((1, ends.size), dtype=np.int64)
    carrier = np.full(1, -1)
    x = 0.0  # what the carrier brings, the same in all branches
    for i in np.flatnonzero(size > 0).tolist():
        whole = math.floor(size[i] + SLACK)
        y = size[i] - whole
        hits[:, i] += whole
        if y <= SLACK:
            continue
        after = float(ends[i]) - math.floor(float(ends[i]) + SLACK)
        after = 0.0 if after <= SLACK else after
        if x == 0:
            carrier, x = np.full(chance.size, i), after
            continue
        up = x + y - after > 0.5
        stays = (1 - y) / (2 - x - y) if up else x / (x + y)
        _check_number(2 * chance.size, most)
        rows = np.arange(chance.size)
        won, lost = hits.copy(), hits.copy()
        if up:
            won[rows, carrier] += 1
            lost[:, i] += 1
        here = np.full(chance.size, i)
        carriers = np.concatenate([here, carrier] if up else [carrier, here])
        hits = np.concatenate([won, lost])
        chance = np.concatenate([chance * stays, chance * (1 - stays)])
        x = after
        carriers = carriers if x > 0 else np.full(carriers.size, -1)
        table, chance = _merged(np.column_stack([carriers, hits])[chance > 0], chance[chance > 0])
        carrier, hits = table[:, 0], table[:, 1:].copy()
    return chance, hits
