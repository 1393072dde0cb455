"""Limits of the sizes of families."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_int
from simulator.errors import TooLargeError

__all__ = ["MAX_HORIZON", "MAX_LEAVES", "check_horizon", "check_tree_size"]

MAX_HORIZON = 10_000_000
MAX_LEAVES = 2**22


def check_horizon(value: object, least: int = 1, name: str = "horizon") -> None:
    """Refuse anything but a horizon that tables can be stored for.

    Parameters
    ----------
    value : object
        The argument.
    least : int, optional
        Smallest horizon that makes sense.
    name : str, optional
        What the message calls it.

    Raises
    ------
    InputError
        If it is not a whole number from `least` to `MAX_HORIZON`.
    """
    check_int(name, value, least, MAX_HORIZON)


def check_tree_size(n_actions: int, horizon: int) -> None:
    """Refuse a full tree with too many leaves to store.

    Parameters
    ----------
    n_actions, horizon : int
        A >= 1 and H >= 1.

    Raises
    ------
    TooLargeError
        If A^H passes `MAX_LEAVES`.
    """
    if n_actions > 1 and horizon * np.log(n_actions) > np.log(MAX_LEAVES):
        raise TooLargeError(
            f"a tree with {n_actions}^{horizon} leaves is too large, {MAX_LEAVES} is the limit"
        )
