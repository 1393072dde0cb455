"""Rows of numbers as users give them: tables, and rows of probabilities that sum to 1."""

from __future__ import annotations

import numpy as np

from simulator.checks import is_real
from simulator.errors import InputError
from simulator.typing import Floats

__all__ = ["as_matrix", "probability_rows"]

ROUNDING = 1e-14  # of a sum, for each entry
ROW_SUM_TOLERANCE = 1e-9
NORMALISE_TOLERANCE = 1e-3


def probability_rows(
    raw: object, where: str, what: str = "probs", *, normalise: bool = False
) -> tuple[Floats, float]:
    """Read rows of probabilities and divide each by its sum.

    Parameters
    ----------
    raw : object
        A list of rows, or a two-dimensional array.
    where, what : str
        What messages call the place and the table.
    normalise : bool, optional
        Whether sums may be off by 1e-3, not only by 1e-9.

    Returns
    -------
    rows : (S, A) array
        Read-only.
    largest_change : float
        Largest distance of a sum from 1, as given.

    Raises
    ------
    InputError
        If a row is no law; the line names place and row.

    Examples
    --------
    >>> rows, change = probability_rows([[0.33, 0.6699]], "stage 0", normalise=True)
    >>> f"{rows.sum():.12f}", f"{change:.1g}"
    ('1.000000000000', '0.0001')
    """
    p = as_matrix(raw, where, what)
    if p.size == 0:
        raise InputError(f"{where}: {what} is empty")
    bad = ~np.isfinite(p) | (p < 0)
    if bad.any():
        row, col = (int(i) for i in np.argwhere(bad)[0])
        raise InputError(f"{where}, row {row}: probability {p[row, col]} is negative or not finite")
    total = p.sum(axis=1)
    off = np.abs(total - 1)
    rounding = ROUNDING * p.shape[1]
    far = off > (NORMALISE_TOLERANCE + rounding if normalise else ROW_SUM_TOLERANCE)
    if far.any():
        row = int(np.argmax(far))
        line = f"{where}, row {row}: probabilities sum to {total[row]:.12g}, not 1"
        if normalise:
            line += f", which is more than {NORMALISE_TOLERANCE:g} off"
        elif (off <= NORMALISE_TOLERANCE + rounding).all():
            line += "; normalise=True (--normalise) divides rows by their sums"
        raise InputError(line)
    if (off > rounding).any():
        p = p / total[:, None]
    p.flags.writeable = False
    return p, float(off.max())


def as_matrix(raw: object, where: str, what: str) -> Floats:
    """Return `raw` as a fresh two-dimensional float array, or say which row is at fault."""
    if isinstance(raw, np.ndarray) and raw.dtype.kind not in "iuf":
        raw = raw.tolist()  # booleans, strings and objects are judged one by one
    if isinstance(raw, np.ndarray):
        if raw.ndim != 2:
            raise InputError(f"{where}: {what} has {raw.ndim} dimensions, not 2")
        return np.array(raw, dtype=np.float64)
    if not isinstance(raw, (list, tuple)):
        raise InputError(f"{where}: {what} is not a table of numbers")
    if not raw:
        raise InputError(f"{where}: {what} is empty")
    rows = [_row(line, f"{where}, row {row}", what) for row, line in enumerate(raw)]
    for row, line in enumerate(rows):
        if line.size != rows[0].size:
            raise InputError(
                f"{where}, row {row}: {what} has {line.size} entries, row 0 has {rows[0].size}"
            )
    return np.stack(rows)


def _row(line: object, where: str, what: str) -> Floats:
    if isinstance(line, np.ndarray) and (line.dtype.kind not in "iuf" or line.ndim != 1):
        line = line.tolist()
    if isinstance(line, np.ndarray):
        return line.astype(np.float64)
    if not isinstance(line, (list, tuple)):
        raise InputError(f"{where}: {what} is not a list of numbers")
    for value in line:
        if not is_real(value):
            raise InputError(f"{where}: {what} holds {value!r:.60}, not a number")
    try:
        return np.array(line, dtype=np.float64)
    except OverflowError:
        raise InputError(f"{where}: {what} holds a number beyond the range of floats") from None
