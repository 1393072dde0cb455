"""Timing that survives a noisy machine: contestants take turns, ratios are taken within a round."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

__all__ = ["Contestant", "Spread", "race", "ratio", "speed"]

QUANTILES = (0.5, 0.1, 0.9)
LEAST = 0.05  # seconds that a contestant's turn takes at least


class Contestant(NamedTuple):
    """A call to be timed and how many particle steps it does."""

    call: Callable[[], object]
    steps: float


class Spread(NamedTuple):
    """Median, and the quantiles 0.1 and 0.9, over rounds."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 2 if self.median < 10 else 0
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


def race(
    contestants: Mapping[str, Contestant], rounds: int, least: float = LEAST
) -> dict[str, np.ndarray]:
    """Time each contestant once a round, after two calls that do not count.

    Parameters
    ----------
    least : float, optional
        Seconds; shorter calls are repeated, as the first after the others' turn finds none of its
        tables in the cache.

    Returns
    -------
    dict of (rounds,) arrays
        Seconds a particle step.
    """
    out = {name: np.empty(rounds) for name in contestants}
    times = {}
    for name, each in contestants.items():
        each.call()
        times[name] = max(1, math.ceil(least / max(_seconds(each.call, 1), 1e-9)))
    for k in range(rounds):
        for name, each in contestants.items():
            out[name][k] = _seconds(each.call, times[name]) / (times[name] * each.steps)
    return out


def _seconds(call: Callable[[], object], times: int) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begin


def ratio(a: np.ndarray, b: np.ndarray) -> Spread:
    """Spread over the rounds of ``a / b``: how many times slower a is than b.

    Parameters
    ----------
    a, b : (rounds,) arrays

    Examples
    --------
    >>> print(ratio(np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 2.0])))
    2.00 (2.00-2.80)
    """
    return Spread(*(float(q) for q in np.quantile(a / b, QUANTILES)))


def speed(seconds: np.ndarray) -> float:
    """Million particle steps a second, at the median round.

    Parameters
    ----------
    seconds : (rounds,) array
    """
    return float(1e-6 / np.median(seconds))
