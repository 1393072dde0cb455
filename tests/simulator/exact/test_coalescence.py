"""Largest coalescence ratios and their falls, edge by edge, against prefixes (T0)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.exact.coalescence import coalescence, expected_shortfall
from simulator.exact.coalescence_kernel import look_ahead
from simulator.exact.second_moments import weighted_edges
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.strategies import problems
from tests.support.prefixes import Tree, real


def ratios(tree, x, rejection):
    """rho_{k,t} of a prefix x of k tokens, over t."""
    k, parent = len(x), x if rejection else x[:-1]
    here = tree.z_hat[len(parent)] / tree.hat[parent]
    return [tree.ahead(x, t) * here / tree.z_hat[t] for t in range(k + rejection, tree.horizon + 1)]


@settings(max_examples=80)
@given(problems(max_leaves=16, tree=True), st.booleans())
def test_largest_and_falls_are_those_of_the_prefixes(problem, rejection):
    tree = Tree(problem, real)
    if tree.z_alive == 0:
        return
    found, a, checked = coalescence(problem, rejection=rejection), problem.model.n_actions, 0
    for x in tree.nodes():
        if not x or tree.hat[x] == 0 or len(x) > tree.horizon - rejection:
            continue
        rho = ratios(tree, x, rejection)
        parent = int(problem.model.state_start[len(x) - 1]) + tree.state[x[:-1]]
        edge = parent * a + x[-1]
        assert math.exp(found.log_largest[edge]) == pytest.approx(max(rho), rel=1e-9)
        falls = sum(max(p - q, 0.0) for p, q in itertools.pairwise(rho))
        assert math.exp(found.log_falls[edge]) == pytest.approx(falls, rel=1e-9, abs=1e-12)
        checked += 1
    assert checked or rejection


def test_the_compiled_sweeps_are_the_plain_ones():
    problem = reference(4)
    edges, model = weighted_edges(problem), problem.model
    for first in (0, 1):
        arguments = (2, model.state_start, edges.target, edges.log_weighted, first)
        for fast, plain in zip(look_ahead(*arguments), look_ahead.py_func(*arguments), strict=True):
            assert fast == pytest.approx(plain, rel=1e-14, abs=1e-14)


def test_values_that_span_more_than_floats_do_are_numbers():
    problem = Problem.from_log(
        TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]), [0.0] * 4,
        np.array([0.0, 600.0, -600.0, 0.0, 0.0, 0.0, 0.0]),
    )  # fmt: skip
    # the first token with small V^ is lost; R_1 of the other is 2 (rho_{1,1}), by rejection 1/2
    assert expected_shortfall(problem, 4) == pytest.approx(0.5 + 0.5 / 5, rel=1e-12)
    assert expected_shortfall(problem, 4, rejection=True) == pytest.approx(0.5, rel=1e-12)


def test_where_all_mass_is_lost_the_shortfall_is_one():
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    problem = Problem(
        model, [1.0, 1.0, 0.0, 0.0], [[1.0], [0.0, 1.0], [1.0, 1.0, 0.0, 0.0]]
    )  # fmt: skip
    for rejection in (False, True):
        assert expected_shortfall(problem, 3, rejection=rejection) == 1.0


def test_a_horizon_of_minutes_is_refused():
    with pytest.raises(TooLargeError, match="square of the horizon"):
        expected_shortfall(product(100_000), 2)
