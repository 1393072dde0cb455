"""Counting what a search evaluates, and keeping the best of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from simulator.errors import InputError, TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.falsify.inequality import Inequality

__all__ = ["Budget", "Score", "Spent", "Watch"]

Watch: TypeAlias = Callable[[str, float, float], None]


class Spent(Exception):  # noqa: N818
    """All that a search may use is used up."""


@dataclass
class Budget:
    """How much may be evaluated.

    Parameters
    ----------
    seconds : float
        From now on; may be inf.
    evaluations : float
        How often the two sides are computed; may be inf.
    """

    seconds: float
    evaluations: float
    done: int = field(default=0, init=False)
    began: float = field(default_factory=time.monotonic, init=False)

    @property
    def spent(self) -> float:
        """Share of the budget that is used up, from 0 on."""
        return max((time.monotonic() - self.began) / self.seconds, self.done / self.evaluations)


def _ignore(stage: str, best: float, share: float) -> None:
    del stage, best, share


@dataclass
class Score:
    """Ratio left/right of problems, counted, with the best seen so far.

    Parameters
    ----------
    inequality : Inequality
        What is to be refuted.
    budget : Budget
        Looked at before each evaluation.
    watch : callable, optional
        Told (stage, best ratio, share of the budget spent) after each evaluation.

    Attributes
    ----------
    stage : str
        What the search is at; it sets it.
    until : float
        Share of the budget that may be spent at present.
    best : float
        Largest ratio so far.
    instance : (Problem, Sampler) or None
        Where it was found.
    silence : str
        Why the claim did not speak of the last problem of which it does not.
    spoken : int
        Of how many problems it spoke.
    """

    inequality: Inequality
    budget: Budget
    watch: Watch = _ignore
    stage: str = field(default="starts", init=False)
    until: float = field(default=1.0, init=False)
    best: float = field(default=0.0, init=False)
    instance: tuple[Problem, Sampler] | None = field(default=None, init=False)
    silence: str = field(default="", init=False)
    spoken: int = field(default=0, init=False)

    def __call__(self, problem: Problem, sampler: Sampler) -> float:
        """Return the ratio; 0 where the claim says nothing or a side is too large to compute.

        Parameters
        ----------
        problem : Problem
            What is sampled.
        sampler : Sampler
            By what.

        Returns
        -------
        float

        Raises
        ------
        Spent
            If the budget is used up, and one problem at least has been looked at.
        """
        if self.spoken and self.budget.spent >= self.until:
            raise Spent
        self.budget.done += 1
        ratio = self._ratio(problem, sampler)
        if ratio > self.best or self.instance is None:
            self.best, self.instance = ratio, (problem, sampler)
        self.watch(self.stage, self.best, self.budget.spent)
        return ratio

    def _ratio(self, problem: Problem, sampler: Sampler) -> float:
        try:
            reason = self.inequality.why_not(problem, sampler)
            if reason is not None:
                self.silence = reason
                return 0.0
            self.spoken += 1
            ratio = self.inequality.ratio(problem, sampler)
        except TooLargeError as fault:
            self.silence = str(fault)
            return 0.0
        if math.isnan(ratio):
            raise InputError(f"{self.inequality.id}: its value is not a number")
        return ratio
