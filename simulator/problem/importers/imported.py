"""What an importer hands back."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.problem.problem import Problem

__all__ = ["Imported"]


@dataclass(frozen=True)
class Imported:
    """A problem made from a file of another tool.

    Parameters
    ----------
    problem : Problem
        Named as the file.
    largest_change : float
        Largest distance of a row's sum from 1 in the file.
    remarks : tuple of str, optional
        What was added or guessed, one line each.
    """

    problem: Problem
    largest_change: float
    remarks: tuple[str, ...] = ()
