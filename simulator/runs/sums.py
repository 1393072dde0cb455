"""Sums of floats without rounding, so that parts may be merged in any order and grouping."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError

__all__ = ["exact_sum"]


def exact_sum(values: npt.ArrayLike) -> Fraction:
    """Add floats exactly.

    A float is a whole number of 53 bits times a power of two. The whole numbers are added for
    each power apart, in two halves that cannot overflow.

    Parameters
    ----------
    values : (n,) array
        Finite floats, fewer than 2^31.

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
    mantissa, exponent = np.frexp(x)
    whole = np.ldexp(mantissa, 53).astype(np.int64)
    total = Fraction(0)
    for e in np.unique(exponent):
        part = whole[exponent == e]
        high, low = int((part >> 32).sum()), int((part & 0xFFFFFFFF).sum())
        total += ((high << 32) + low) * Fraction(2) ** (int(e) - 53)
    return total
