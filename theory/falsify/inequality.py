"""What can be refuted: one number of a problem and a sampler is at most another one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from simulator.errors import InputError, TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.falsify.rational_error import output_in_fractions
from theory.falsify.rational_tree import RationalTree
from theory.falsify.rational_values import value_in_fractions
from theory.registry import BOUNDS
from theory.statement import Bound

__all__ = [
    "LIMIT",
    "SMALLEST",
    "ExactSide",
    "Inequality",
    "Sides",
    "of_bound",
    "ratio_of",
    "silent",
    "unknown",
]

LIMIT = 1e5  # cloud transitions of an exact law: some hundredths of a second
ZERO = 1e-13  # a right side below this is rounding, and counts as 0
TRIVIAL = 0.99  # errors above this are close to 1, where every upper bound is attained
ROUNDING = 1e-9  # by which two sides may differ though they are equal
SMALLEST = 1e-6  # a left side below this may be rounding, and counts as 0

Sides: TypeAlias = Callable[[Problem, Sampler], tuple[float, float]]
ExactSide: TypeAlias = Callable[[RationalTree, Sampler], Fraction | None]


def unknown(tree: RationalTree, sampler: Sampler) -> None:
    """Know no number in fractions, as `Inequality.exact_left` or `Inequality.exact_right`.

    Parameters
    ----------
    tree : RationalTree
        Any.
    sampler : Sampler
        Any.
    """
    del tree, sampler


@dataclass(frozen=True, eq=False)
class Inequality:
    """A claim left <= right about every problem and sampler that it speaks of.

    Parameters
    ----------
    id : str
        Short name.
    text : str
        What is claimed, as a line of plain text.
    sides : callable
        (problem, sampler) to left and right, in floating point.
    why_not : callable
        (problem, sampler) to a line that says why the claim does not speak of them, or None.
    exact_left, exact_right : callable, optional
        (problem in fractions, sampler) to a lower limit of left, an upper limit of right, free of
        rounding; None where they are not known.
    """

    id: str
    text: str
    sides: Sides
    why_not: Callable[[Problem, Sampler], str | None]
    exact_left: ExactSide = unknown
    exact_right: ExactSide = unknown

    def ratio(self, problem: Problem, sampler: Sampler) -> float:
        """Return left/right: above 1 the claim is false.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            By what.

        Returns
        -------
        float
            inf if right is 0 and left is not; 0 if left is too small to be told from rounding.

        Raises
        ------
        TooLargeError
            If a side needs an enumeration that is too large.
        """
        return ratio_of(*self.sides(problem, sampler))


def ratio_of(left: float, right: float) -> float:
    """Return left/right as `Inequality.ratio` does.

    Parameters
    ----------
    left, right : float
        The sides, >= 0; right may be inf.

    Returns
    -------
    float

    Examples
    --------
    >>> ratio_of(0.5, 0.25), ratio_of(0.5, 0.0), ratio_of(1e-9, 0.0)
    (2.0, inf, 0.0)
    """
    if left < SMALLEST:
        return 0.0
    return left / right if right > ZERO else math.inf


def silent(problem: Problem, sampler: Sampler) -> None:
    """Speak of every problem and sampler, as `Inequality.why_not`.

    Parameters
    ----------
    problem : Problem
        Any.
    sampler : Sampler
        Any.
    """
    del problem, sampler


def of_bound(bound: Bound, *, anyway: bool = False) -> Inequality:
    """Return what a bound claims: error <= value, or value <= error if it is a lower one.

    Parameters
    ----------
    bound : Bound
        A registered one, or one of your own. If it is exact, the larger of error and value is
        claimed to be at most the smaller one.
    anyway : bool, optional
        Take the statement without its assumptions on the sampler and the family of the problem:
        its formula is evaluated for samplers of which it does not speak.

    Returns
    -------
    Inequality

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> from theory.registry import BOUNDS
    >>> claimed = of_bound(BOUNDS["J"])
    >>> claimed.text
    'D_TV <= J'
    >>> print(f"{claimed.ratio(open_problem('reference'), SMC(2)):.3f}")
    0.744
    """

    def value(problem: Problem, sampler: Sampler) -> float:
        if not anyway:
            return bound.value(problem, sampler)
        try:
            if bound.infinite_because(problem, sampler) is not None:
                return math.inf
            return float(bound.function(problem, sampler))
        except (InputError, TooLargeError):
            raise
        except Exception as fault:  # it counts on what it assumes
            raise InputError(
                f"bound {bound.id} has no value without its assumptions: "
                f"{type(fault).__name__}: {fault}"
            ) from None

    def sides(problem: Problem, sampler: Sampler) -> tuple[float, float]:
        error, given = sampler.exact_law(problem, limit=LIMIT).tv, value(problem, sampler)
        if bound.kind == "exact":
            return max(error, given), min(error, given)
        if bound.kind == "lower":
            return given, error
        trivial = TRIVIAL < error <= given * (1 + ROUNDING)
        return (0.0 if trivial else error), given

    def error(tree: RationalTree, sampler: Sampler) -> Fraction | None:
        found = output_in_fractions(tree, sampler)
        return None if found is None else found.error(tree)

    def limit(tree: RationalTree, sampler: Sampler) -> Fraction | None:
        own = BOUNDS.get(bound.id) is not bound  # of which nothing is known, whatever its id
        return None if own else value_in_fractions(bound.id, tree, sampler)

    relation = {"upper": "<=", "lower": ">=", "exact": "="}[bound.kind]
    why_not = silent if anyway else bound.why_not
    exact = {"upper": (error, limit), "lower": (unknown, error), "exact": (unknown, unknown)}
    return Inequality(bound.id, f"D_TV {relation} {bound.id}", sides, why_not, *exact[bound.kind])
