"""Resampling in fractions: slots that choose parents independently, given what is drawn first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TypeAlias

from simulator.errors import InputError

__all__ = ["Law", "rational_slots"]

Law: TypeAlias = dict[int, Fraction]

ZERO, ONE = Fraction(0), Fraction(1)


def rational_slots(scheme: str, share: list[Fraction]) -> list[tuple[Fraction, list[Law]]]:
    """Return how children choose their parents; `simulator.resampling.slots` in fractions.

    Parameters
    ----------
    scheme : str
        A name of `simulator.resampling.schemes.SCHEMES`.
    share : list of N Fractions
        Normalised weights in particle order.

    Returns
    -------
    list of (Fraction, list of N dicts)
        Probability of each component, and the law of the parent of each child in it.

    Raises
    ------
    InputError
        If the scheme is not known.

    Examples
    --------
    >>> from fractions import Fraction
    >>> weights = [Fraction(3, 4), Fraction(1, 4)]
    >>> for chance, slots in rational_slots("systematic", weights):
    ...     print(chance, [list(law) for law in slots])
    1/2 [[0], [0]]
    1/2 [[0], [1]]
    """
    n = len(share)
    drawn = {i: w for i, w in enumerate(share) if w > 0}
    if scheme == "multinomial":
        return [(ONE, [drawn] * n)]
    if scheme == "single":
        return [(w, [{i: ONE}] * n) for i, w in drawn.items()]
    if scheme == "stratified":
        return [(ONE, _strata(share))]
    if scheme == "residual":
        whole = [math.floor(n * w) for w in share]
        rest = {
            i: n * w - k for i, (w, k) in enumerate(zip(share, whole, strict=True)) if n * w > k
        }
        left = sum(rest.values(), ZERO)
        fixed: list[Law] = [{i: ONE} for i, k in enumerate(whole) for _ in range(k)]
        return [(ONE, fixed + [{i: w / left for i, w in rest.items()} for _ in range(int(left))])]
    if scheme == "killing":
        top = max(share)
        return [(ONE, [_kept(i, w / top, drawn) for i, w in enumerate(share)])]
    if scheme == "systematic":
        return [(high - low, _at(share, (low + high) / 2)) for low, high in _intervals(share)]
    if scheme == "ssp":
        return [(chance, [{i: ONE} for i, k in enumerate(counts) for _ in range(k)])
                for counts, chance in _settle([n * w for w in share])]  # fmt: skip
    raise InputError(f"resampling: {scheme!r} is not known in fractions")


def _kept(i: int, survival: Fraction, drawn: Law) -> Law:
    """Killing: a particle stays with a chance, else it is drawn anew."""
    law = {j: (1 - survival) * w for j, w in drawn.items()} if survival < 1 else {}
    law[i] = law.get(i, ZERO) + survival
    return {j: p for j, p in law.items() if p > 0}


def _upper(share: list[Fraction]) -> list[Fraction]:
    return [len(share) * c for c in accumulate(share)]


def _strata(share: list[Fraction]) -> list[Law]:
    """Stratified: the parents of positions in [k, k+1) of the cumulated N W."""
    upper = _upper(share)
    lower = [ZERO, *upper[:-1]]
    laws = []
    for k in range(len(share)):
        overlap = {
            i: min(b, Fraction(k + 1)) - max(a, Fraction(k))
            for i, (a, b) in enumerate(zip(lower, upper, strict=True))
        }
        laws.append({i: p for i, p in overlap.items() if p > 0})
    return laws


def _intervals(share: list[Fraction]) -> Iterator[tuple[Fraction, Fraction]]:
    """Systematic: intervals of the uniform on which the parents do not change."""
    return pairwise(sorted({ZERO, ONE, *(u - math.floor(u) for u in _upper(share))}))


def _at(share: list[Fraction], uniform: Fraction) -> list[Law]:
    upper = _upper(share)
    return [
        {next(i for i, u in enumerate(upper) if uniform + k < u): ONE} for k in range(len(share))
    ]


def _settle(shares: list[Fraction]) -> Iterator[tuple[list[int], Fraction]]:
    """SSP: the first two numbers that are not whole trade until one of them is."""
    broken = [i for i, s in enumerate(shares) if s.denominator > 1]
    if not broken:
        yield [int(s) for s in shares], ONE
        return
    i, j = broken[:2]
    up, down = shares[i] % 1, shares[j] % 1
    rise, fall = min(1 - up, down), min(up, 1 - down)
    for step, chance in ((rise, fall / (rise + fall)), (-fall, rise / (rise + fall))):
        moved = list(shares)
        moved[i] += step
        moved[j] -= step
        for counts, p in _settle(moved):
            yield counts, chance * p
