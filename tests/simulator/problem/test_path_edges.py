"""Paths through the flat tables are those of the models' own (T1)."""

import numpy as np
import pytest
from hypothesis import given

from simulator.errors import InputError
from simulator.problem.path_edges import path_edges
from simulator.strategies import problems
from tests.support.prefixes import Tree, real


@given(problems(lossy=False))
def test_states_and_edges_are_those_of_the_prefixes(problem):
    tree, model, edges = Tree(problem, real), problem.model, problem.forward_backward.edges
    states, taken = path_edges(model, tree.paths)
    for row, y in enumerate(tree.paths):
        rows = [model.state_start[h] + tree.state[y[:h]] for h in range(problem.horizon + 1)]
        assert states[row].tolist() == rows
        steps = [tree.step[y[:h]] for h in range(1, problem.horizon + 1)]
        assert np.exp(edges.log_prob[taken[row]]) == pytest.approx(steps, rel=1e-12)
    assert (edges.source[taken] == states[:, :-1]).all()
    assert (edges.target[taken] == states[:, 1:]).all()


@given(problems(tree=True, max_leaves=4))
def test_tokens_that_do_not_fit_are_refused(problem):
    short = np.zeros((2, problem.horizon + 1), dtype=int)
    with pytest.raises(InputError, match=r"\Atokens: shape "):
        path_edges(problem.model, short)
    with pytest.raises(InputError, match=r"\Atokens: not all between 0 and "):
        path_edges(problem.model, short[:, 1:] + problem.model.n_actions)
