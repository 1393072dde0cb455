"""What a panel shows: numbers, tables, texts and drawings, as plain data for the browser."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from markdown_it import MarkdownIt

__all__ = ["Drawing", "Note", "Numbers", "Part", "Table", "Text", "markdown", "show"]

ROUNDING = 1e-12  # exact laws sum to 1 up to this
DIGITS = 5  # of coordinates
MARKDOWN = MarkdownIt()


def markdown(text: str) -> str:
    """Return Markdown as HTML."""
    return str(MARKDOWN.render(text))


def show(value: object) -> str:
    """Return a value as text; floats to four significant digits.

    Examples
    --------
    >>> show(0.16757619), show(float("inf")), show(12), show(None), show(1234567.0)
    ('0.1676', '∞', '12', '–', '1.235e+06')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if abs(value) < ROUNDING:
            return "0"
        return "∞" if value == math.inf else f"{value:.4g}"
    return str(value)


@dataclass(frozen=True)
class Part:
    """Something that a panel shows; its pieces are what a browser gets.

    An exported page keeps equal pieces once, however many settings have them.
    """

    kind: ClassVar[str]

    def pieces(self) -> list[Any]:
        """Return what can be written as JSON."""
        raise NotImplementedError

    def names(self) -> list[str]:
        """Return the names of what is drawn: of the pieces of a `Drawing` after the first."""
        return []


@dataclass(frozen=True)
class Text(Part):
    """Markdown that is read out when it changes."""

    kind = "text"
    text: str

    def pieces(self) -> list[Any]:
        """Return the HTML."""
        return [markdown(self.text)]


@dataclass(frozen=True)
class Note(Part):
    """A remark in small print, for instance on what is capped and why."""

    kind = "note"
    text: str

    def pieces(self) -> list[Any]:
        """Return the HTML."""
        return [markdown(self.text)]


@dataclass(frozen=True)
class Numbers(Part):
    """Named numbers; a program that reads the page finds each under its name.

    Attributes
    ----------
    caption : str
    values : mapping of str to object
        Floats are shown with four digits.
    """

    kind = "numbers"
    caption: str
    values: Mapping[str, object]

    def pieces(self) -> list[Any]:
        """Return caption, no heads of columns, and rows with names and values."""
        rows = [[name, show(value)] for name, value in self.values.items()]
        return [{"caption": self.caption, "head": [], "rows": rows}]


@dataclass(frozen=True)
class Table(Part):
    """Rows; cells are named "row: column" for who reads the page by program.

    Attributes
    ----------
    caption : str
    rows : sequence of mapping
        Of equal keys; the first column names the row.
    """

    kind = "table"
    caption: str
    rows: Sequence[Mapping[str, object]]

    def pieces(self) -> list[Any]:
        """Return caption, heads of columns and rows."""
        head = list(self.rows[0]) if self.rows else []
        rows = [[show(r[column]) for column in head] for r in self.rows]
        return [{"caption": self.caption, "head": head, "rows": rows}]


@dataclass(frozen=True)
class Drawing(Part):
    """What a chart draws now; the chart itself is fixed.

    Attributes
    ----------
    alt : str
        What is to be seen, with the numbers that matter.
    data : mapping of str to mapping of str to sequence
        Data sets of the chart, each as columns of equal length.
    chart : str, optional
        Which of the panel's charts; by default the one that is named like this part.
    """

    kind = "drawing"
    alt: str
    data: Mapping[str, Mapping[str, Sequence[object]]]
    chart: str = ""

    def pieces(self) -> list[Any]:
        """Return alternative and chart and, one by one, the data sets."""
        columns = [
            {name: [_short(x) for x in values] for name, values in table.items()}
            for table in self.data.values()
        ]
        return [{"alt": self.alt, "chart": self.chart}, *columns]

    def names(self) -> list[str]:
        """Return the names of the data sets."""
        return list(self.data)


def _short(value: object) -> object:
    """Return a coordinate with few digits; what is no finite number is left out by the chart."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
