"""Small problems with right and wrong answers, on which the laws of accuracy are checked."""

from __future__ import annotations

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.problem import Problem
from simulator.typing import Bools

__all__ = ["answered_trees"]


def answered_trees(count: int) -> list[tuple[Problem, Bools]]:
    """Make random trees with a random event of right answers.

    Some have rewards that are zero or tokens that never come, and every fourth one of two levels
    or more loses mass: V^ = 0 at a state that the target visits.

    Parameters
    ----------
    count : int
        How many.

    Returns
    -------
    list of (Problem, (S_H,) bool array)
        Of one to three levels; some answer is right and some is wrong.

    Examples
    --------
    >>> [problem.horizon for problem, _ in answered_trees(4)]
    [1, 2, 3, 1]
    >>> sum(problem.forward_backward.lost_mass > 0 for problem, _ in answered_trees(24))
    4
    """
    found = []
    for seed in range(count):
        problem = random_tree(
            horizon=1 + seed % 3, seed=seed, zero_rewards=0.3 * (seed % 2), sparse=0.1 * (seed % 2)
        )
        right = np.random.default_rng(seed).random(problem.reward.size) < 0.4
        right[0], right[-1] = True, False
        if problem.horizon > 1 and seed % 4 == 0:
            values = problem.log_prm_flat.copy()
            values[1] = -np.inf
            problem = Problem.from_log(
                problem.model, problem.log_reward, values, name=f"{problem.name}, V^ = 0 at a state"
            )
        found.append((problem, right))
    return found
