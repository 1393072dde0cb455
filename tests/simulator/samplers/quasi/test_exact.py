"""The exact law of quasi-SMC against an enumeration in fractions, and what its rules promise."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.problem.families.product import product as product_instance
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.samplers.contract import parametrize_with_clauses
from simulator.samplers.quasi.codes import ORDERS, RULES
from simulator.samplers.quasi.rules import outcomes
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support import brute_quasi
from tests.support.prefixes import Tree

rule_and_order = pytest.mark.parametrize(("rule", "order"), list(product(RULES, ORDERS)))


def agrees(problem, sampler, mutant=None):
    """Whether law, weights, moments and shortfall are those of the enumeration."""
    tree = Tree(problem)
    brute = brute_quasi.quasi(
        tree, sampler.n_particles, sampler.rule, sampler.order_on(problem), mutant
    )
    law = sampler.exact_law(problem, shortfall=True)
    paths = [tuple(y) for y in law.tokens.tolist()]
    z = float(tree.z)
    return (
        np.allclose(law.law, [brute.law[y] for y in paths], rtol=0, atol=1e-10)
        and np.allclose(law.weighted, [brute.first[y] / z for y in paths], rtol=0, atol=1e-10)
        and abs(law.failure - brute.failure) < 1e-10
        and abs(law.shortfall - brute.shortfall) < 1e-10
        and abs(law.mean_w_over_z - brute.mean / z) < 1e-10
    )


@pytest.mark.slow
@rule_and_order
@given(problem=problems(max_leaves=8, max_horizon=3), n=st.integers(1, 3))
def test_the_law_is_that_of_the_definition(rule, order, problem, n):
    assert agrees(problem, QuasiSMC(n, rule, order))


CASES = {
    "cells out of order": ("pivotal", "lexicographic"),
    "one uniform a cell": ("pivotal", "auto"),
    "weights not merged": ("systematic", "auto"),
    "absolute": ("stratified", "auto"),
    "mass forgotten": ("threshold", "auto"),
    "large cells not kept": ("threshold", "auto"),
}


@pytest.mark.slow
@pytest.mark.parametrize("mutant", brute_quasi.MUTANTS)
def test_wrong_variants_have_other_laws(mutant):
    rule, order = CASES[mutant]
    sampler = QuasiSMC(3, rule, order)
    assert agrees(reference(3), sampler)
    assert not agrees(reference(3), sampler, mutant)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@given(weights=st.lists(st.integers(0, 9), min_size=1, max_size=6), n=st.integers(1, 4))
def test_rules_keep_means_and_pick_few_cells(rule, weights, n):
    q = np.array([*weights, 1]) / (sum(weights) + 1)
    probability, mass = outcomes(rule, q, n)
    assert probability.min() > 0
    assert probability.sum() == pytest.approx(1, abs=1e-12)
    assert probability @ mass == pytest.approx(q, abs=1e-12)
    assert (np.count_nonzero(mass, axis=1) <= n).all()
    assert mass.sum(axis=1) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("rule", ["pivotal", "stratified"])
@given(weights=st.lists(st.integers(0, 9), min_size=1, max_size=6), n=st.integers(1, 4))
def test_no_sum_over_cells_varies_more_than_under_independent_draws(rule, weights, n):
    """Q2, for all functions of the cell at once: the difference of covariances has no sign."""
    q = np.array([*weights, 1]) / (sum(weights) + 1)
    probability, mass = outcomes(rule, q, n)
    centred = mass - q
    ours = centred.T @ (probability[:, None] * centred)
    independent = (np.diag(q) - np.outer(q, q)) / n
    assert np.linalg.eigvalsh(independent - ours).min() > -1e-12


def test_one_systematic_uniform_may_add_variance():
    """Four particles, cells (3, 3, 1, 1)/8: 16/16 where independent draws have 12/16."""
    probability, mass = outcomes("systematic", np.array([3, 3, 1, 1]) / 8, 4)
    values = mass @ np.array([1.0, -1.0, 3.0, -3.0])
    assert probability @ values**2 == pytest.approx(1.0, abs=1e-12)


def test_adapted_picks_as_many_cells_as_pivotal_on_average():
    q = np.array([0.4, 0.25, 0.15, 0.1, 0.1])
    cells = []
    for rule in ("pivotal", "adapted"):
        probability, mass = outcomes(rule, q, 3)
        cells.append(probability @ np.count_nonzero(mass, axis=1))
    assert cells[0] == pytest.approx(cells[1], abs=1e-12)


@rule_and_order
def test_one_particle_is_one_particle_of_smc(rule, order):
    law = QuasiSMC(1, rule, order).exact_law(reference(3)).law
    assert law == pytest.approx(SMC(1).exact_law(reference(3)).law, abs=1e-12)


@pytest.mark.slow
@parametrize_with_clauses(
    *(QuasiSMC(3, rule, order) for rule in RULES for order in ("auto", "token"))
)
def test_contract(sampler, clause):
    clause(sampler)


def test_the_product_instance_is_exact_for_even_numbers():
    for rule in ("pivotal", "systematic", "threshold"):
        assert QuasiSMC(2, rule).exact_law(product_instance(4)).tv < 1e-12
        assert QuasiSMC(4, rule).exact_law(product_instance(4)).tv < 1e-12
    assert QuasiSMC(3).exact_law(product_instance(4)).tv > 1e-3


def test_the_error_falls_faster_than_that_of_smc():
    problem = reference(3)
    assert QuasiSMC(8).exact_law(problem).tv < SMC(8).exact_law(problem).tv / 3


def test_states_put_together_what_prefixes_copy():
    """A bad order: neutral levels, then bits; lexicographic systematic draws give all one bit."""
    bits = [[1.0, 1.0], [1.0, 1.0], [2 / 3, 4 / 3], [2 / 3, 4 / 3]]
    from simulator.problem.model import TabularModel
    from simulator.problem.problem import Problem

    model = TabularModel([[[0.5, 0.5]]] * 4, [[[0, 0]]] * 4)
    problem = Problem(model, [1.0], "exact", edge_reward=[[row] for row in bits])
    variance = {
        order: QuasiSMC(4, "systematic", order).exact_law(problem).relative_variance
        for order in ORDERS
    }
    assert variance["lexicographic"] == pytest.approx((1 + 1 / 9) ** 2 - 1, abs=1e-12)
    assert variance["token"] == pytest.approx(0, abs=1e-12)
    assert variance["state"] == pytest.approx(0, abs=1e-12)


def test_too_much_work_is_refused():
    with pytest.raises(TooLargeError, match="cloud transitions"):
        QuasiSMC(8).exact_law(open_problem("random-tree:horizon=6,seed=1"), limit=1e4)


@pytest.mark.slow
def test_one_draw_of_many_cells_is_refused_before_it_fills_the_memory():
    q = np.full(60, 1 / 60)
    for rule in ("pivotal", "stratified"):
        with pytest.raises(TooLargeError, match="one draw of cells"):
            outcomes(rule, q, 31, most=1e5)
