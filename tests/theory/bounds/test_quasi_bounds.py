"""Bounds Q4 and Q of quasi-SMC: formulas on prefixes, exact laws below them, constants (T0)."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exact.cell_variation import variance_limits
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.quasi.order import prefix_ranks
from simulator.samplers.quasi.rules import outcomes
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from theory.bounds import cell_variation as variation_module
from theory.registry import BOUNDS, bounds_for

EVEN = ("pivotal", "systematic", "threshold")


def limits(tree, n, key):
    """v_0, ..., v_H from the definition, prefix by prefix."""
    v = [0.0]
    for t in range(1, tree.horizon + 1):
        total = 0.0
        for h in range(1, t + 1):
            cells = [c for x in tree.levels[h - 1] if tree.hat[x] > 0 for _, c in tree.kernel[x]]
            cells.sort(key=key)
            rho = [
                tree.ahead(c, t) / tree.hat[c[:-1]] * tree.z_hat[h - 1] / tree.z_hat[t]
                for c in cells
            ]
            total += (1 + v[h - 1]) * sum(abs(b - a) for a, b in pairwise(rho)) ** 2
        v.append(total / (4 * n * n))
    return v


@given(problem=problems(max_leaves=16, lossy=False, tree=True), n=st.integers(1, 4))
def test_the_limits_are_those_of_the_definition(problem, n):
    tree = Tree(problem, real)
    for order, key in (("lexicographic", None), ("token", lambda c: c[::-1])):
        ranks = prefix_ranks(problem, problem, order, 1e6)
        assert variance_limits(problem, n, ranks) == pytest.approx(limits(tree, n, key), rel=1e-9)


@pytest.mark.slow
@given(
    problem=problems(max_leaves=8, max_horizon=3, lossy=False),
    n=st.integers(1, 4), rule=st.sampled_from(EVEN), order=st.sampled_from(["auto", "token"]),
)  # fmt: skip
def test_variance_and_error_are_below_their_limits(problem, n, rule, order):
    sampler = QuasiSMC(n, rule, order)
    law = sampler.exact_law(problem)
    for name in ("Q4", "Q"):
        assert law.tv <= BOUNDS[name].value(problem, sampler) + 1e-10
    assert law.relative_variance <= variation_module.limits_of(problem, sampler)[-1] + 1e-10


def test_the_quarter_is_attained():
    """One level, one particle, cells of equal mass: the variance is the limit itself."""
    problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    law = QuasiSMC(1).exact_law(problem)
    assert law.relative_variance == pytest.approx(variance_limits(problem, 1)[-1], abs=1e-12)
    assert law.tv == pytest.approx(BOUNDS["Q4"].value(problem, QuasiSMC(1)), abs=1e-12)


def test_one_particle_on_independent_bits_attains_all_of_it():
    """A level missed, or the factor 1 + v of the levels before, would be below the variance."""
    for horizon in (1, 2, 5):
        exact = QuasiSMC(1).exact_law(product(horizon)).relative_variance
        assert variance_limits(product(horizon), 1)[-1] == pytest.approx(exact, rel=1e-12)
        assert exact == pytest.approx((10 / 9) ** horizon - 1, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("rule", EVEN)
@given(weights=st.lists(st.integers(0, 9), min_size=1, max_size=6), n=st.integers(1, 4))
def test_cells_and_initial_parts_get_floor_or_ceil(rule, weights, n):
    """What the proofs use of a rule: hits of cells and of initial parts are rounded masses."""
    q = np.array([*weights, 1]) / (sum(weights) + 1)
    probability, mass = outcomes(rule, q, n)
    for part in (mass - q, np.cumsum(mass - q, axis=1)):
        assert (np.abs(part) <= 1 / n + 1e-12).all()
        assert (probability @ part**2 <= 1 / (4 * n * n) + 1e-12).all()


def test_stratified_cells_may_get_more():
    probability, mass = outcomes("stratified", np.array([0.25, 0.5, 0.25]), 2)
    assert probability @ (mass - [0.25, 0.5, 0.25])[:, 1] ** 2 > 1 / 16


@given(problem=problems(max_leaves=8, max_horizon=3, lossy=False), n=st.integers(1, 3))
def test_law_minus_target_is_a_covariance(problem, n):
    """Q3: E[nu^ W^/Z] = pi* and E[W^/Z] = 1, so nu - pi* = -Cov(nu^, W^/Z)."""
    law = QuasiSMC(n).exact_law(problem)
    covariance = law.weighted - law.law * law.mean_w_over_z
    assert law.law - law.target == pytest.approx(-covariance, abs=1e-10)


def runs(problem, n, cloud=None, w=1.0, h=0):
    """All runs of quasi-SMC on a tree: probability, last cloud as an array, W^_H/V^(root)."""
    model, prm = problem.model, np.exp(problem.log_prm[h])
    cloud = np.ones(1) if cloud is None else cloud
    if h == problem.horizon or w == 0:
        return [(1.0, cloud if w else np.zeros(int(model.n_states[-1])), w)]
    source, token = np.nonzero(model.probs[h] * cloud[:, None])
    child = model.next_state[h][source, token]
    gain = np.exp(problem.log_prm[h + 1])[child] / prm[source]
    found = []
    q = cloud[source] * model.probs[h][source, token]
    for p, mass in zip(*outcomes("pivotal", q, n), strict=True):
        after = np.bincount(child, mass * gain, int(model.n_states[h + 1]))
        mean = float(after.sum())
        later = runs(problem, n, after / mean if mean else after, w * mean, h + 1)
        found += [(float(p) * chance, nu, v) for chance, nu, v in later]
    return found


@pytest.mark.parametrize("n", [1, 2, 3])
def test_failure_is_paid_for_by_the_variance(n):
    """Q, over all runs: failure adds P(failure) to 2 D_TV and takes as much from E[nu^ D^2]."""
    model = TabularModel.tree([[[0.25, 0.25, 0.5]], [[1, 0, 0], [0.5, 0.5, 0], [1, 0, 0]]])
    reward = [1.0, 0, 0, 2.0, 1.0, 0, 0, 0, 0]
    problem = Problem(model, reward, [[1.0], [1.0, 1.0, 3.0], reward])
    p, nu, w = (np.array(x) for x in zip(*runs(problem, n), strict=True))
    target, z = problem.target[-1], math.exp(problem.log_z)
    gap, failure = w / z - 1, p @ (w == 0)
    law = p @ nu
    on_paths = np.abs(law - target).sum()
    tv = np.maximum(target - law, 0).sum()
    assert tv == pytest.approx(QuasiSMC(n, "pivotal").exact_law(problem).tv, abs=1e-12)
    assert failure > 0.001
    assert 2 * tv == pytest.approx(on_paths + failure, abs=1e-12)
    square = (p * gap**2) @ nu
    assert square.sum() + failure == pytest.approx(p @ gap**2, abs=1e-12)
    product = (p * gap * w / z) @ nu
    assert law - target == pytest.approx(square - product, abs=1e-12)
    assert 2 * tv <= np.abs(product).sum() + p @ gap**2
    assert 2 * tv > np.abs(law - target).sum() + 0.001  # the paths alone are not all of it


def test_the_second_bound_is_of_order_one_over_n_squared():
    problem = reference(2)
    values = [BOUNDS["Q"].value(problem, QuasiSMC(n)) * n * n for n in (64, 128, 256)]
    assert max(values) / min(values) < 1.01
    assert BOUNDS["Q"].value(problem, QuasiSMC(64)) < BOUNDS["Q4"].value(problem, QuasiSMC(64)) / 5


def test_long_horizons_are_bounded_by_states():
    """One state a level: 200 levels need no paths."""
    value = BOUNDS["Q4"].value(product(200), QuasiSMC(64))
    assert 0 < value < 1
    assert math.isfinite(value)


def test_who_gets_them():
    problem = reference(2)
    for rule in ("stratified", "adapted"):
        assert BOUNDS["Q4"].why_not(problem, QuasiSMC(3, rule)).startswith("needs: quasi-SMC")
    assert not BOUNDS["Q"].applicable(problem, SMC(3))
    assert {b.id for b in bounds_for(problem, QuasiSMC(3))} >= {"Q4", "Q", "Z"}


def test_perfect_prms_bring_the_error_down():
    for seed in range(4):
        problem = random_tree(horizon=2, seed=seed, prm="exact")
        assert QuasiSMC(8).exact_law(problem).tv < SMC(8).exact_law(problem).tv
