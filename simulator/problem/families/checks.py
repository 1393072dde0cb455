"""Range checks for the arguments of the families, told in one line."""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError, TooLargeError

__all__ = ["MAX_HORIZON", "MAX_LEAVES", "check_real", "check_tree_size", "check_whole"]

MAX_HORIZON = 10_000_000
MAX_LEAVES = 2**22


def check_whole(name: str, value: object, low: int, high: int = MAX_HORIZON) -> None:
    """Refuse anything but a whole number in [low, high].

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    low, high : int

    Raises
    ------
    InputError
        In one line that names the argument and its range.
    """
    fine = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not fine or not low <= value <= high:  # type: ignore[operator]
        raise InputError(f"{name}: {value!r} is not a whole number from {low} to {high}")


def check_real(
    name: str, value: object, low: float, high: float = np.inf, *, strict: bool = False
) -> None:
    """Refuse anything but a finite number in [low, high], or (low, high] if strict.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    low, high : float
    strict : bool, optional

    Raises
    ------
    InputError
        In one line that names the argument and its range.
    """
    fine = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not fine or not low <= value <= high or not np.isfinite(value) or (strict and value == low):  # type: ignore[operator,call-overload]
        most = "" if high == np.inf else f" and <= {high:g}"
        raise InputError(
            f"{name}: {value!r} is not a number {'>' if strict else '>='} {low:g}{most}"
        )


def check_tree_size(n_actions: int, horizon: int) -> None:
    """Refuse a full tree with too many leaves to store.

    Parameters
    ----------
    n_actions, horizon : int

    Raises
    ------
    TooLargeError
        If A^H passes `MAX_LEAVES`.
    """
    if n_actions > 1 and horizon * np.log(n_actions) > np.log(MAX_LEAVES):
        raise TooLargeError(
            f"a tree with {n_actions}^{horizon} leaves is too large, {MAX_LEAVES} is the limit"
        )
