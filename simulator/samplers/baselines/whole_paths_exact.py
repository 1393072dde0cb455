"""One draw of a whole path from pi_ref: its outcomes, gathered in classes of equal reward.

Samplers that draw N independent paths and look at the reward only at the end choose first a
class of rewards, and then a path of it in proportion to pi_ref.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.exact.outcomes import Outcomes, outcomes
from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["WholePaths", "whole_paths"]


LIMIT = 2e6  # paths that are kept in memory


@dataclass(frozen=True)
class WholePaths:
    """The law of one path drawn from pi_ref, by classes of equal positive reward.

    Attributes
    ----------
    outcomes : Outcomes
    probability : (L,) array
        pi_ref of each terminal state of ``outcomes.tree``.
    log_reward : (C,) array
        Of the classes, ascending; the highest of the class.
    mass : (C,) array
        pi_ref of the classes.
    member : (L,) int array
        Class of each terminal state; C for those of reward zero or not reached.
    zero : float
        pi_ref(r = 0).
    """

    outcomes: Outcomes
    probability: Floats
    log_reward: Floats
    mass: Floats
    member: Ints
    zero: float

    def law(self, chosen: Floats) -> Floats:
        """Return the law of the outcome if a class is chosen with these probabilities.

        Parameters
        ----------
        chosen : (C,) array

        Returns
        -------
        (K,) array
        """
        share = np.append(chosen / self.mass, 0.0)
        return self.outcomes.gather(self.probability * share[self.member])


def whole_paths(problem: Problem, on: str, limit: float, tie: float = 0.0) -> WholePaths:
    """Sort the paths of pi_ref into classes of equal reward.

    Parameters
    ----------
    on : {"paths", "states"}
    limit : float
        Largest number of paths to list, 2 million at most.
    tie : float, optional
        Rewards next to each other whose logarithms differ by this much are in one class.

    Raises
    ------
    TooLargeError
        If there are more paths.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5], [0.2, 0.8]]])
    >>> found = whole_paths(Problem(tree, [1.0, 2.0, 0.0, 1.0], "exact"), "paths", 10)
    >>> found.mass.tolist(), round(found.zero, 12), found.member.tolist()
    ([0.65, 0.25], 0.1, [0, 1, 2, 0])
    """
    out = outcomes(problem, on, min(limit, LIMIT), one_reward=True)
    tree = out.tree
    probability = np.exp(tree.forward_backward.log_forward[int(tree.model.state_start[-2]) :])
    live = np.flatnonzero((probability > 0) & np.isfinite(tree.log_reward))
    order = live[np.argsort(tree.log_reward[live], kind="stable")]
    sorted_reward = tree.log_reward[order]
    new = np.diff(sorted_reward) > tie
    member = np.full(probability.size, int(new.sum()) + 1)
    member[order] = np.concatenate([[0], np.cumsum(new)])
    weight = np.bincount(member, probability, int(new.sum()) + 2).astype(np.float64)
    top = sorted_reward[np.append(new, True)]
    return WholePaths(out, probability, top, weight[:-1], member, float(weight[-1]))
