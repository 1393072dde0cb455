r"""Law A2: the probability that one of the N proposals of level H is in E (pass@N), at every N.

With a = E[nu^_{H-1}(p_E)], p_E(x) = P_ref(E | x), and pi*_E, m_E those of terminal reward 1_E,

    E_{pi*_E}[1/m_E] <= P(hit E) <= 1 - (1 - a)^N <= N a.

Proof. Clouds up to level H - 1, and the proposals of level H, do not see the terminal reward. With
1_E a run fails if and only if nothing is hit, and given that it does not, its output has at least
the law pi*_E/m_E: sum it. (Law A1 gives another lower limit: an output in E was hit.) Given the
cloud of level H - 1 proposals are iid, so that
P(miss) = E[(1 - nu^(p_E))^N] >= (1 - a)^N by Jensen: what particles share only costs. a is the
mean of p_E over the cloud of level H - 1, the last one of a problem that stops there with target
pi^_{H-1}; by law A1 for the function c - p_E, c = max p_E, a <= c - E_{pi^_{H-1}}[(c - p_E)/m'].

On shared states with edge rewards 1_E is multiplied by the edge rewards up to level H - 1: the
proof asks only for a reward that is positive on E and zero elsewhere.

Predictor P2: 1 - (1 - a')^N with a' = E_{pi^_{H-1}}[p_E/m'] / E_{pi^_{H-1}}[1/m']. It is no bound.

SIS: the N paths are independent, and 1 - (1 - pi_ref(E))^N is exact.
"""

from __future__ import annotations

import math

import numpy.typing as npt

from simulator.problem.events import check_event
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.accuracy.answers import AccuracyLimits, Draws
from theory.accuracy.hits import Hits

__all__ = ["passed_accuracy"]


def passed_accuracy(
    problem: Problem, sampler: Sampler, correct: npt.ArrayLike, draws: Draws | None = None
) -> AccuracyLimits:
    """Bound the probability that some proposal is right from both sides; predictor P2.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC-RS, SIS, or one that declares one of
        these laws.
    correct : (S_H,) bool array
        Which terminal states are right.
    draws : Draws, optional
        Where the paths are too many to list.

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
    >>> found = passed_accuracy(problem, SMC(2), problem.reward > 2.5)
    >>> print(f"{found.low:.3f} {found.high:.3f}")
    0.275 0.445
    """
    event, hits = check_event(problem, correct), Hits(problem, sampler)
    first, second = (draws or Draws()).split(2)
    low, high = hits.at_least([event], first)[0], hits.at_most([event], second)[0]
    exact = min(low.confidence, high.confidence) == 1
    return AccuracyLimits(
        low=low.low, high=high.high, predicted=None if math.isnan(high.value) else high.value,
        confidence=1.0 if exact else (draws or Draws()).confidence,
    )  # fmt: skip
