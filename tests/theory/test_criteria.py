"""Every criterion of paper/sections/setting.tex against loops over prefixes."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.families.variance import variance
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from theory.criteria import Criteria, criteria

EXACT = {"rel": 1e-9, "abs": 1e-11}


def _ratio(a, b):
    return a / b if b > 0 else (1.0 if a == 0 else math.inf)


def _chi2(tree, level):
    cells = [(tree.target(x), x) for x in tree.levels[level]]
    if any(p > 0 and tree.hat[x] == 0 for p, x in cells):
        return math.inf
    pi_hat = [(tree.p[x] * tree.hat[x] / tree.z_hat[level], p) for p, x in cells if tree.hat[x] > 0]
    return sum((p - m) ** 2 / m for m, p in pi_hat)


def _proposal_chi2(tree, level):
    total = 0.0
    for x, c in tree.edges(level):
        p = tree.target(c)  # of the pair: a prefix knows its parent
        if tree.hat[x] == 0:
            total += math.inf if p > 0 else 0.0
        else:
            eta = tree.p[x] * tree.hat[x] / tree.z_hat[level - 1] * tree.step[c]
            total += (p - eta) ** 2 / eta
    return total


def _spread(tree, level):
    if any(tree.v[x] > 0 and tree.hat[x] == 0 for x in tree.levels[level]):
        return math.inf
    ratios = [tree.v[x] / tree.hat[x] for x in tree.levels[level] if tree.hat[x] > 0]
    return max(ratios) / min(ratios) if min(ratios) > 0 else math.inf


def _bellman(tree):
    inner = [x for x in tree.nodes() if tree.hat[x] > 0 and len(x) < tree.horizon]
    ratios = [
        sum(tree.step[c] * tree.hat[c] for c in tree.children(x)) / tree.hat[x] for x in inner
    ]
    return [min(ratios), max(ratios)]


def _pair_spread(tree, level):
    before = itertools.chain.from_iterable(tree.levels[:level])
    if any(tree.v[x] > 0 and tree.hat[x] == 0 for x in before):
        return math.inf
    u = [tree.v[c] / tree.hat[x] for x, c in tree.edges(level) if tree.hat[x] > 0]
    return max(u) / min(u) if min(u) > 0 else math.inf


def _bellman_of(tree, level):
    return [
        sum(tree.step[c] * tree.hat[c] for c in tree.children(x)) / tree.hat[x]
        for x in tree.levels[level] if tree.hat[x] > 0
    ]  # fmt: skip


def _bellman_error(tree):
    ratios = [b for h in range(1, tree.horizon) for b in _bellman_of(tree, h)]
    return max([1, *ratios, *(1 / b if b > 0 else math.inf for b in ratios)]) - 1


def _prm_step(tree):
    root = _bellman_of(tree, 0)[0] * tree.hat[()]
    first = [tree.hat[c] / root for c in tree.children(()) if root > 0]
    edges = (edge for h in range(2, tree.horizon + 1) for edge in tree.edges(h))
    return max([0, *first, *(tree.hat[c] / tree.hat[x] for x, c in edges if tree.hat[x] > 0)])


NAIVE = {
    "action_coverage": lambda t: max(
        t.v[c] / t.v[x] for x in t.nodes() for c in t.children(x) if t.v[x] > 0
    ),
    "prm_coverage": lambda t: max(
        t.hat[c] / t.hat[x] for x in t.nodes() for c in t.children(x) if t.hat[x] > 0
    ),
    "prm_accuracy": lambda t: max(
        max(_ratio(t.v[x], t.hat[x]), _ratio(t.hat[x], t.v[x])) for x in t.nodes()
    ),
    "chi2": lambda t: [_chi2(t, h) for h in range(1, t.horizon + 1)],
    "proposal_chi2": lambda t: [_proposal_chi2(t, h) for h in range(1, t.horizon + 1)],
    "bellman_ratio": _bellman,
    "sequence_coverage": lambda t: max(t.v[x] for x in t.paths) / t.z,
    "sequence_chi2": lambda t: sum(t.p[x] * (t.v[x] / t.z - 1) ** 2 for x in t.paths),
    "loses_mass": lambda t: t.lossy,
    "level_action_coverage": lambda t: [
        max(t.v[c] / t.v[x] for x, c in t.edges(h) if t.v[x] > 0) for h in range(1, t.horizon + 1)
    ],
    "level_spread": lambda t: [_spread(t, h) for h in range(t.horizon + 1)],
    "pair_spread": lambda t: [_pair_spread(t, h) for h in range(1, t.horizon + 1)],
    "bellman_error": _bellman_error,
    "prm_step": _prm_step,
}


def _agrees(problem):
    tree, found = Tree(problem, real), criteria(problem)
    for name, naive in NAIVE.items():
        assert np.asarray(getattr(found, name)) == pytest.approx(naive(tree), **EXACT), name


@pytest.mark.slow
@settings(max_examples=150)
@given(problems(max_leaves=27))
def test_criteria_are_those_of_the_definitions(problem):
    _agrees(problem)


@settings(max_examples=60)
@given(problems(max_leaves=16, tree=False), st.data())
def test_criteria_are_right_where_edge_rewards_are_zero(problem, data):
    number = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0])
    edges = [
        np.reshape(data.draw(st.lists(number, min_size=p.size, max_size=p.size)), p.shape)
        for p in problem.model.probs
    ]
    try:
        zeros = Problem(problem.model, problem.reward, problem.prm, edge_reward=edges)
    except InputError:
        assume(False)
    _agrees(zeros)


@pytest.mark.slow
def test_the_strategy_reaches_every_case():
    seen = set()

    @settings(max_examples=400)
    @given(problems(max_leaves=27))
    def look(problem):
        tree = Tree(problem, real)
        nodes = list(tree.nodes())
        seen.update(
            name
            for name, here in {
                "edge rewards": problem.has_edge_reward,
                "zero rewards": any(tree.v[x] == 0 for x in tree.paths),
                "hope without value": any(tree.hat[x] > 0 and tree.v[x] == 0 for x in nodes),
                "lost mass": tree.lossy,
                "root is not Z": abs(tree.hat[()] / tree.z - 1) > 0.1,
                "shared states": not problem.is_tree,
                "perfect": max(criteria(problem).chi2) < 1e-12,
            }.items()
            if here
        )

    look()
    assert len(seen) == 7, seen


@settings(max_examples=60)
@given(problems(max_leaves=16), st.sampled_from([1 - 1e-6, 1.0, 1 + 1e-6]))
def test_profiles_count_the_ratios_at_and_above_the_threshold(problem, nudge):
    tree, found = Tree(problem, real), criteria(problem)
    for h in range(tree.horizon + 1):
        atoms = [(tree.density(x), tree.target(x)) for x in tree.levels[h] if tree.v[x] > 0]
        for m in {0.5, 1.0} | {a * nudge for a, _ in atoms if a < math.inf}:
            want = sum(p for a, p in atoms if a >= m * (1 - 1e-11))
            assert found.coverage_profile(m, h) == pytest.approx(want, **EXACT)
    for h in range(1, tree.horizon + 1):
        steps = [(tree.v[c] / tree.v[x], tree.target(c)) for x, c in tree.edges(h) if tree.v[c] > 0]
        for eta in {a * nudge for a, _ in steps}:
            want = sum(p for a, p in steps if a >= eta * (1 - 1e-11))
            assert found.action_coverage_profile(eta, h) == pytest.approx(want, **EXACT)


@pytest.mark.slow
@given(problems(max_leaves=27))
def test_the_printed_form_of_chi_square_and_its_limit_through_coverage(problem):
    tree, found = Tree(problem, real), criteria(problem)
    assume(not tree.lossy)
    for h in range(1, tree.horizon + 1):
        mean = sum(
            tree.target(x) * tree.v[x] / tree.hat[x] for x in tree.levels[h] if tree.v[x] > 0
        )
        assert found.chi2[h - 1] == pytest.approx(tree.z_hat[h] / tree.z * mean - 1, **EXACT)
    before = np.append(0.0, found.chi2[:-1])
    limit = found.action_coverage * (1 + before) - 1
    assert (found.proposal_chi2 <= limit * (1 + 1e-9) + 1e-9).all()


@settings(max_examples=60)
@given(problems(max_leaves=16, tree=False))
def test_merging_equivalent_states_changes_nothing(problem):
    apart = criteria(unfold(problem).problem)
    for name in NAIVE:
        got = np.asarray(getattr(criteria(problem), name))
        assert got == pytest.approx(np.asarray(getattr(apart, name)), **EXACT), name


BLIND = ("action_coverage", "chi2", "proposal_chi2", "level_spread", "level_action_coverage")


@settings(max_examples=60)
@given(problems(max_leaves=16), st.lists(st.sampled_from([0.01, 0.5, 7.0]), min_size=5, max_size=5))
def test_scaling_the_prm_level_by_level_changes_only_what_it_should(problem, scales):
    values = [v * c for v, c in zip(problem.prm[:-1], scales, strict=False)]
    other = problem.with_prm([*values, problem.prm[-1]])
    for name in BLIND:
        got = np.asarray(getattr(criteria(other), name))
        assert got == pytest.approx(np.asarray(getattr(criteria(problem), name)), **EXACT), name


@pytest.mark.slow
@given(problems(max_leaves=16, edges=False), st.sampled_from([1e-3, 40.0]))
def test_scaling_reward_and_prm_together_changes_nothing(problem, scale):
    other = Problem(problem.model, problem.reward * scale, [v * scale for v in problem.prm])
    for name in NAIVE:
        got = np.asarray(getattr(criteria(other), name))
        assert got == pytest.approx(np.asarray(getattr(criteria(problem), name)), **EXACT), name


def test_a_wrong_scale_of_the_root_counts_in_the_accuracy_only():
    problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], [[10.0], [1.0, 3.0]])
    c = criteria(problem)
    assert c.prm_accuracy == pytest.approx(5.0)
    assert c.prm_coverage == pytest.approx(0.3)
    assert c.action_coverage == pytest.approx(1.5)
    assert c.chi2 == pytest.approx([0.0])
    assert c.proposal_chi2 == pytest.approx([0.25])


def test_a_perfect_prm_has_chi_square_exactly_zero():
    tree = TabularModel.tree([[[0.3, 0.7]], [[0.1, 0.9], [0.6, 0.4]]])
    assert Criteria(Problem(tree, [0.1, 0.7, 0.0, 1.3], "exact")).chi2.max() < 1e-30


def test_the_variance_instance_is_harmless_by_the_criteria():
    c = criteria(variance(12))
    assert c.action_coverage == 1.0
    assert c.prm_coverage == pytest.approx(2.0)
    assert c.chi2.max() <= 1.0


def test_values_beyond_the_range_of_floats_do_not_matter():
    a, b = (
        Problem.from_log(TabularModel.tree([[[0.5, 0.5]]]), np.log([1.0, 3.0]) + c, values)
        for c, values in [
            (0.0, np.log([2.0, 1.0, 3.0])),
            (5000.0, np.log([2.0, 1.0, 3.0]) + 5000.0),
        ]
    )
    for name in NAIVE:
        want = np.asarray(getattr(criteria(a), name))
        assert np.asarray(getattr(criteria(b), name)) == pytest.approx(want, rel=1e-9, abs=1e-11)


def test_criteria_are_computed_once_for_a_problem():
    problem = variance(4)
    assert criteria(problem) is criteria(problem)
