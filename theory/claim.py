"""What a registered claim is: a statement with its evidence; theory/claims holds one a file.

A `Bound` speaks of D_TV of one sampler on one problem. A claim speaks of anything else: an
identity, a law, the shape of an asymptotic statement. It is checked on instances that it names.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypedDict

from theory.statement import named_after
from theory.status import TOLERANCE, Status, compare

__all__ = ["Claim", "Evidence", "Row", "claim", "row", "weigh"]

Kind = Literal["upper", "lower", "exact", "shape"]


class Row(TypedDict):
    """One comparison: two numbers, and whether the relation holds; None if runs do not tell.

    Attributes
    ----------
    instance : str
        What the numbers belong to.
    quantity : str
        What is compared.
    left : float
        The computed number; of a measured one the limit that decides.
    relation : {"<", "<=", "=", ">=", ">"}
        What is claimed of left and right.
    right : float
        What it is compared with.
    holds : bool or None
        Whether the relation holds; None if runs do not tell.
    """

    instance: str
    quantity: str
    left: float
    relation: str
    right: float
    holds: bool | None


@dataclass(frozen=True)
class Evidence:
    """What was computed for a claim.

    Parameters
    ----------
    rows : tuple of Row
        The comparisons.
    status : {"holds", "violated", "inconclusive"}
        What `weigh` makes of the rows.
    sentence : str
        What the numbers say.
    """

    rows: tuple[Row, ...]
    status: Status
    sentence: str

    @property
    def holds(self) -> bool:
        """Whether every comparison holds."""
        return self.status == "holds"


@dataclass(frozen=True, eq=False)
class Claim:
    """A statement and how it is checked.

    Parameters
    ----------
    id : str
        Short name, such as "C.2".
    title : str
        What it is about, in a few words.
    reference : str
        Where it is stated or proved.
    kind : {"upper", "lower", "exact", "shape"}
        "shape": an asymptotic statement, of which the shape is checked at sizes in reach.
    statement : str
        What is claimed, as a line of plain text.
    function : callable
        Computes the evidence, given whether to be thorough; see `check`.
    latex : str, optional
        The statement for the report and the documentation: text with LaTeX between dollar signs;
        empty if `statement` must do.
    """

    id: str
    title: str
    reference: str
    kind: Kind
    statement: str
    function: Callable[[bool], Evidence]
    latex: str = ""

    def __post_init__(self) -> None:
        named_after(self, self.function)

    def check(self, thorough: bool = False) -> Evidence:
        """Compute both sides on the instances of the claim.

        Parameters
        ----------
        thorough : bool, optional
            More and larger instances; otherwise some seconds at most.

        Returns
        -------
        Evidence
            The same at each call.
        """
        return self.function(thorough)


def claim(
    *, id: str, title: str, reference: str, kind: Kind, statement: str, latex: str = ""
) -> Callable[[Callable[[bool], Evidence]], Claim]:
    """Make a `Claim` of the decorated function thorough -> Evidence.

    Parameters
    ----------
    id, title, reference : str
        As in `Claim`.
    kind : {"upper", "lower", "exact", "shape"}
        As in `Claim`.
    statement : str
        As in `Claim`.
    latex : str, optional
        As in `Claim`.

    Returns
    -------
    callable
        The decorator. `theory.registry` lists the claims of this project.
    """

    def make(function: Callable[[bool], Evidence]) -> Claim:
        return Claim(id, title, reference, kind, statement, function, latex)

    return make


def row(
    instance: str,
    quantity: str,
    left: float | tuple[float, float],
    relation: str,
    right: float,
    slack: float = TOLERANCE,
) -> Row:
    """Compare two numbers.

    Parameters
    ----------
    instance : str
        What the numbers belong to.
    quantity : str
        What is compared.
    left : float or (float, float)
        A number that was measured comes as its two limits; shown is the one that decides.
    relation : {"<", "<=", "=", ">=", ">"}
        "<" and ">" ask for a gap of more than `slack`.
    right : float
        What it is compared with.
    slack : float, optional
        Allowed for rounding, relative to numbers beyond 1.

    Returns
    -------
    Row

    Examples
    --------
    >>> row("coin", "error", 0.125, "<=", 0.25)["holds"]
    True
    >>> row("coin", "frequency", (0.1, 0.3), "<=", 0.2)["holds"] is None
    True
    """
    low, high = map(float, left if isinstance(left, tuple) else (left, left))
    worst, right = low if relation.startswith(">") else high, float(right)
    sizes = [abs(x) for x in (low, high, right) if math.isfinite(x)]
    status = compare(low, high, relation, right, right, slack * max(1.0, *sizes))
    return Row(
        instance=instance, quantity=quantity, left=worst, relation=relation, right=right,
        holds={"holds": True, "inconclusive": None, "violated": False}[status],
    )  # fmt: skip


def weigh(rows: list[Row], sentence: str) -> Evidence:
    """Make evidence of comparisons.

    Parameters
    ----------
    rows : list of Row
        The comparisons.
    sentence : str
        What the numbers say.

    Returns
    -------
    Evidence
        Violated if one comparison fails, inconclusive if one is not decided or there is none.
    """
    found = [r["holds"] for r in rows]
    status: Status = "holds"
    if False in found:
        status = "violated"
    elif None in found or not found:
        status = "inconclusive"
    return Evidence(tuple(rows), status, sentence)
