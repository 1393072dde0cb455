"""What a statement about the error is, and the decorator that makes one of a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from simulator.errors import InputError
from simulator.interval import Interval
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Floats, RngLike
from theory.assumptions import Assumption
from theory.status import Kind

__all__ = ["Bound", "Function", "Samples", "bound", "named_after"]

Function: TypeAlias = Callable[[Problem, Sampler], float]
Samples: TypeAlias = Callable[[Problem, Sampler, int, RngLike], tuple[Floats, float]]


@dataclass(frozen=True, eq=False)
class Bound:
    """A statement about D_TV(law of one output path, pi*).

    Parameters
    ----------
    id : str
        Short name, such as "3.2".
    title : str
        What bounds the error, in words.
    reference : str
        Where it is stated or proved.
    kind : {"upper", "lower", "exact"}
        Whether the value is above the error, below it, or equal to it.
    assumptions : tuple of Assumption
        Hypotheses of the statement; all must hold.
    formula : str
        The value as a line of plain text.
    measured : bool
        Whether the value is a mean over the sampler's own randomness: `value` enumerates it on
        small problems, `estimate` measures it on any.
    function : callable
        (problem, sampler) to float; only called where all assumptions hold.
    samples : callable or None, optional
        (problem, sampler, n_runs, rng) to independent draws in [0, high] whose mean is the value,
        and `high`.
    rate : str, optional
        How the value falls as N grows, such as "1/N"; empty if nothing is said.
    latex : str, optional
        The formula for the report and the documentation: text with LaTeX between dollar signs;
        empty if `formula` must do.
    """

    id: str
    title: str
    reference: str
    kind: Kind
    assumptions: tuple[Assumption, ...]
    formula: str
    measured: bool
    function: Function
    samples: Samples | None = None
    rate: str = ""
    latex: str = ""

    def __post_init__(self) -> None:
        named_after(self, self.function)

    def __call__(self, problem: Problem, sampler: Sampler) -> float:
        """Return `value`."""
        return self.value(problem, sampler)

    def why_not(self, problem: Problem, sampler: Sampler) -> str | None:
        """Say why the statement does not speak of this sampler; None if it does.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            Of any class; `simulator.samplers.facts.facts_of` tells what it declares.

        Returns
        -------
        str or None
            A line that begins with "needs: ".
        """
        facts = facts_of(sampler, problem)
        for a in self.assumptions:
            if a.structural and not a.holds(problem, sampler, facts):
                return f"needs: {a.text}"
        return None

    def applicable(self, problem: Problem, sampler: Sampler) -> bool:
        """Whether the statement speaks of this sampler (its value may still be inf).

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            Of any class; `simulator.samplers.facts.facts_of` tells what it declares.

        Returns
        -------
        bool
        """
        return self.why_not(problem, sampler) is None

    def infinite_because(self, problem: Problem, sampler: Sampler) -> str | None:
        """Name the assumption for want of which the value is inf; None if there is none.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            Of any class; `simulator.samplers.facts.facts_of` tells what it declares.

        Returns
        -------
        str or None
            The text of the assumption.
        """
        facts = facts_of(sampler, problem)
        for a in self.assumptions:
            if not a.structural and not a.holds(problem, sampler, facts):
                return a.text
        return None

    def _check(self, problem: Problem, sampler: Sampler) -> None:
        reason = self.why_not(problem, sampler)
        if reason is not None:
            raise InputError(f"bound {self.id} {reason}")

    def value(self, problem: Problem, sampler: Sampler) -> float:
        """Return the number that the statement gives; inf if one of its constants is.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            Of any class; `simulator.samplers.facts.facts_of` tells what it declares.

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the statement does not speak of this sampler.
        TooLargeError
            If the value needs an enumeration that is too large.
        """
        self._check(problem, sampler)
        if self.infinite_because(problem, sampler) is not None:
            return math.inf
        found = float(self.function(problem, sampler))
        if math.isnan(found):
            raise InputError(f"bound {self.id}: its value is not a number")
        return found

    def estimate(
        self,
        problem: Problem,
        sampler: Sampler,
        n_runs: int,
        rng: RngLike,
        confidence: float = 0.99,
    ) -> Interval:
        """Measure the value from independent runs, with limits that hold at any sample size.

        Parameters
        ----------
        problem : Problem
            What is sampled: pi_ref, reward and PRM.
        sampler : Sampler
            Of any class; `simulator.samplers.facts.facts_of` tells what it declares.
        n_runs : int
            Number of independent draws, >= 2.
        rng : int, SeedSequence or Generator
            The only source of randomness.
        confidence : float, optional
            Probability that both limits hold, in (0, 1).

        Returns
        -------
        Interval
            Mean of the draws, and limits of the value; all three are inf if the value is.

        Raises
        ------
        InputError
            If the statement does not speak of this sampler or is not a mean.
        """
        self._check(problem, sampler)
        if self.samples is None:
            raise InputError(f"bound {self.id} is not a mean, it cannot be measured")
        if self.infinite_because(problem, sampler) is not None:
            return Interval(math.inf, math.inf, math.inf, confidence)
        from simulator.measure.confidence import mean_upper

        x, top = self.samples(problem, sampler, n_runs, rng)
        if top == 0.0:
            return Interval.exactly(0.0)
        x = np.clip(x, 0.0, top)  # beyond by rounding only
        half = (1 - confidence) / 2
        low = max(0.0, top - mean_upper(top - x, half, 0.0, top))
        return Interval(float(x.mean()), low, mean_upper(x, half, 0.0, top), confidence)


def named_after(statement: object, function: Callable[..., object]) -> None:
    """Give a frozen object the name, docstring and examples of the function that it wraps.

    Parameters
    ----------
    statement : object
        A `Bound` or a `Claim`.
    function : callable
        What it was made of.
    """
    names = ("__module__", "__name__", "__qualname__", "__doc__")
    vars(statement).update({name: getattr(function, name) for name in names})
    vars(statement)["__wrapped__"] = function


def bound(
    *,
    id: str,
    title: str,
    reference: str,
    formula: str,
    assumptions: tuple[Assumption, ...] = (),
    kind: Kind = "upper",
    measured: bool = False,
    samples: Samples | None = None,
    rate: str = "",
    latex: str = "",
) -> Callable[[Function], Bound]:
    """Make a `Bound` of the decorated function (problem, sampler) -> float.

    Parameters
    ----------
    id, title, reference, formula : str
        As in `Bound`.
    assumptions : tuple of Assumption, optional
        Each one of `theory.assumptions`, or an `Assumption` of your own.
    kind : {"upper", "lower", "exact"}, optional
        Whether the value is above the error, below it, or equal to it.
    measured : bool, optional
        Whether the value is a mean over the sampler's own randomness.
    samples : callable or None, optional
        As in `Bound`; needed by `Bound.estimate` only.
    rate, latex : str, optional
        As in `Bound`.

    Returns
    -------
    callable
        The decorator. `theory.check` takes what it returns; to be found by its id, a statement of
        this project stands in `theory.registry`.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> from theory import check
    >>> from theory.assumptions import MULTINOMIAL
    >>> @bound(
    ...     id="mine", title="a guess", reference="none", formula="1/N", assumptions=(MULTINOMIAL,)
    ... )
    ... def guess(problem, sampler):
    ...     return 1 / sampler.n_particles
    >>> check(open_problem("reference"), SMC(4), bounds=[guess]).verdicts[0].status
    'holds'
    """

    def make(function: Function) -> Bound:
        return Bound(
            id, title, reference, kind, assumptions, formula, measured, function, samples, rate,
            latex,
        )  # fmt: skip

    return make
