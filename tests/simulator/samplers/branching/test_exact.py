"""SMC-IND's exact laws: against truncated enumeration, closed forms and each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.branching.exact import (
    branching_law,
    extinction,
    log_chance_beyond,
    shortfall,
)
from simulator.samplers.branching.moments import leaf_counts, path_moment, relative_variance
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.wandering import INDEPENDENT_MUTANTS, chances, gap, leaf_pairs, lossy, output_law


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "n"), [(reference(2), 1), (reference(2), 3), (lossy(), 2)])
def test_law_equals_truncated_enumeration(problem, n):
    exact = branching_law(problem, n)
    law, dead, lacks = output_law(Tree(problem), n)
    assert lacks < 1e-6
    assert gap(exact, law) < lacks + 1e-12
    assert exact.failure == pytest.approx(dead, abs=1e-12)


@pytest.mark.parametrize("mutant", INDEPENDENT_MUTANTS)
def test_a_wrong_sampler_has_another_law(mutant):
    problem = reference(2)
    law, dead, _ = output_law(Tree(problem), 2, 64, mutant)
    exact = branching_law(problem, 2)
    assert max(gap(exact, law), abs(dead - exact.failure)) > 0.01


def test_shortfall_is_that_of_the_enumerated_number_of_leaves():
    problem, n = reference(2), 3
    pairs = leaf_pairs(Tree(problem), (0, 0), n, 128)
    k = np.add.outer(np.arange(128), np.arange(128))
    w = math.exp(problem.log_prm_flat[0] - problem.log_z) * k / n
    lacks = 1 - pairs.sum()
    assert shortfall(problem, n) == pytest.approx(
        (pairs * np.maximum(0, 1 - w)).sum(), abs=lacks + 1e-12
    )


def family(tree, x, y, z):
    """E[K_y K_z] of one particle at x, and E[K_y], E[K_z], by sums over prefixes, in fractions."""

    def mean(x, y):
        return tree.p[y] * tree.hat[y] / (tree.p[x] * tree.hat[x]) if y[: len(x)] == x else 0

    pairs = mean(x, y) if y == z else 0
    for k in range(len(x), tree.horizon):
        w = y[:k]
        if w == z[:k] and mean(x, w) > 0:
            pairs += 2 * mean(x, w) * mean(w, y) * mean(w, z)
    return pairs, mean(x, y), mean(x, z)


@settings(max_examples=40)
@given(problems(max_leaves=9, tree=True, max_horizon=3), st.integers(1, 4))
def test_moments_of_the_numbers_of_leaves(problem, n):
    tree = Tree(problem)
    mean, covariance = leaf_counts(problem, n)
    for y in tree.paths:
        for z in tree.paths:
            pairs, one, other = (float(x) for x in family(tree, (), y, z))
            i, j = tree.state[y], tree.state[z]
            assert mean[i] == pytest.approx(n * one, rel=1e-9, abs=1e-12)
            expected = n * (pairs - one * other)
            assert covariance[i, j] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_moments_are_those_of_the_enumerated_law():
    # the array lacks 3e-10, with K^2 of the order of 10^5 there
    problem = reference(2)
    mean, covariance = leaf_counts(problem, 2)
    pairs = leaf_pairs(Tree(problem), (0, 1), 2, 160)
    i = np.arange(160)
    y, rest = pairs.sum(1) @ i, pairs.sum(0) @ i
    assert mean[1] == pytest.approx(y, abs=1e-6)
    assert mean.sum() - mean[1] == pytest.approx(rest, abs=1e-6)
    assert covariance[1, 1] == pytest.approx(pairs.sum(1) @ i**2 - y**2, abs=1e-5)
    cross = covariance[1].sum() - covariance[1, 1]
    assert cross == pytest.approx(i @ pairs @ i - y * rest, abs=1e-5)


@settings(max_examples=60)
@given(problems(max_leaves=16), st.integers(1, 5))
def test_law_failure_weights_and_variance_fit_together(problem, n):
    exact = branching_law(problem, n, with_shortfall=True)
    assert exact.law.sum() + exact.failure == pytest.approx(1, abs=1e-12)
    assert exact.failure == pytest.approx(extinction(problem, n), abs=1e-13)
    assert exact.weighted.sum() == pytest.approx(exact.mean_w_over_z, abs=1e-12)
    mean, covariance = leaf_counts(problem, n)
    scale = problem.prm[0][0] / n / math.exp(problem.log_z)
    assert scale * mean.sum() == pytest.approx(exact.mean_w_over_z, abs=1e-12)
    if mean.sum() > 0:
        variance = covariance.sum() / mean.sum() ** 2
        assert exact.relative_variance == pytest.approx(variance, rel=1e-9)
        assert exact.tv <= exact.shortfall + 1e-11  # C.3, also with lost mass
    states = branching_law(problem, n, "states")
    paths = unfold(problem)
    there = np.bincount(paths.terminal, branching_law(paths.problem, n).law, states.law.size)
    np.testing.assert_allclose(states.law, there, rtol=0, atol=1e-12)


@settings(max_examples=40)
@given(problems(max_leaves=9, max_horizon=3, lossy=False, tree=True), st.integers(1, 4))
def test_path_moment_is_the_second_moment_of_the_weight_given_the_output(problem, n):
    # E[W^2 1{Y=y}] = (V^(root)/N)^2 E[K K_y]
    mean, covariance = leaf_counts(problem, n)
    both = covariance.sum(axis=1) + mean * mean.sum()
    target, scale = problem.target[-1], problem.prm[0][0] / n / math.exp(problem.log_z)
    hit = target > 0
    np.testing.assert_allclose(
        path_moment(problem, n)[hit], (scale**2 * both / np.where(hit, target, 1))[hit], rtol=1e-9
    )


@settings(max_examples=30)
@given(problems(max_leaves=27, prm="perfect"), st.integers(1, 6))
def test_a_perfect_prm_leaves_extinction_only(problem, n):
    problem = problem.with_prm("exact")
    exact = branching_law(problem, n)
    h = problem.horizon
    assert exact.failure == pytest.approx((h / (h + 1)) ** n, abs=1e-12)
    np.testing.assert_allclose(exact.law, exact.target * (1 - exact.failure), rtol=0, atol=1e-12)
    assert exact.relative_variance == pytest.approx(2 * h / n)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_the_quadrature_resolves_populations_of_any_size(scale):
    problem = reference(3)
    problem = problem.with_prm([v * scale for v in problem.prm[:-1]] + [problem.prm[-1]])
    for n in (1, 1000):
        exact = branching_law(problem, n)
        assert exact.law.sum() + exact.failure == pytest.approx(1, abs=1e-12)


def test_long_horizons_need_no_enumeration_on_states():
    exact = branching_law(product(300), 2000, "states")
    assert exact.failure == pytest.approx((300 / 301) ** 2000, rel=1e-9)
    with pytest.raises(TooLargeError, match="token paths"):
        branching_law(product(300), 2)


@pytest.mark.parametrize("n", [1, 3])
def test_the_chance_of_a_cut_is_bounded_and_not_by_far(n):
    # one level: the number made is a sum of n geometric variables
    problem, m = reference(1), 60
    p = float(chances(Tree(problem), ())[0])

    def beyond(m):
        terms = (math.comb(i + n - 1, i) * (1 - p) ** i * p**n for i in range(m + 1, m + 900))
        return math.log(math.fsum(terms))

    assert beyond(m) <= log_chance_beyond(problem, n, m) <= beyond(3 * m // 4)
    assert log_chance_beyond(problem, n, math.inf) == -math.inf
    with pytest.raises(TooLargeError, match="more than 20 particles"):
        branching_law(problem, n, most=20)


def test_nothing_to_reach_is_failure():
    tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    problem = Problem(tree, [1.0] * 4, [[1.0], [0.0, 0.0], [1.0] * 4])
    exact = branching_law(problem, 2, with_shortfall=True)
    assert exact.failure == exact.tv == exact.shortfall == 1
    assert exact.relative_variance == relative_variance(problem, 2) == math.inf


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="on: 'leaves'"):
        branching_law(reference(1), 1, "leaves")
    steep = Problem.from_log(TabularModel.tree([[[0.5, 0.5]]]), [0.0, 0.0], [-800.0, 0, 0])
    with pytest.raises(InputError, match="stage 0, row 0"):
        branching_law(steep, 1)
    wide = reference(9)
    with pytest.raises(TooLargeError, match="512 terminal"):
        leaf_counts(wide, 1)
