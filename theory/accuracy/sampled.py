r"""Law A1: the output is in E with probability between two means of 1/m, at every N.

    sum_{y in E} pi*_e(y)/m(y) <= P(output in E) <= 1 - sum_{y not in E} pi*_e(y)/m(y).

Proof. P(output = y) >= pi*_e(y)/m(y), by Jensen under conditional SMC (bound J). Sum over E, and
over its complement; a failed run is in neither. The gap is 1 - E[1/m], of order 1/N.

Predictor P1 shares out what is missing: a^ = sum_E (pi*_e/m) / sum (pi*_e/m). It is no bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.events import check_event
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.accuracy.answers import AccuracyLimits, Draws
from theory.accuracy.path_means import inverse_means
from theory.assumptions import DRAWN, NO_RESTART, SECOND_MOMENT

__all__ = ["sampled_accuracy"]


def sampled_accuracy(
    problem: Problem, sampler: Sampler, correct: npt.ArrayLike, draws: Draws | None = None
) -> AccuracyLimits:
    """Bound the probability that the output is right from both sides; predictor P1.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level and any proposal, SMC-RS, SIS, or one that
        declares one of these laws.
    correct : (S_H,) bool array
        Which terminal states are right.
    draws : Draws, optional
        Where the paths are too many to list, and the PRM is not perfect.

    Returns
    -------
    AccuracyLimits

    Raises
    ------
    InputError
        If the law does not speak of the sampler, or an argument is malformed.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference")
    >>> right = problem.reward > 2.5
    >>> found = sampled_accuracy(problem, SMC(2), right)
    >>> print(f"{found.low:.3f} {SMC(2).exact_law(problem).law[right].sum():.3f} {found.high:.3f}")
    0.225 0.249 0.341
    """
    event = check_event(problem, correct)
    facts = facts_of(sampler, problem)
    clouds, family = problem, facts.family
    needs = [DRAWN, NO_RESTART]
    if facts.rewritten is not None:
        clouds, family = facts.rewritten, "smc"
    else:
        needs.append(SECOND_MOMENT)
    for assumption in needs:
        if not assumption.holds(problem, sampler, facts):
            raise InputError(f"law: needs: {assumption.text}")
    functions = [part.astype(np.float64) for part in (event, ~event)]
    right, wrong = inverse_means(clouds, sampler.n_particles, family, functions, draws or Draws())
    total = right.value + wrong.value
    return AccuracyLimits(
        low=min(right.low, 1.0), high=max(1 - wrong.low, 0.0),
        predicted=right.value / total if total > 0 else None,
        confidence=right.confidence,
    )  # fmt: skip
