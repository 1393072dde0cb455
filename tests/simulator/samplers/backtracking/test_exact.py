"""VGB's exact laws: against steps taken one by one, absorption and reversibility."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.unfold import unfold
from simulator.samplers.backtracking.exact import walk_law, walk_on
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.wandering import WALK_MUTANTS, gap, lossy, walk


@settings(max_examples=60)
@given(problems(max_leaves=9, max_horizon=3), st.integers(0, 9), st.booleans(), st.integers(0, 12))
def test_law_equals_steps_taken_one_by_one(problem, steps, first_leaf, more):
    exact = walk_law(problem, steps, first_leaf=first_leaf, most=steps + more)
    tree = Tree(problem)
    most = steps + more if first_leaf else None
    place = walk(tree, steps, first_leaf=first_leaf, most=most)
    assert gap(exact, place) < 1e-12
    away = sum(w for x, w in place.items() if x == "s" or len(x) < tree.horizon)
    assert exact.failure == pytest.approx(away, abs=1e-12)


@pytest.mark.parametrize("mutant", WALK_MUTANTS)
@pytest.mark.parametrize("problem", [reference(3), lossy()], ids=["reference", "lossy"])
def test_a_wrong_walk_has_another_law(problem, mutant):
    exact = walk_law(problem, 9, first_leaf=False, most=100)
    assert gap(exact, walk(Tree(problem), 9)) < 1e-12
    assert gap(exact, walk(Tree(problem), 9, mutant)) > 1e-3


@settings(max_examples=60)
@given(problems(max_leaves=16))
def test_stationary_law_is_reversible_and_has_the_closed_form(problem):
    unfolded, tree = unfold(problem), Tree(problem)
    chain = walk_on(unfolded.problem)
    flow = chain.stationary[:, None] * chain.transition.toarray()
    np.testing.assert_allclose(flow, flow.T, rtol=0, atol=1e-15)
    np.testing.assert_allclose(chain.transition.sum(axis=1), 1, rtol=1e-14)
    weights = []
    for level in tree.levels:
        for x in level:
            below = sum(q * tree.hat[c] for q, c in tree.kernel.get(x, []))
            weights.append(float(tree.p[x] * (tree.hat[x] + (below if tree.hat[x] > 0 else 0))))
    weights = np.array([*weights, float(tree.hat[()])])
    np.testing.assert_allclose(chain.stationary, weights / weights.sum(), rtol=0, atol=1e-12)


@pytest.mark.slow
@settings(max_examples=10)
@given(problems(max_leaves=9, max_horizon=3, prm="biased"))
def test_late_walks_at_a_leaf_have_the_target_law_whatever_the_prm(problem):
    exact = walk_law(problem, problem.horizon + 20_000, first_leaf=False, most=10**6)
    success = 1 - exact.failure
    np.testing.assert_allclose(exact.law / success, exact.target, rtol=0, atol=1e-9)


@settings(max_examples=30)
@given(problems(max_leaves=16), st.integers(0, 12))
def test_first_leaf_is_where_the_chain_is_absorbed(problem, steps):
    tree = unfold(problem).problem
    if not np.isfinite(tree.forward_backward.log_z_alive):
        return
    chain = walk_on(tree)
    p = chain.transition.toarray()
    now = np.zeros(len(p))
    now[0] = 1.0
    now = now @ np.linalg.matrix_power(p, steps)
    leaf = np.zeros(len(p), dtype=bool)
    leaf[chain.leaves] = True
    lost = np.linalg.solve(np.eye((~leaf).sum()) - p[~leaf][:, ~leaf].T, now[~leaf])
    exact = walk_law(tree, steps, first_leaf=True, most=10**7)
    np.testing.assert_allclose(exact.law, now[leaf] + lost @ p[~leaf][:, leaf], atol=1e-11)
    assert exact.failure < 1e-12


def test_late_first_leaves_weigh_the_steps_to_the_next():
    # by reversal ∝ pi*(y) E_y[steps until the next leaf], over both parities of the time
    problem = reference(3)
    chain = walk_on(problem)
    p = chain.transition.toarray()
    leaf = np.zeros(len(p), dtype=bool)
    leaf[chain.leaves] = True
    until = np.zeros(len(p))
    until[~leaf] = np.linalg.solve(np.eye((~leaf).sum()) - p[~leaf][:, ~leaf], np.ones(sum(~leaf)))
    weight = problem.target[-1] * (1 + p @ until)[leaf]
    late = [walk_law(problem, t, first_leaf=True, most=10**7).law for t in (4000, 4001)]
    np.testing.assert_allclose(sum(late) / 2, weight / weight.sum(), rtol=0, atol=1e-10)
    assert 0.1 < np.maximum(problem.target[-1] - sum(late) / 2, 0).sum() < 0.12


@settings(max_examples=30)
@given(problems(max_leaves=16, prm="perfect"), st.integers(0, 20))
def test_with_a_perfect_prm_the_first_leaf_is_exact_at_any_time(problem, steps):
    exact = walk_law(problem.with_prm("exact"), steps, first_leaf=True, most=10**6)
    assert exact.tv < 1e-12


def test_outcomes_are_summed_over_states():
    problem = product(4)
    paths, states = (
        walk_law(problem, 12, first_leaf=True, most=500, on=on) for on in ("paths", "states")
    )
    assert paths.law.size == 16
    assert states.law.tolist() == pytest.approx([paths.law.sum()])


def test_too_much_is_refused():
    for steps, limit in ((10**6, 1e5), (3, 40)):
        with pytest.raises(TooLargeError):
            walk_law(reference(3), steps, first_leaf=True, most=10**7, limit=limit)
