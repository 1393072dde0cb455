"""A problem on shared states written as the tree of its token paths."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.tables import read_only
from simulator.typing import Floats, Ints

__all__ = ["Unfolded", "all_paths", "count_paths", "is_path_tree", "unfold"]


DEFAULT_LIMIT = 1e7
KEPT = 1e5  # paths up to which a tree is kept as long as its problem lives
_KNOWN: WeakKeyDictionary[Problem, Unfolded] = WeakKeyDictionary()


@dataclass(frozen=True)
class Unfolded:
    """The tree of the prefixes that pi_ref reaches.

    Attributes
    ----------
    problem : Problem
        One state a prefix, no edge rewards: they are multiplied into V^ and the reward.
    tokens : (L, H) int array
        Token path of each terminal state of the tree, in lexicographic order.
    terminal : (L,) int array
        Terminal state of the original model where the path ends.
    states : tuple of int arrays
        Of levels 0 to H: the state of the original model where each prefix ends.
    """

    problem: Problem
    tokens: Ints
    terminal: Ints
    states: tuple[Ints, ...]


def count_paths(problem: Problem) -> float:
    """Count the token paths of positive probability.

    Returns
    -------
    float
        inf beyond the range of floats.

    Examples
    --------
    >>> model = TabularModel([[[0.5, 0.5]]] * 3, [[[0, 0]]] * 3)
    >>> count_paths(Problem(model, [1.0], "exact"))
    8.0
    """
    paths: Floats = np.ones(1)
    with np.errstate(over="ignore"):
        for h in range(problem.horizon):
            possible = problem.model.probs[h] > 0
            source = np.nonzero(possible)[0]
            target = problem.model.next_state[h][possible]
            size = int(problem.model.n_states[h + 1])
            paths = np.bincount(target, paths[source], size).astype(np.float64)
        return float(paths.sum())


def is_path_tree(problem: Problem) -> bool:
    """Whether the states of a problem are token paths already, and nothing is to be unfolded."""
    return problem.is_tree and not problem.has_edge_reward


def unfold(problem: Problem, limit: float = DEFAULT_LIMIT) -> Unfolded:
    """Unfold a problem into the tree of its token paths.

    V^(path) is the product of the edge rewards collected times V^ of the state, and
    V* likewise, so Z, the law of the sampler on paths and every criterion stay the same.
    Tokens of probability zero keep their column and lead nowhere.

    Parameters
    ----------
    limit : float
        Largest number of paths.

    Raises
    ------
    TooLargeError
        If there are more paths.

    Examples
    --------
    >>> model = TabularModel([[[0.5, 0.5]]] * 2, [[[0, 0]]] * 2)
    >>> product = Problem(model, [1.0], "exact", edge_reward=[[[2 / 3, 4 / 3]]] * 2)
    >>> tree = unfold(product)
    >>> tree.tokens.tolist(), tree.problem.reward.round(3).tolist()
    ([[0, 0], [0, 1], [1, 0], [1, 1]], [0.444, 0.889, 0.889, 1.778])
    """
    n_paths = count_paths(problem)
    if n_paths > limit:
        raise TooLargeError(f"unfolding: {n_paths:.3g} token paths, the limit is {limit:.3g}")
    if problem not in _KNOWN:
        found = _unfold(problem)
        if n_paths > KEPT:
            return found
        _KNOWN[problem] = found
    return _KNOWN[problem]


def _unfold(problem: Problem) -> Unfolded:
    model, tables = problem.model, problem.tables
    state, log_factor = np.zeros(1, dtype=np.int64), np.zeros(1)
    tokens = np.zeros((1, 0), dtype=np.int64)
    probs, next_state, log_prm, states = [], [], [problem.log_prm[0]], [state]
    for h in range(problem.horizon):
        p = model.probs[h][state]
        row, action = np.nonzero(p)
        child = np.zeros(p.shape, dtype=np.int64)
        child[row, action] = np.arange(row.size)
        probs.append(p)
        next_state.append(child)
        edge = tables.factor_start[h] + state[row] * model.n_actions + action
        log_factor = log_factor[row] + tables.log_factor[edge]
        state = model.next_state[h][state[row], action]
        tokens = np.concatenate([tokens[row], action[:, None]], axis=1)
        states.append(state)
        log_prm.append(log_factor + problem.log_prm[h + 1][state])
    tree = Problem.from_log(
        TabularModel(probs, next_state),
        log_factor + problem.log_reward[state],
        np.concatenate(log_prm),
        name=problem.name,
    )
    tokens, states = read_only(tokens), [read_only(x) for x in states]
    return Unfolded(tree, tokens, states[-1], tuple(states))


def all_paths(problem: Problem) -> Ints:
    """Token path to each terminal state of a problem that is a tree.

    Parameters
    ----------
    problem : Problem
        With `is_tree`.

    Returns
    -------
    (S_H, H) int array
        Rows of -1 for states that pi_ref does not reach.

    Examples
    --------
    >>> all_paths(Problem(TabularModel.tree([[[0.0, 1.0]]]), [1.0, 1.0], "exact")).tolist()
    [[-1], [1]]
    """
    paths = np.zeros((1, 0), dtype=np.int64)
    for h in range(problem.horizon):
        row, action = np.nonzero(problem.model.probs[h] > 0)
        known = paths[row].min(axis=1, initial=0) >= 0
        row, action = row[known], action[known]
        longer = np.full((int(problem.model.n_states[h + 1]), h + 1), -1)
        longer[problem.model.next_state[h][row, action]] = np.concatenate(
            [paths[row], action[:, None]], axis=1
        )
        paths = longer
    return paths
