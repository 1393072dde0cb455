"""In which order the cells of quasi-SMC stand on their line."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.typing import Ints

__all__ = ["prefix_ranks"]


def prefix_ranks(problem: Problem, tree: Problem, order: str, limit: float) -> list[Ints]:
    """Return the place of each prefix in its level's order; a cell stands where its child does.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    tree : Problem
        The tree of its paths; the problem itself if it is one.
    order : {"lexicographic", "state", "token"}
        By prefix and token; by state, token, prefix; or by token, prefix.
    limit : float
        Largest number of paths.

    Returns
    -------
    list of int arrays
        One a level, from 0 to H; -1 for prefixes that pi_ref does not reach.
    """
    if is_path_tree(problem):
        states = tuple(np.arange(k) for k in problem.model.n_states)
    else:
        states = unfold(problem, limit).states
    ranks = [np.zeros(1, dtype=np.int64)]
    for h in range(tree.horizon):
        row, token = np.nonzero(tree.model.probs[h] > 0)
        before = ranks[h][row]
        keys = {
            "lexicographic": (token, before),
            "state": (before, token, states[h][row]),
            "token": (before, token),
        }[order]
        rank = np.full(int(tree.model.n_states[h + 1]), -1)
        rank[tree.model.next_state[h][row, token][np.lexsort(keys)]] = np.arange(row.size)
        ranks.append(rank)
    return ranks
