"""Unfolding a problem on shared states into the tree of its paths (T0, T1)."""

from collections import Counter
from itertools import product as product_of

import numpy as np
import pytest
from hypothesis import given

from simulator.errors import TooLargeError
from simulator.problem.families.product import product
from simulator.problem.problem import Problem
from simulator.problem.unfold import all_paths, count_paths, unfold
from simulator.resampling.compositions import compositions, multisets
from simulator.strategies import problems
from tests.support.prefixes import Tree


@pytest.mark.slow
@given(problems())
def test_unfolding_lists_the_paths_and_keeps_every_value(problem):
    tree, unfolded = Tree(problem), unfold(problem)
    flat = unfolded.problem
    assert [tuple(t) for t in unfolded.tokens.tolist()] == sorted(tree.paths)
    assert unfolded.terminal.tolist() == [tree.state[y] for y in sorted(tree.paths)]
    assert not flat.has_edge_reward
    assert flat.is_tree
    assert count_paths(problem) == len(tree.paths)
    assert flat.log_z == pytest.approx(problem.log_z, abs=1e-12)
    for h, level in enumerate(tree.levels):
        assert flat.value[h] == pytest.approx([float(tree.v[x]) for x in sorted(level)], rel=1e-12)
        alive = np.array([tree.hat[x] > 0 for x in sorted(level)])
        want = np.array([float(tree.hat[x]) for x in sorted(level)])
        assert flat.prm[h][alive] == pytest.approx(want[alive], rel=1e-12)
        target = [float(tree.target(x)) for x in sorted(level)]
        assert flat.target[h] == pytest.approx(target, abs=1e-12)


@given(problems(tree=True))
def test_all_paths_name_the_leaves_of_a_tree(problem):
    tree, paths = Tree(problem), all_paths(problem).tolist()
    where = {tree.state[y]: list(y) for y in tree.paths}
    for leaf, tokens in enumerate(paths):
        assert tokens == where.get(leaf, [-1] * problem.horizon)


def test_paths_are_counted_beyond_the_range_of_floats():
    assert count_paths(product(2000)) == np.inf
    assert count_paths(product(100)) == 2.0**100


def test_too_many_paths_are_refused_in_one_line():
    with pytest.raises(TooLargeError, match=r"\Aunfolding: .* token paths, the limit is .*\Z"):
        unfold(product(64))


def test_a_tree_stays_itself():
    problem = product(3)
    once = unfold(problem)
    twice = unfold(once.problem)
    assert isinstance(twice.problem, Problem)
    assert twice.tokens.tolist() == once.tokens.tolist()
    assert twice.problem.digest == once.problem.digest


@pytest.mark.parametrize(("kinds", "size"), [(1, 4), (3, 1), (4, 3), (2, 5), (3, 0)])
def test_compositions_are_the_multisets_with_their_multiplicity(kinds, size):
    table = compositions(kinds, size)
    times = Counter(tuple(sorted(word)) for word in product_of(range(kinds), repeat=size))
    assert [tuple(row) for row in table.sequence.tolist()] == sorted(times)
    assert table.coefficient.tolist() == [times[row] for row in sorted(times)]
    assert table.counts.tolist() == [[row.count(k) for k in range(kinds)] for row in sorted(times)]
    assert multisets(kinds, size) == len(times)
