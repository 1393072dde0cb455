"""Dynamic programming against sums over all sequences (T0, T1)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given

from simulator.problem.families.product import product
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.strategies import problems
from tests.support.prefixes import Tree, real


def marginal(problem, tree, level, weight):
    """Sum a weight of prefixes over the states of a level."""
    out = np.zeros(int(problem.model.n_states[level]))
    for x in tree.levels[level]:
        out[tree.state[x]] += float(weight(x))
    return out


def close(values):
    return pytest.approx(values, rel=1e-12, abs=1e-14)


@given(problems())
def test_values_target_and_marginals_are_sums_over_sequences(problem):
    tree = Tree(problem)
    fb, split = problem.forward_backward, problem.model.split
    assert problem.log_z == close(math.log(tree.z))
    forward = split(np.exp(fb.log_forward))
    for h, level in enumerate(tree.levels):
        factor = marginal(problem, tree, h, lambda x: tree.p[x] * tree.v[x])
        assert forward[h] * problem.value[h] == close(factor)
        assert problem.target[h] == close(marginal(problem, tree, h, tree.target))
        for x in level:
            # V*(path) = collected edge rewards · V*(state); the last level shows the former
            if problem.edge_reward is None:
                assert problem.value[h][tree.state[x]] == close(float(tree.v[x]))


@given(problems(max_leaves=16))
def test_what_is_alive_is_summed_over_alive_paths_only(problem):
    tree = Tree(problem)
    fb, split = problem.forward_backward, problem.model.split
    assert np.exp(fb.log_z_hat) == close([float(z) for z in tree.z_hat])
    assert np.exp(fb.log_z_alive) == close(float(tree.z_alive))
    assert fb.lost_mass == pytest.approx(1 - float(tree.z_alive / tree.z), abs=1e-12)
    forward = split(np.exp(fb.log_forward_alive))
    value = split(np.exp(fb.log_value_alive))
    kept = split(fb.alive_target_marginal)
    for h in range(problem.horizon + 1):
        mass = marginal(problem, tree, h, lambda x: tree.p[x] * tree.hat[x])
        assert forward[h] * problem.prm[h] == close(mass)
        to_end = marginal(problem, tree, h, lambda x: tree.p[x] * tree.ahead(x, tree.horizon))
        assert forward[h] * value[h] == close(to_end)
        share = to_end / float(tree.z_alive) if tree.z_alive else 0 * to_end
        assert kept[h] == close(share)


@given(problems(lossy=True))
def test_lost_states_are_those_the_target_visits_although_v_is_zero(problem):
    tree = Tree(problem)
    want = {
        (h, tree.state[x])
        for h, level in enumerate(tree.levels)
        for x in level
        if tree.v[x] > 0 and problem.prm[h][tree.state[x]] == 0
    }
    assert set(problem.lost_states) == want


@given(problems(max_leaves=16))
def test_the_tree_of_floats_and_that_of_fractions_list_the_same_sequences(problem):
    tree, floats = Tree(problem), Tree(problem, real)
    assert floats.levels == tree.levels
    assert floats.state == tree.state
    assert (floats.lossy, floats.z) == (tree.lossy, close(float(tree.z)))
    assert floats.z_hat == close([float(z) for z in tree.z_hat])
    for x in tree.nodes():
        assert (floats.hat[x] > 0) == (tree.hat[x] > 0)
        for name in ("p", "step", "factor", "v", "hat"):
            assert getattr(floats, name)[x] == close(float(getattr(tree, name)[x])), name
        assert floats.target(x) == close(float(tree.target(x)))
        below = [d for d in tree.paths if d[: len(x)] == x]
        ahead = sum(floats.p[d] * floats.hat[d] for d in below) / floats.p[x]
        assert floats.ahead(x, problem.horizon) == close(ahead)
        assert tree.v[x] == sum(tree.p[d] * tree.v[d] for d in below) / tree.p[x]


@given(problems(max_leaves=16))
def test_no_sequence_is_left_out(problem):
    tree, model = Tree(problem), problem.model
    for y in itertools.product(range(model.n_actions), repeat=problem.horizon):
        s, chance, factor = 0, 1.0, 1.0
        for h, a in enumerate(y):
            chance *= model.probs[h][s, a]
            factor *= 1.0 if problem.edge_reward is None else problem.edge_reward[h][s][a]
            s = model.next_state[h][s, a]
        assert tree.p.get(y, 0) == close(chance)
        if y in tree.p:
            assert tree.v[y] == close(factor * problem.reward[s])


def test_ten_thousand_levels_do_not_overflow():
    # Z = prod of (0.3 · 1000 + 0.7 · 5), beyond the range of floats after 123 levels
    horizon = 10_000
    model = TabularModel([[[0.3, 0.7]]] * horizon, [[[0, 0]]] * horizon)
    edge = np.array([[1000.0, 5.0]])
    problem = Problem.from_log(model, [0.0], np.zeros(horizon + 1), edge_reward=[edge] * horizon)
    assert problem.log_z == pytest.approx(horizon * math.log(303.5), rel=1e-12)
    assert problem.forward_backward.log_z_hat == pytest.approx(
        np.arange(horizon + 1) * math.log(303.5)
    )
    # two sweeps of H additions, each rounded at the size of log Z
    rounding = 2 * horizon * np.spacing(problem.log_z)
    assert np.concatenate(problem.target) == pytest.approx(np.ones(horizon + 1), abs=rounding)


@pytest.mark.parametrize("make", [product, two_branch])
def test_normalised_instances_stay_normalised_at_any_horizon(make):
    problem = make(10_000)
    assert problem.log_z == pytest.approx(0, abs=1e-9)
    assert np.abs(problem.forward_backward.log_z_hat).max() < 1e-9
    for target in problem.target[1:]:
        assert target == pytest.approx(np.full(len(target), 1 / len(target)), abs=1e-9)


@pytest.mark.parametrize("log_scale", [math.log(1e-300), -5000.0, 5000.0])
def test_a_scale_of_the_reward_shifts_log_z_and_nothing_else(log_scale):
    model = TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]])
    log_reward = np.log([1.0, 3.0, 2.0, 0.5])
    log_prm = np.concatenate([np.log([1.0, 0.7, 2.0]), log_reward])
    one = Problem.from_log(model, log_reward, log_prm)
    two = Problem.from_log(model, log_reward + log_scale, log_prm + log_scale)
    assert one.log_z == pytest.approx(math.log((0.9 * 1 + 0.1 * 3 + 0.2 * 2 + 0.8 * 0.5) / 2))
    assert two.log_z == pytest.approx(one.log_z + log_scale, abs=1e-11)
    for a, b in zip(one.target, two.target, strict=True):
        assert b == pytest.approx(a, abs=1e-11)
    assert two.forward_backward.log_z_hat == pytest.approx(
        one.forward_backward.log_z_hat + log_scale, abs=1e-11
    )
