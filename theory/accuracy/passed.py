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

import numpy as np
import numpy.typing as npt

from simulator.measure.accuracy_law import pass_upper
from simulator.problem.events import chance_ahead, check_event, earning, shortened
from simulator.problem.problem import Problem
from simulator.problem.transforms import in_blocks
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Bools
from theory.accuracy.answers import AccuracyLimits, Draws, cloud_problem
from theory.accuracy.path_means import inverse_means

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
    event, n = check_event(problem, correct), sampler.n_particles
    if facts_of(sampler, problem).family == "sis":
        chance = _reference_chance(problem, event)
        return _exactly(pass_upper(chance, n))
    clouds = cloud_problem(problem, sampler)
    ahead = chance_ahead(clouds, event)
    if not ahead.any():
        return _exactly(0.0)
    if problem.horizon == 1:
        return _exactly(pass_upper(min(float(ahead[0]), 1.0), n))
    use = draws or Draws()
    first, second, third = use.split(3)
    inside = event.astype(np.float64)
    low = inverse_means(earning(clouds, event), n, "smc", [inside], first)[0]
    drawn = inverse_means(clouds, n, "smc", [inside], third)[0]
    most = min(float(ahead.max()), 1.0)
    before = shortened(clouds)
    functions = [np.maximum(most - ahead, 0.0), np.ones_like(ahead)]
    gap, every = inverse_means(before, n, "smc", functions, second)
    chance = max(most - gap.low, 0.0)
    guess = None
    if every.value > 0:
        guess = pass_upper(min(max(most - gap.value / every.value, 0.0), 1.0), n)
    return AccuracyLimits(
        low=min(max(low.low, drawn.low), 1.0), high=pass_upper(chance, n),
        predicted=guess,
        confidence=use.confidence if np.inf in (low.high, gap.high, drawn.high) else 1.0,
    )  # fmt: skip


def _exactly(chance: float) -> AccuracyLimits:
    return AccuracyLimits(chance, chance, chance, 1.0)


def _reference_chance(problem: Problem, event: Bools) -> float:
    """Probability under pi_ref of paths to E; an edge reward of 0 ends a path before level H."""
    if not chance_ahead(in_blocks(problem, problem.horizon), event).any():
        return 0.0
    edges = problem.edge_reward
    if edges is not None:
        edges = [None if e is None else (e > 0).astype(np.float64) for e in [*edges[:-1], None]]
    log_chance = Problem(problem.model, event.astype(float), "exact", edge_reward=edges).log_z
    return min(math.exp(log_chance), 1.0)
