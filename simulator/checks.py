"""Range checks of arguments, told in one line: one each for whole numbers, numbers and choices."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from simulator.errors import InputError

__all__ = [
    "check_auto",
    "check_choice",
    "check_file",
    "check_int",
    "check_real",
    "is_int",
    "is_real",
    "reading",
]

MOST = 2**31 - 1


def is_int(value: object) -> bool:
    """Whether a value is a whole number by its type; True and False are not."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Whether a value is a number by its type; True and False are not."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, (bool, complex))


def check_int(name: str, value: object, least: int, most: int | None = None) -> None:
    """Refuse anything but a whole number from `least` to `most`, by default 2^31 - 1.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        The argument.
    least, most : int
        Ends of the range, both allowed.

    Raises
    ------
    InputError
        If it is not; the line names the argument and its range.
    """
    fine = is_int(value) and value >= least  # type: ignore[operator]
    if most is not None and not (fine and value <= most):  # type: ignore[operator]
        raise InputError(f"{name}: {value!r} is not a whole number from {least} to {most}")
    if not fine:
        raise InputError(f"{name}: {value!r} is not a whole number >= {least}")
    if most is None and value > MOST:  # type: ignore[operator]
        raise InputError(f"{name}: {value} is larger than {MOST}")


def check_real(
    name: str,
    value: object,
    least: float,
    most: float = math.inf,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Refuse anything but a finite number in a range.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        The argument.
    least, most : float
        Ends of the range.
    above, below : bool, optional
        Whether the lower and the upper end are left out.

    Raises
    ------
    InputError
        If it is not; the line names the argument and its range.
    """
    fine = is_real(value) and bool(np.isfinite(value))  # type: ignore[call-overload]
    fine = fine and (value > least if above else value >= least)  # type: ignore[operator]
    fine = fine and (value < most if below else value <= most)  # type: ignore[operator]
    if fine:
        return
    where = f"{'>' if above else '>='} {least:g}"
    if most < math.inf:
        where = f"in {'(' if above else '['}{least:g}, {most:g}{')' if below else ']'}"
    raise InputError(f"{name}: {value!r} is not a number {where}")


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Refuse anything but one of the known words.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        The argument.
    known : iterable of str
        The words.

    Raises
    ------
    InputError
        If it is not; the line names all that are.
    """
    words = tuple(known)
    if not isinstance(value, str) or value not in words:
        verb = "are" if len(words) > 1 else "is"
        raise InputError(f"{name}: {value!r} is not known, only {', '.join(words)} {verb}")


def check_auto(name: str, value: object, least: float) -> None:
    """Refuse anything but "auto" or a finite number of at least `least`.

    Parameters
    ----------
    name : str
        What the message calls the argument.
    value : object
        The argument.
    least : float
        0 itself is refused.

    Raises
    ------
    InputError
        If it is not.
    """
    if isinstance(value, str) and value == "auto":
        return
    if not (is_real(value) and 0 < value < math.inf and value >= least):  # type: ignore[operator]
        what = f">= {least:g}" if least > 0 else "> 0"
        raise InputError(f'{name}: {value!r} is neither "auto" nor a finite number {what}')


def check_file(path: Path) -> None:
    """Refuse what is there but is no regular file: reading a pipe, say, could wait for ever.

    Parameters
    ----------
    path : Path
        A path to read from; that it is missing is told where it is opened.

    Raises
    ------
    InputError
        If it is a folder, a pipe or a device, or no file can have its name.
    """
    if "\0" in str(path):
        raise InputError(f"{str(path)!r}: no file has such a name")
    try:
        if path.is_dir():
            raise InputError(f"{path}: Is a directory")
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: not a regular file")
    except OSError as fault:
        raise InputError(f"{path}: {fault.strerror or 'cannot be read'}") from None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell in one line, with its name, why a file cannot be read; first see `check_file`.

    Parameters
    ----------
    path : Path
        What is read within the context.

    Raises
    ------
    InputError
        If it is missing, is no file, cannot be opened or is not UTF-8 text.

    Examples
    --------
    >>> with reading(Path("missing.txt")):
    ...     Path("missing.txt").read_text()
    Traceback (most recent call last):
        ...
    simulator.errors.InputError: missing.txt: no such file
    """
    check_file(path)
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except OSError as fault:
        raise InputError(f"{path}: {fault.strerror or 'cannot be read'}") from None
