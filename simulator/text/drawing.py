"""Draws from rows of log-probabilities, one a row or from all rows at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.typing import Floats, Ints

__all__ = ["WAIT", "Cells", "Drawn", "chosen", "find_cells", "normalised", "pick_token", "powers"]

WAIT = -1  # the token of a row that does not move
FEW = 65_536  # numbers


class Drawn(NamedTuple):
    """Tokens that were drawn.

    Parameters
    ----------
    tokens : (m,) int array
        One a row that was asked for.
    log_probs, log_proposal : (m,) arrays
        Of the tokens: log M, and log q of what they were drawn from.
    """

    tokens: Ints
    log_probs: Floats
    log_proposal: Floats


class Cells(NamedTuple):
    """Cells (row, token) of a line, where points lie.

    Parameters
    ----------
    rows, tokens : (m,) int arrays
        Of the cell of each point.
    log_probs : (m,) array
        log M(token | text of the row).
    low, high : (m,) arrays
        Where the cell begins and ends on the line.
    """

    rows: Ints
    tokens: Ints
    log_probs: Floats
    low: Floats
    high: Floats


def powers(log_probs: Floats, power: float) -> Floats:
    """Return log q, q ∝ p^power, of each row.

    Parameters
    ----------
    log_probs : (n, V) array
        log p, rows of probabilities that sum to 1.
    power : float
        > 0.

    Returns
    -------
    (n, V) array
        The same array if the power is 1.
    """
    return log_probs if power == 1 else normalised(power * log_probs)


def normalised(log_q: Floats) -> Floats:
    """Make rows laws.

    Parameters
    ----------
    log_q : (n, V) array
        Logs of masses, not all 0 in a row.

    Returns
    -------
    (n, V) array
    """
    return np.asarray(log_q - np.logaddexp.reduce(log_q, axis=1)[:, None])


def pick_token(log_probs: Floats, uniforms: Floats) -> Ints:
    """Draw one token a row by inversion: the first whose cumulative probability exceeds u.

    Parameters
    ----------
    log_probs : (n, V) array
        Rows of probabilities, not all 0.
    uniforms : (n,) array
        In [0, 1).

    Returns
    -------
    (n,) int array
        Never one of probability 0.

    Examples
    --------
    >>> pick_token(np.log([[0.5, 0.5], [0.25, 0.75]]), np.array([0.49, 0.25])).tolist()
    [0, 1]
    """
    n, v = log_probs.shape
    out = np.empty(n, dtype=np.int64)
    step = max(1, FEW // v)
    for i in range(0, n, step):  # a few rows at a time stay in the processor's cache
        p = np.exp(log_probs[i : i + step])
        cumulative = np.cumsum(p, axis=1)
        mark = uniforms[i : i + step] * cumulative[:, -1]
        found = (cumulative <= mark[:, None]).sum(axis=1)
        last = v - 1 - np.argmax(p[:, ::-1] > 0, axis=1)
        out[i : i + step] = np.minimum(found, last)
    return out


def find_cells(
    log_probs: Floats, mass: Floats, points: Floats, *, token_first: bool = False
) -> Cells:
    """Find points on the line of all cells (row, token); see `Session.locate`.

    Parameters
    ----------
    log_probs : (n, V) array
        log M of every row.
    mass : (n,) array
        Of each row, >= 0.
    points : (m,) array
        Between 0 and the sum of the masses.
    token_first : bool, optional
        Whether cells are ordered by token and then row, not by row and then token.

    Returns
    -------
    Cells

    Examples
    --------
    Two rows of mass 1/2 over two tokens: cells of .25, .25, .125, .375.

    >>> log_probs = np.log([[0.5, 0.5], [0.25, 0.75]])
    >>> cells = find_cells(log_probs, np.array([0.5, 0.5]), np.array([0.3, 0.6, 0.99]))
    >>> cells.rows.tolist(), cells.tokens.tolist(), cells.high.tolist()
    ([0, 1, 1], [1, 0, 1], [0.5, 0.625, 1.0])
    """
    q = mass[:, None] * np.exp(log_probs)
    line = (q.T if token_first else q).ravel()
    ends = np.cumsum(line)
    at = np.minimum(np.searchsorted(ends, points, side="right"), np.flatnonzero(line)[-1])
    rows, tokens = np.divmod(at, q.shape[1])
    if token_first:
        tokens, rows = np.divmod(at, q.shape[0])
    low = np.where(at > 0, ends[at - 1], 0.0)
    return Cells(rows, tokens, log_probs[rows, tokens], low, ends[at])


def chosen(log_probs: Floats, tokens: Ints) -> Floats:
    """Pick each row's token, and 0 for a row that waits.

    Parameters
    ----------
    log_probs : (n, V) array
        A table.
    tokens : (n,) int array
        With `WAIT` for rows that wait.

    Returns
    -------
    (n,) array
    """
    picked = log_probs[np.arange(tokens.size), np.maximum(tokens, 0)]
    return np.where(tokens == WAIT, 0.0, picked)
