"""Tables and numbers as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["Cell", "count", "file_of", "table"]

Cell = str | float | int


def count(n: int | None) -> str:
    r"""Write a whole number with thin spaces, and a dash for none.

    Examples
    --------
    >>> print(count(1234567))
    1\,234\,567
    """
    return "--" if n is None else f"{n:,}".replace(",", r"\,")


def table(
    columns: str, names: Sequence[str], rows: Iterable[Sequence[Cell]], head: str = "",
    *, digits: int,
) -> str:  # fmt: skip
    """Write a tabular; floats get so many digits.

    Parameters
    ----------
    columns : str
        Of the tabular.
    names : sequence of str
        Of the columns.
    rows : iterable of sequence
        Cells.
    head : str
        A line above the names.
    digits : int
        Behind the point.
    """
    lines = [rf"\begin{{tabular}}{{{columns}}}\toprule"]
    lines += [head] if head else []
    lines += [" & ".join(names) + r"\\\midrule"]
    for row in rows:
        cells = (f"{x:.{digits}f}" if isinstance(x, float) else str(x) for x in row)
        lines.append(" & ".join(cells) + r"\\")
    return file_of([*lines, r"\bottomrule\end{tabular}"])


def file_of(lines: Sequence[str]) -> str:
    """Join lines below one that says what made them.

    Parameters
    ----------
    lines : sequence of str
        LaTeX.
    """
    return "\n".join(["% made by scripts/reproduce/paper.py", *lines]) + "\n"
