"""Problems written in another way that should change nothing, or nearly nothing."""

from itertools import zip_longest

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem


def edges(problem):
    """Edge rewards, ones if there are none."""
    if problem.edge_reward is None:
        return [np.ones(p.shape) for p in problem.model.probs]
    return [np.asarray(e) for e in problem.edge_reward]


def _with_tables(problem, probs, moves, rewards):
    model = TabularModel(probs, moves, n_terminal=int(problem.model.n_states[-1]))
    return Problem(model, problem.reward, problem.prm, edge_reward=rewards)


def rename(problem, random):
    """Permute the tokens of every state; states keep their places."""
    model, out = problem.model, ([], [], [])
    for tables in zip(model.probs, model.next_state, edges(problem), strict=True):
        shape = tables[0].shape
        orders = np.array([random.sample(range(shape[1]), shape[1]) for _ in range(shape[0])])
        for into, table in zip(out, tables, strict=True):
            into.append(np.take_along_axis(table, orders, axis=1))
    return _with_tables(problem, *out)


def split(problem):
    """Give half of the probability of token 0 to a new last token that does the same."""
    model = problem.model
    probs = [np.column_stack([p[:, :1] / 2, p[:, 1:], p[:, :1] / 2]) for p in model.probs]
    moves = [np.column_stack([to, to[:, :1]]) for to in model.next_state]
    rewards = [np.column_stack([e, e[:, :1]]) for e in edges(problem)]
    return _with_tables(problem, probs, moves, rewards)


def rescale(problem, scales):
    """Multiply V^ of level 0, 1, ... by these numbers; the leaves keep r."""
    pairs = zip_longest(problem.prm[:-1], scales[: problem.horizon], fillvalue=1.0)
    return problem.with_prm([*(v * c for v, c in pairs), problem.prm[-1]])
