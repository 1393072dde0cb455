"""Bounds O, O-RS and S1t: their formulas, no error above them, and variants that fail (T0)."""

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exact.lumped import two_branch_bias
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from theory.bounds import one_sided_coverage
from theory.bounds.one_sided_coverage import LEFT_OUT, PER_LEVEL
from theory.claims.cell_order import bits_behind_neutral_levels
from theory.criteria import criteria
from theory.registry import BOUNDS
from theory.truncation import truncations

ROUNDING = 1e-10
SCHEMES = ("multinomial", "stratified", "residual", "ssp", "killing")


# --- the formulas on prefixes --------------------------------------------------------------------


def ratio(tree, y, h, rejection):
    """u_h of a path; inf once it has met V^ = 0."""
    at = y[: h if rejection else h - 1]
    if tree.hat[at] == 0:
        return math.inf
    return tree.v[y[:h]] / tree.z * tree.z_hat[len(at)] / tree.hat[at]


def stays(tree, y, m, rejection):
    """Whether the path keeps to the thresholds, up to rounding."""
    top = len(y) - (rejection and len(y) == tree.horizon)
    return all(
        ratio(tree, y, h, rejection) <= m[h - 1] * (1 + 1e-12) for h in range(1, top + 1)
    )  # fmt: skip


def spread(tree, m, kappa):
    """The sum of sqrt(E_eta[(u P(G|x))^2] - (1 - kappa)^2), over prefixes."""
    inside = {y for y in tree.paths if tree.v[y] > 0 and stays(tree, y, m, False)}
    total = 0.0
    for h in range(1, tree.horizon + 1):
        chi, seen = 0.0, 0.0
        for x, c in tree.edges(h):
            if tree.hat[x] > 0:
                eta = tree.p[c] * tree.hat[x] / tree.z_hat[h - 1]
                part = sum(tree.target(y) for y in inside if y[:h] == c)
                chi += eta * (part / eta - (1 - kappa)) ** 2
                seen += eta
        total += math.sqrt(chi)
        assert seen == pytest.approx(float(tree.z_hat[h - 1] > 0))
    return total


@settings(max_examples=60)
@given(problems(max_leaves=16), st.booleans())
def test_what_is_left_out_is_a_sum_over_paths(problem, rejection):
    tree, found = Tree(problem, real), truncations(problem, rejection=rejection)
    for k, m in enumerate(found.thresholds):
        out = sum(
            tree.target(y) for y in tree.paths
            if tree.v[y] > 0 and not stays(tree, y, m, rejection)
        )  # fmt: skip
        assert found.outside[k] == pytest.approx(out, abs=1e-12)
        if not rejection:
            assert found.spread[k] == pytest.approx(spread(tree, m, out), rel=1e-7, abs=1e-7)


@settings(max_examples=60)
@given(problems(max_leaves=16), st.booleans(), st.integers(1, 10**4))
def test_the_thresholds_are_about_the_best_that_look_at_one_level_at_a_time(problem, rejection, n):
    """At twice the price of the best list of thresholds under the sum of the levels' tails."""
    tree, c = Tree(problem, real), truncations(problem, rejection=rejection)
    least = 0.0
    for h in range(1, tree.horizon + (not rejection)):
        atoms = Counter()
        for y in tree.paths:
            if tree.v[y] > 0:
                atoms[ratio(tree, y, h, rejection)] += tree.target(y)
        least += min(
            PER_LEVEL * m / n + LEFT_OUT * sum(p for a, p in atoms.items() if a > m * (1 + 1e-12))
            for m in {0.0, *atoms} - {math.inf}
        )
    assert one_sided_coverage.least_of(c, n) <= 2 * least + ROUNDING


def test_nothing_is_left_out_of_the_product_instance():
    """u_h is 4/3 or 2/3: O = ((5 + sqrt 5)/2) 4H/(3N), and S1t = S1."""
    problem, n = product(30), 10_000
    value = BOUNDS["O"].value(problem, SMC(n))
    assert value == pytest.approx((5 + math.sqrt(5)) / 2 * 40 / n, rel=1e-12)
    s1 = BOUNDS["S1"].value(problem, SMC(n))
    assert BOUNDS["S1t"].value(problem, SMC(n)) == pytest.approx(s1, rel=1e-12)


def rare(p, ratio_):
    """One level: with probability p under the target the density ratio is large."""
    q = p / ratio_
    return Problem(TabularModel.tree([[[q, 1 - q]]]), [p / q, (1 - p) / (1 - q)], "exact")


def test_a_rare_large_ratio_is_left_out():
    """S1 pays for its square, O and S1t for its probability."""
    problem, n = rare(1e-3, 1e6), 10_000
    assert BOUNDS["S1"].value(problem, SMC(n)) > 0.15
    assert BOUNDS["S1t"].value(problem, SMC(n)) < 0.0015
    assert BOUNDS["O"].value(problem, SMC(n)) < 0.005
    error = SMC(64).exact_law(problem).tv
    assert error > 0.9e-3
    assert error <= BOUNDS["S1t"].value(problem, SMC(64))


# --- no bound below the error --------------------------------------------------------------------


@pytest.mark.slow
def test_no_bound_is_below_the_exact_error():
    told, closest = Counter(), Counter()

    def compare(problem, sampler):
        error = sampler.exact_law(problem, limit=1e6).tv
        for name in ("O-RS",) if isinstance(sampler, SMCRejection) else ("O", "S1t"):
            value = BOUNDS[name].value(problem, sampler)
            assert value >= error - ROUNDING, name
            if value > ROUNDING:
                told[name] += 1
                closest[name] = max(closest[name], error / value)

    @settings(max_examples=150)
    @given(problems(max_leaves=16, max_horizon=3), st.integers(1, 4), st.sampled_from(SCHEMES))
    def random_ones(problem, n, scheme):
        compare(problem, SMC(n, scheme))
        compare(problem, SMCRejection(n))

    random_ones()
    assert min(told.values()) > 60, told
    assert closest["S1t"] > 0.99
    assert closest["O"] > 0.15, closest
    assert closest["O-RS"] > 0.05, closest


@settings(max_examples=100)
@given(problems(max_leaves=27), st.integers(1, 10**5))
def test_s1t_is_never_above_s1(problem, n):
    truncated, whole = (BOUNDS[name].value(problem, SMC(n)) for name in ("S1t", "S1"))
    assert truncated <= min(1.0, whole * (1 + 1e-9) + 1e-9)
    if not criteria(problem).loses_mass:
        last = truncations(problem)
        assert last.outside[-1] == 0
        assert last.spread[-1] / 2 / math.sqrt(n) == pytest.approx(whole, rel=1e-7, abs=1e-7)


@settings(max_examples=60)
@given(problems(max_leaves=16, lossy=True), st.integers(1, 6))
def test_lost_mass_counts_in_full(problem, n):
    lost = problem.forward_backward.lost_mass
    for name, sampler in (("O", SMC(n)), ("S1t", SMC(n)), ("O-RS", SMCRejection(n))):
        assert lost - ROUNDING <= BOUNDS[name].value(problem, sampler) < math.inf


# --- variants that fail --------------------------------------------------------------------------


def constants_too_small(c, n):
    return (PER_LEVEL * c.thresholds.sum(axis=1) / n + LEFT_OUT * c.outside).min() / 6


def without_kappa(c, n):
    return (PER_LEVEL * c.thresholds.sum(axis=1) / n).min()


def without_the_last_level(c, n):
    return (PER_LEVEL * c.thresholds[:, :-1].sum(axis=1) / n + LEFT_OUT * c.outside).min()


def largest_level_alone(c, n):
    return (PER_LEVEL * c.thresholds.max(axis=1) / n + LEFT_OUT * c.outside).min()


@pytest.mark.parametrize(
    ("wrong", "problem", "n"),
    [
        (constants_too_small, rare(0.5, 1e3), 8),
        (without_kappa, rare(0.5, 1e3), 8),
        (without_the_last_level, rare(0.5, 1e3), 8),
        (largest_level_alone, two_branch(800, 0.9), 160),
    ],
    ids=["constants", "kappa", "a level", "one level"],
)  # fmt: skip
def test_a_wrong_variant_is_below_the_error(wrong, problem, n):
    if problem.horizon > 1:
        error = two_branch_bias(problem.horizon, n, 0.9)
    else:
        error = SMC(n).exact_law(problem).tv
    assert wrong(truncations(problem), n) < error - ROUNDING
    assert BOUNDS["O"].value(problem, SMC(n)) >= error - ROUNDING


def test_the_root_of_a_truncated_chi_square_needs_what_is_left_out():
    problem, n = rare(1e-3, 1e6), 64
    error = SMC(n).exact_law(problem).tv
    found = truncations(problem)
    without = (found.spread / 2 / math.sqrt(n)).min()
    assert without < error - ROUNDING


# --- which samplers, and at scale ----------------------------------------------------------------


@settings(max_examples=30)
@given(
    problems(max_leaves=9, max_horizon=3), st.integers(1, 4),
    st.sampled_from(["pivotal", "stratified"]), st.sampled_from(["lexicographic", "state"]),
)  # fmt: skip
def test_s1t_speaks_of_quasi_smc_with_no_more_variance(problem, n, rule, order):
    sampler = QuasiSMC(n, rule, order)
    assert sampler.exact_law(problem).tv <= BOUNDS["S1t"].value(problem, sampler) + ROUNDING


def test_s1t_would_be_below_the_error_of_systematic_cells():
    """Sixteen particles whose bits are all the same err as one does."""
    problem, systematic = bits_behind_neutral_levels(4, 3, 1 / 3), QuasiSMC(16, "systematic")
    alike = replace(systematic, order="lexicographic")
    assert not BOUNDS["S1t"].applicable(problem, alike)
    assert alike.exact_law(problem).tv > 1.5 * BOUNDS["S1t"].value(problem, SMC(16))


def test_systematic_resampling_of_many_is_not_spoken_of():
    for name in ("O", "S1t"):
        for scheme in SCHEMES:
            assert BOUNDS[name].applicable(reference(3), SMC(3, scheme))
        for sampler in (SMC(4, "systematic"), SMC(3, "single"), SMC(3, select="best")):
            assert BOUNDS[name].why_not(reference(3), sampler).startswith("needs: ")
    assert not BOUNDS["O-RS"].applicable(reference(3), SMC(3))


def test_shared_states_and_long_horizons_are_passes_over_edges():
    problem = random_automaton(horizon=200, n_states=20, n_actions=3, seed=1)
    values = [BOUNDS["O"].value(problem, SMC(n)) for n in (10**2, 10**4, 10**6)]
    assert np.all(np.diff(values) < 0)
    assert values[-1] < 0.1 * values[-2]  # the rate 1/N once the thresholds are the largest ratios
