"""Whether left > right is true, and not a matter of rounding."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.falsify.inequality import Inequality
from theory.falsify.rational_tree import RationalTree
from theory.status import TOLERANCE

__all__ = ["Confirmation", "confirm"]


@dataclass(frozen=True)
class Confirmation:
    """What was found when a violation was computed again.

    Parameters
    ----------
    violated : bool
        Whether the inequality is taken to be violated.
    text : str
        How that is known, in a line.
    """

    violated: bool
    text: str


def confirm(inequality: Inequality, problem: Problem, sampler: Sampler) -> Confirmation:
    """Compare the sides again, in fractions where they are known so.

    Where a side is not known in fractions, its floating-point value stands in for it, and only a
    gap beyond `theory.status.TOLERANCE` counts; the text says so.

    Parameters
    ----------
    inequality : Inequality
        Violated in floating point.
    problem : Problem
        On this problem; in fractions it is one that differs from it by rounding only.
    sampler : Sampler
        For this sampler.

    Returns
    -------
    Confirmation
    """
    left, right = inequality.sides(problem, sampler)
    known_left = known_right = None
    try:
        tree = RationalTree(problem)
    except TooLargeError:
        tree = None
    if tree is not None:
        known_left = inequality.exact_left(tree, sampler)
        known_right = inequality.exact_right(tree, sampler)
    if known_left is not None and known_right is not None:
        if known_left > known_right:
            return Confirmation(True, "confirmed in rational arithmetic")
        return Confirmation(False, "not confirmed: in rational arithmetic it holds")
    gap = float(left if known_left is None else known_left) - float(
        right if known_right is None else known_right
    )
    if gap <= TOLERANCE:
        return Confirmation(False, "not confirmed: the gap may be rounding")
    rest = "by floating point"
    if known_left is not None or known_right is not None:
        side = "left" if known_right is None else "right"
        rest = f"the {side} side in rational arithmetic, the other in floating point"
    return Confirmation(True, f"{rest}, with a gap of {gap:.3g}")
