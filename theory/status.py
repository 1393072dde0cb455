"""THE rule that turns a statement and what was computed into a verdict; everything goes by it."""

from __future__ import annotations

from typing import Literal, TypeAlias, overload

import numpy as np
import numpy.typing as npt

__all__ = ["RELATIONS", "TOLERANCE", "Kind", "Status", "compare", "overall"]

Status: TypeAlias = Literal["holds", "violated", "inconclusive"]
Kind: TypeAlias = Literal["upper", "lower", "exact"]

TOLERANCE = 1e-10  # rounding of exact laws and bounds
RELATIONS: dict[str, str] = {"upper": "<=", "lower": ">=", "exact": "="}  # of the error to a bound


@overload
def compare(
    low: float,
    high: float,
    relation: str,
    bound_low: float,
    bound_high: float,
    slack: float = TOLERANCE,
) -> Status: ...
@overload
def compare(
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    relation: str,
    bound_low: npt.NDArray[np.float64],
    bound_high: npt.NDArray[np.float64],
    slack: float = TOLERANCE,
) -> npt.NDArray[np.str_]: ...
def compare(
    low: float | npt.NDArray[np.float64],
    high: float | npt.NDArray[np.float64],
    relation: str,
    bound_low: float | npt.NDArray[np.float64],
    bound_high: float | npt.NDArray[np.float64],
    slack: float = TOLERANCE,
) -> Status | npt.NDArray[np.str_]:
    """Compare a number in [low, high] with a bound in [bound_low, bound_high].

    It holds if it does for every number and bound within these limits, is violated if it does
    for none, and else what was computed does not tell. A bound or a number that is exact has
    equal limits.

    Parameters
    ----------
    low, high : float or array
        Limits of the number, for instance of D_TV(law of one output, pi*).
    relation : {"<=", ">=", "=", "<", ">"}
        What is claimed of number and bound; "<" and ">" ask for a gap of more than `slack`.
        `RELATIONS` has that of each kind of statement.
    bound_low, bound_high : float or array
        Limits of the bound.
    slack : float, optional
        Allowed for rounding.

    Returns
    -------
    {"holds", "violated", "inconclusive"}
        Or an array of them.

    Examples
    --------
    >>> compare(0.125, 0.125, "<=", 0.25, 0.25), compare(0.1, 0.3, "<=", 0.2, 0.2)
    ('holds', 'inconclusive')
    >>> compare(0.125, 0.125, RELATIONS["lower"], 0.2, 0.3)
    'violated'
    >>> compare(np.array([0.1, 0.3]), np.array([0.1, 0.4]), "<=", np.full(2, 0.2), np.full(2, 0.35))
    array(['holds', 'inconclusive'], dtype='<U12')
    """
    most, least = (high <= bound_low + slack, low <= bound_high + slack), (
        low >= bound_high - slack, high >= bound_low - slack,
    )  # fmt: skip
    sure, possible = {
        "<=": most,
        ">=": least,
        "=": (most[0] & least[0], most[1] & least[1]),
        "<": (high < bound_low - slack, low < bound_high - slack),
        ">": (low > bound_high + slack, high > bound_low + slack),
    }[relation]
    found = np.where(sure, "holds", np.where(possible, "inconclusive", "violated"))
    return found if found.ndim else str(found)  # type: ignore[return-value]


def overall(comparisons: int, undecided: int, violated: int) -> Status:
    """Sum up many comparisons of one statement.

    Parameters
    ----------
    comparisons, undecided, violated : int
        How many there are, are inconclusive and are violated.

    Returns
    -------
    {"holds", "violated", "inconclusive"}
        Violated if one is; inconclusive if none could be decided.

    Examples
    --------
    >>> overall(9, 2, 0), overall(9, 9, 0), overall(9, 2, 1)
    ('holds', 'inconclusive', 'violated')
    """
    if violated:
        return "violated"
    return "inconclusive" if undecided == comparisons else "holds"
