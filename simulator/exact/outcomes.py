"""What an output is: a token path or a terminal state of the model, with its target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.checks import check_choice
from simulator.problem.problem import Problem
from simulator.problem.unfold import all_paths, is_path_tree, unfold
from simulator.typing import Floats, Ints

__all__ = ["Outcomes", "outcomes"]


@dataclass(frozen=True)
class Outcomes:
    """The K outcomes of a law, and the problem over whose terminal states it is computed.

    Attributes
    ----------
    tree : Problem
        The problem itself, or the tree that it unfolds to.
    target : (K,) array
        pi* over the outcomes.
    tokens : (K, H) int array or None
        The paths, if outcomes are paths; -1 for those that pi_ref does not reach.
    outcome : (L,) int array or None
        Outcome of each terminal state of `tree`; None if they are the outcomes.
    """

    tree: Problem
    target: Floats
    tokens: Ints | None
    outcome: Ints | None

    def gather(self, x: Floats) -> Floats:
        """Add up numbers of the terminal states of `tree` by outcome.

        Parameters
        ----------
        x : (L,) array

        Returns
        -------
        (K,) array
        """
        if self.outcome is None:
            return x
        return np.bincount(self.outcome, x, self.target.size).astype(np.float64)


def outcomes(
    problem: Problem, on: str, limit: float, *, one_reward: bool, whole_paths: bool = False
) -> Outcomes:
    """List the outcomes of a law.

    Parameters
    ----------
    on : {"paths", "states"}
        Token paths, or terminal states of the model. On a tree both are the terminal states.
    limit : float
        Largest number of paths to unfold to.
    one_reward : bool
        Whether all paths to a terminal state of `tree` must have one reward, so that problems
        with edge rewards are unfolded too.
    whole_paths : bool, optional
        Whether `tree` must be a tree without edge rewards.

    Raises
    ------
    InputError
        If `on` is something else.
    TooLargeError
        If there are more paths.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> coins = Problem(TabularModel([[[0.5, 0.5]]] * 2, [[[0, 0]]] * 2), [1.0], "exact")
    >>> outcomes(coins, "states", 10, one_reward=True).target.tolist()
    [1.0]
    >>> outcomes(coins, "paths", 10, one_reward=True).target.tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    check_choice("on", on, ("paths", "states"))
    by_state = on == "states" or problem.is_tree
    tokens = all_paths(problem) if by_state and on == "paths" else None
    looks_back = (one_reward and problem.has_edge_reward) or (
        whole_paths and not is_path_tree(problem)
    )
    if by_state and not looks_back:
        return Outcomes(problem, problem.target[-1], tokens, None)
    unfolded = unfold(problem, limit)
    if by_state:
        return Outcomes(unfolded.problem, problem.target[-1], tokens, unfolded.terminal)
    return Outcomes(unfolded.problem, unfolded.problem.target[-1], unfolded.tokens, None)
