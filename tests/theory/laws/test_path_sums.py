"""sigma by passes over edges equals sigma by its definition on the tree of prefixes (T0, T1)."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given

from simulator.errors import TooLargeError
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from theory.criteria import criteria
from theory.laws.path_sums import PathSum
from theory.laws.sigma import sigma

FAMILIES = ("smc", "smc-rs", "sis")
BIASED = open_problem("random-automaton:n_states=3,horizon=6,seed=2,edge_sigma=0.4,sigma=0.5")


def by_definition(tree, family, y):
    """Sum of dpi*_h/deta_h over pairs, of pi*_h/pi^_h, or pi*/pi_ref."""
    prefixes = [y[:h] for h in range(tree.horizon + 1)]
    if family == "sis":
        return tree.target(y) / tree.p[y]
    if family == "smc-rs":
        return sum(tree.density(x) for x in prefixes[1:-1])
    total = 0.0
    for x, c in pairwise(prefixes):
        intermediate = tree.p[x] * tree.hat[x] / tree.z_hat[len(x)]
        total += tree.target(c) / (intermediate * tree.step[c])
    return total


@given(problems(lossy=False))
def test_passes_over_edges_agree_with_the_definition(problem):
    tree = Tree(problem, real)
    paths = [y for y in tree.paths if tree.target(y) > 0]
    target = np.array([tree.target(y) for y in paths])
    ends = np.array([tree.state[y] for y in paths])
    f = np.cos(np.arange(problem.model.n_states[-1]))  # any function of the terminal state
    for family in FAMILIES:
        numbers = sigma(problem, family)
        expected = np.array([by_definition(tree, family, y) for y in paths])
        size = 1e-12 * max(expected.max(), 1.0)
        assert numbers.values(paths) == pytest.approx(expected, rel=1e-12, abs=1e-13)
        assert numbers.mean(f) == pytest.approx(target @ (expected * f[ends]), abs=size)
        assert numbers.limits() == pytest.approx((expected.min(), expected.max()), abs=size)


@pytest.mark.parametrize(
    "name", ["reference", "eos", "brackets:length=6,prm=greedy,failed_reward=0.05", "lm-review"]
)
def test_the_mean_of_sigma_is_what_chi_square_says(name):
    problem = open_problem(name)
    c, one = criteria(problem), np.ones(problem.model.n_states[-1])
    means = [sigma(problem, family).mean(one) for family in FAMILIES]
    assert means[0] == pytest.approx((1 + c.proposal_chi2).sum(), rel=1e-11)
    assert means[1] == pytest.approx((1 + c.chi2[:-1]).sum(), rel=1e-11)
    assert means[2] == pytest.approx(1 + c.sequence_chi2, rel=1e-11)


def test_a_long_chain_of_shared_states_needs_no_paths():
    problem = open_problem(
        "random-automaton:n_states=100,n_actions=4,horizon=200,seed=1,edge_sigma=0.1"
    )
    c, numbers = criteria(problem), sigma(problem, "smc")
    mean = numbers.mean(np.ones(100))
    assert mean == pytest.approx((1 + c.proposal_chi2).sum(), rel=1e-10)
    low, high = numbers.limits()
    assert low < mean < high


def test_a_level_missed_or_another_law_of_pairs_is_another_number():
    c, one = criteria(BIASED), np.ones(3)
    right = sigma(BIASED, "smc")
    edges = BIASED.forward_backward.edges
    for h in range(BIASED.horizon):
        gain = right.gain.copy()
        gain[edges.start[h] : edges.start[h + 1]] = 0.0
        missed = PathSum(BIASED, gain, right.factor, 0.0).mean(one)
        assert right.mean(one) - missed == pytest.approx(1 + c.proposal_chi2[h], rel=1e-11)
        assert right.mean(one) - missed > 1
    wrong = sigma(BIASED, "smc-rs").mean(one) + 1 + c.chi2[-1]  # pi^_h in place of eta_h
    assert abs(wrong - right.mean(one)) > 0.1


def test_numbers_beyond_floats_are_refused_or_not_finite():
    rows = [[[1 - 1e-200, 1e-200]], [[1 - 1e-200, 1e-200]] * 2]
    rare = Problem(TabularModel.tree(rows), [0.0, 0.0, 0.0, 1.0], "exact")
    assert sigma(rare, "sis").limits()[1] == np.inf
    tiny = Problem(TabularModel.tree([[[1 - 1e-300, 1e-300]]]), [0.0, 1.0], "exact")
    assert sigma(tiny, "sis").limits() == pytest.approx((1e300, 1e300))
    below = Problem.from_log(
        TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]),
        np.zeros(4),
        np.array([0.0, -800.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    )
    with pytest.raises(TooLargeError, match=r"\Alaw: sigma is beyond the range of floats\Z"):
        sigma(below, "smc")
