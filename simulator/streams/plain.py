"""The generator of `simulator.streams.xoshiro` once more, in plain integers: the same stream."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Xoshiro"]

MASK = (1 << 64) - 1
TO_UNIT = 2.0**-53


class Xoshiro:
    """xoshiro256++ on four words.

    Parameters
    ----------
    words : sequence of four ints
        Starting state.

    Examples
    --------
    >>> g = Xoshiro([1, 2, 3, 4])
    >>> [g.word() for _ in range(4)]
    [41943041, 58720359, 3588806011781223, 3591011842654386]
    """

    def __init__(self, words: Sequence[int]) -> None:
        self.state = [int(w) for w in words]

    def word(self) -> int:
        """Return the next 64-bit word."""
        s0, s1, s2, s3 = self.state
        x = (s0 + s3) & MASK
        word = (((x << 23) | (x >> 41)) + s0) & MASK
        t = (s1 << 17) & MASK
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= t
        s3 = ((s3 << 45) | (s3 >> 19)) & MASK
        self.state = [s0, s1, s2, s3]
        return word

    def uniform(self) -> float:
        """Return the next number in [0, 1), of 53 bits."""
        return (self.word() >> 11) * TO_UNIT
