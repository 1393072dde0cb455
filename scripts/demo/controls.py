"""What a reader moves: sliders, choices, buttons; each with the values that a page knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from simulator.errors import InputError

__all__ = ["Control", "Value", "again", "choice", "file", "player", "slider"]

Value = float | int | str
Kind = Literal["slider", "choice", "again", "player", "file"]


@dataclass(frozen=True)
class Control:
    """A control of a page.

    Attributes
    ----------
    name : str
        In addresses, and of the argument of the functions that read it.
    label : str
        Beside it.
    values : tuple
        What the running app computes; empty for a file.
    grid : tuple
        Those of them for which an exported page knows the numbers.
    default : float, int or str
        Of the grid.
    kind : {"slider", "choice", "again", "player", "file"}
        "again" is a button that goes to the next value, "player" a slider that can run by itself.
    """

    name: str
    label: str
    values: tuple[Value, ...]
    grid: tuple[Value, ...]
    default: Value
    kind: Kind

    def known(self, live: bool) -> tuple[Value, ...]:
        """Return the values that a page offers.

        Parameters
        ----------
        live : bool
            Whether it is the page of the running app, not an exported one.
        """
        return self.values if live else self.grid

    @staticmethod
    def text(value: Value) -> str:
        """Return a value as an address has it, and as JavaScript writes it."""
        return f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, text: str) -> Value:
        """Return the value that an address writes in this way.

        Raises
        ------
        InputError
            If it is none of `values`.

        Examples
        --------
        >>> slider("n", "Particles N", (1, 2, 4), 2).read("4")
        4
        >>> slider("n", "Particles N", (1, 2, 4), 2).read("3")
        Traceback (most recent call last):
            ...
        simulator.errors.InputError: n: '3' is not one of 1, 2, 4
        """
        for value in self.values:
            if self.text(value) == text:
                return value
        known = ", ".join(map(self.text, self.values[:20]))
        raise InputError(f"{self.name}: {text[:40]!r} is not one of {known}")


def slider(
    name: str,
    label: str,
    values: Sequence[Value],
    default: Value,
    grid: Sequence[Value] | None = None,
) -> Control:
    """Return a slider over numbers; without a grid an exported page knows all of them."""
    return _control(name, label, values, default, grid, "slider")


def choice(name: str, label: str, values: Sequence[str], default: str) -> Control:
    """Return a choice among a few texts."""
    return _control(name, label, values, default, None, "choice")


def again(name: str, label: str, exported: int) -> Control:
    """Return a button that takes the next of the seeds 1, 2, ...; then it begins anew.

    Parameters
    ----------
    exported : int
        How many of them an exported page knows.
    """
    return _control(name, label, range(1, 1000), 1, range(1, exported + 1), "again")


def player(name: str, label: str, last: int) -> Control:
    """Return a film of steps 0, 1, ..., last, to go through by hand or to play."""
    return _control(name, label, range(last + 1), 0, None, "player")


def file(name: str, label: str) -> Control:
    """Return a field to drop a file on; exported pages have nobody who could read it."""
    return Control(name, label, (), (), "", "file")


def _control(
    name: str,
    label: str,
    values: Sequence[Value],
    default: Value,
    grid: Sequence[Value] | None,
    kind: Kind,
) -> Control:
    exported = tuple(values if grid is None else grid)
    if default not in exported or not set(exported) <= set(values):
        raise ValueError(f"{name}: the default is of the grid, and the grid of the values")
    return Control(name, label, tuple(values), exported, default, kind)
