"""Limits of the accuracy of N particles, whichever way their last cloud answers."""

from __future__ import annotations

from dataclasses import replace

import numpy.typing as npt

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.measure.cloud_accuracy import SELECT, Select
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.base import Sampler
from theory.accuracy.answers import AccuracyLimits, Draws
from theory.accuracy.highest import highest_accuracy
from theory.accuracy.passed import passed_accuracy
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.voted import voted_accuracy

__all__ = ["accuracy_limits"]


def accuracy_limits(
    problem: Problem,
    sampler: Sampler,
    correct: npt.ArrayLike,
    select: Select = "sample",
    draws: Draws | None = None,
) -> AccuracyLimits:
    """Bound the probability of a right answer from both sides, at this N.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC-RS, SIS, or one that declares one of
        these laws.
    correct : (S_H,) bool array
        Which terminal states are right.
    select : {"sample", "best", "vote", "any"}, optional
        How the last cloud answers: by the sampler's output (law A1), by its particle of highest
        terminal V^ (A3), by right answers outweighing wrong ones (A4), or by any of the N
        proposals of level H being right (A2).
    draws : Draws, optional
        Where paths are too many to list: how many are drawn from pi*, from which seed, and the
        confidence of the limits.

    Returns
    -------
    AccuracyLimits

    Raises
    ------
    InputError
        If the law does not speak of the sampler or the problem, or an argument is malformed.
    TooLargeError
        If a recursion would take minutes, or leaves the range of floats.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference")
    >>> right = problem.reward > 1.5
    >>> for select in ("sample", "best", "vote", "any"):
    ...     found = accuracy_limits(problem, SMC(8), right, select)
    ...     print(f"{select}: {found.low:.3f} to {found.high:.3f}")
    sample: 0.681 to 0.757
    best: 0.809 to 1.000
    vote: 0.572 to 1.000
    any: 0.809 to 1.000
    """
    check_tabular(problem, "law")
    check_choice("select", select, SELECT)
    if select == "sample":
        return sampled_accuracy(problem, sampler, correct, draws)
    if select == "any":
        return passed_accuracy(problem, sampler, correct, draws)
    if select == "best":
        return highest_accuracy(problem, sampler, correct, draws)
    voted = voted_accuracy(problem, sampler, correct)
    try:
        guess = sampled_accuracy(problem, sampler, correct, draws).predicted
    except InputError:  # clouds that weigh answers, but an output that is not drawn from them
        guess = None
    return replace(voted, predicted=guess)
