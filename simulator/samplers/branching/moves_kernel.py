"""Draw a move of SMC-IND and VGB; see `simulator.samplers.branching.moves`."""

from __future__ import annotations

from numba import njit

__all__ = ["draw_move"]


@njit(cache=True, nogil=True)
def draw_move(below, u):
    """Return the token of the move that u in [0, 1) stands for, or A for "parent".

    Parameters
    ----------
    below : (A,) array
        A row of `MoveTables.below`.
    u : float

    Returns
    -------
    int
        Never a token of probability zero.
    """
    low, high = 0, below.size
    while low < high:
        middle = (low + high) // 2
        if below[middle] > u:
            high = middle
        else:
            low = middle + 1
    return low
