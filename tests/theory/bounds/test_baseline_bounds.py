"""Bounds that speak of SIS, action-level importance sampling and lookahead SMC."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.baselines.beam import Beam, Greedy
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.strategies import problems
from tests.support.prefixes import Tree
from theory.registry import BOUNDS, bounds_for
from theory.verdict import check

ROUNDING = 1e-10


def ids(problem, sampler):
    return {b.id for b in bounds_for(problem, sampler)}


@pytest.mark.slow
@settings(max_examples=100)
@given(problem=problems(max_leaves=16), n=st.integers(1, 9))
def test_bounds_of_sis_are_their_formulas_and_above_the_error(problem, n):
    tree, sampler = Tree(problem), SIS(n)
    ratio = {y: float(tree.v[y] / tree.z) for y in tree.paths}  # pi*/pi_ref
    chi2 = sum(float(tree.p[y]) * ratio[y] ** 2 for y in tree.paths) - 1
    value = {b.id: b.value(problem, sampler) for b in bounds_for(problem, sampler) if b.id != "Z"}
    assert set(value) == {"IS", "S2", "J"}
    assert value["IS"] ** 2 * 4 == pytest.approx(chi2 / n, abs=1e-12)
    assert value["S2"] == pytest.approx(value["IS"], abs=1e-9)
    m = {y: 1 - 1 / n + ratio[y] / n for y in tree.paths}
    j = sum(float(tree.target(y)) * max(0, 1 - 1 / m[y]) for y in tree.paths if ratio[y] > 0)
    assert value["J"] == pytest.approx(j, abs=1e-11)
    error = sampler.exact_law(problem).tv
    for name, bound in value.items():
        assert error <= bound + ROUNDING, name


@pytest.mark.slow
@settings(max_examples=60)
@given(problem=problems(max_leaves=9, max_horizon=3), n=st.integers(1, 3))
def test_bound_z_holds_for_all_that_are_properly_weighted(problem, n):
    for sampler in (SIS(n), ActionImportanceSampling(n), Lookahead(n), Lookahead(n, 2, 0)):
        try:
            exact = sampler.exact_law(problem, limit=1e6)
            assert exact.tv <= BOUNDS["Z"].value(problem, sampler) + ROUNDING
        except TooLargeError:
            assume(False)


def test_with_one_particle_sis_attains_j_and_z_and_the_fair_coin_all():
    problem = reference(3)
    error = SIS(1).exact_law(problem).tv
    for name in ("J", "Z"):
        assert BOUNDS[name].value(problem, SIS(1)) == pytest.approx(error)
    coin = Problem(TabularModel.tree([[[0.5, 0.5]]]), [0.0, 2.0], "exact")
    for name in ("IS", "S2", "J", "Z"):
        assert BOUNDS[name].value(coin, SIS(1)) == pytest.approx(0.5)


def test_lost_mass_is_nothing_to_sis():
    tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    lossy = Problem(tree, [1.0] * 4, [[1.0], [0.0, 1.0], [1.0] * 4])
    for name in ("IS", "S2", "J", "Z"):
        assert BOUNDS[name].value(lossy, SIS(2)) == pytest.approx(0, abs=1e-7)
    # W^ is the share of the two candidates that went right at the first step: 0, 1/2 or 1
    assert BOUNDS["Z"].value(lossy, ActionImportanceSampling(2)) == pytest.approx(1 / 4 + 1 / 4)


def test_is_is_finite_and_grows_with_the_horizon_where_smc_needs_few_particles():
    # chi2(pi* ‖ pi_ref) = (10/9)^H - 1 on the product instance
    for horizon in (1, 50, 2000):
        chi2 = math.expm1(horizon * math.log(10 / 9))
        value = BOUNDS["IS"].value(product(horizon), SIS(8))
        assert value == pytest.approx(math.sqrt(chi2 / 8) / 2, rel=1e-9)


def test_which_bounds_speak_of_which_sampler():
    problem = reference(3)
    assert ids(problem, SIS(3)) == {"IS", "S2", "J", "Z"}
    assert ids(problem, ActionImportanceSampling(3)) == {"T", "TJ", "Z"}
    assert ids(problem, Lookahead(3)) == {"Z"}
    assert ids(problem, Lookahead(3, resampling="systematic")) == {"Z"}
    for sampler in (BestOfN(3), Beam(3), Greedy(), Lookahead(3, select="best")):
        assert ids(problem, sampler) == set()


def test_check_tells_of_each_that_its_bounds_hold():
    problem = reference(3)
    for sampler in (SIS(3), ActionImportanceSampling(3), Lookahead(2), Beam(2), BestOfN(3)):
        report = check(problem, sampler)
        assert report.error.exact
        assert all(v.status == "holds" for v in report.verdicts)


def test_bounds_of_sis_are_measured_at_scale():
    # error <= each; limits at confidence 1 - 1e-9 each
    problem = product(40)
    report = check(problem, SIS(64), n_runs=2000, rng=1, confidence=1 - 1e-9)
    assert not report.error.exact
    found = {v.id: v for v in report.verdicts}
    assert set(found) == {"IS", "S2", "J", "Z"}
    assert all(v.status != "violated" for v in report.verdicts)
    assert found["J"].low < found["J"].value < found["IS"].value
