"""Sums of floats without rounding, so that parts may be merged in any order and grouping."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError

__all__ = ["exact_sum"]

MOST = 2**20  # terms that are added at a time


def exact_sum(values: npt.ArrayLike) -> Fraction:
    """Add floats exactly.

    A float is a whole number of 53 bits times a power of two. The whole numbers are added for
    each power apart, in two halves whose sums are whole numbers below 2^53, so floats add them
    exactly.

    Parameters
    ----------
    values : (n,) array
        Finite floats.

    Returns
    -------
    Fraction
        Its denominator is a power of two.

    Raises
    ------
    InputError
        If a value is not finite.

    Examples
    --------
    >>> exact_sum([0.5, 1e300, -1e300, 2.0**-1074]) == Fraction(1, 2) + Fraction(1, 2**1074)
    True
    """
    x = np.asarray(values, dtype=np.float64)
    if not np.isfinite(x).all():
        raise InputError("a sum has a term beyond the range of floats")
    total = Fraction(0)
    for begin in range(0, x.size, MOST):
        mantissa, exponent = np.frexp(x[begin : begin + MOST])
        whole = np.ldexp(mantissa, 53).astype(np.int64)
        least = int(exponent.min())
        at = exponent - least
        high, low = np.bincount(at, whole >> 32), np.bincount(at, whole & 0xFFFFFFFF)
        for e in np.flatnonzero(np.bincount(at)):
            part = (int(high[e]) << 32) + int(low[e])
            total += part * Fraction(2) ** (least + int(e) - 53)
    return total
