"""All ways of putting N particles into K kinds, as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulator.errors import TooLargeError
from simulator.typing import Floats, Ints

__all__ = ["Compositions", "check_listable", "compositions", "multisets"]


MOST_ENTRIES = 3e7
LAST_FACTORIAL = 170  # in the range of floats


@dataclass(frozen=True)
class Compositions:
    """The multisets of size N over K kinds.

    Attributes
    ----------
    sequence : (M, N) int array
        Each multiset written as a nondecreasing sequence of kinds.
    counts : (M, K) float array
        How often each kind occurs.
    coefficient : (M,) array
        Multinomial coefficient N! / prod counts!; its logarithm if N > 170.
    """

    sequence: Ints
    counts: Floats
    coefficient: Floats

    def probability(self, log_share: Floats) -> Floats:
        """Probability of each multiset of N independent draws.

        Parameters
        ----------
        log_share : (G, K) array
            log of the chance of each kind.

        Returns
        -------
        (G, M) array
        """
        exponent = log_share @ self.counts.T
        if self.sequence.shape[1] > LAST_FACTORIAL:
            return np.exp(exponent + self.coefficient)
        return self.coefficient * np.exp(exponent)


@lru_cache(maxsize=64)
def compositions(kinds: int, size: int) -> Compositions:
    """List the multisets of `size` elements over `kinds` kinds.

    Parameters
    ----------
    kinds, size : int
        K >= 1 and N >= 0.

    Returns
    -------
    Compositions
        M = binom(K + N - 1, N) rows, in lexicographic order of `sequence`.

    Raises
    ------
    TooLargeError
        If the table would have more than 3 10^7 entries.

    Examples
    --------
    >>> table = compositions(2, 2)
    >>> table.sequence.tolist(), table.coefficient.tolist()
    ([[0, 0], [0, 1], [1, 1]], [1.0, 2.0, 1.0])
    """
    check_listable(kinds, size)
    sequence = np.zeros((1, 0), dtype=np.int64)
    last = np.zeros(1, dtype=np.int64)
    for _ in range(size):
        room = kinds - last
        row = np.repeat(np.arange(last.size), room)
        first = np.repeat(np.cumsum(room) - room, room)
        last = last[row] + np.arange(row.size) - first
        sequence = np.concatenate([sequence[row], last[:, None]], axis=1)
    counts = np.zeros((sequence.shape[0], kinds))
    for column in range(size):
        counts[np.arange(sequence.shape[0]), sequence[:, column]] += 1
    if size > LAST_FACTORIAL:
        from scipy.special import gammaln

        coefficient = gammaln(size + 1) - gammaln(counts + 1).sum(axis=1)
    else:
        factorial = np.array([math.factorial(n) for n in range(size + 1)], dtype=np.float64)
        coefficient = factorial[size] / factorial[counts.astype(np.int64)].prod(axis=1)
    for x in (sequence, counts, coefficient):
        x.flags.writeable = False
    return Compositions(sequence, counts, coefficient)


def check_listable(kinds: int, size: int) -> None:
    """Raise `TooLargeError` if the multisets would have more than 3 10^7 entries.

    Parameters
    ----------
    kinds, size : int
        K and N.
    """
    if multisets(kinds, size) * size > MOST_ENTRIES:
        raise TooLargeError(f"{size} particles in {kinds} kinds: too many multisets to list")


def multisets(kinds: float, size: int) -> float:
    """Count the multisets of `size` elements over `kinds` kinds, as a float.

    Parameters
    ----------
    kinds : float
        K, possibly beyond the range of integers worth listing.

    Returns
    -------
    float
        binom(K + N - 1, N); inf beyond 1e300.

    Examples
    --------
    >>> multisets(16, 4)
    3876.0
    """
    if kinds < 1:
        return 0.0 if size else 1.0
    out, few = 1.0, int(min(size, kinds - 1))
    for i in range(few):
        out *= (kinds + size - few + i) / (i + 1)
        if out > 1e300:
            return math.inf
    return round(out) + 0.0 if out < 2**52 else out
