"""The twins in fractions: offspring, errors, second moments, and values of bounds."""

from fractions import Fraction

import numpy as np
import pytest

from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.resampling.offspring import offspring_law
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from tests.support.brute import offspring
from theory.claims.less_variance import instance
from theory.falsify.inequality import Inequality, of_bound, silent
from theory.falsify.rational import confirm
from theory.falsify.rational_error import output_in_fractions
from theory.falsify.rational_offspring import rational_slots
from theory.falsify.rational_tree import RationalTree
from theory.falsify.rational_values import IN_FRACTIONS, root_above, value_in_fractions
from theory.registry import BOUNDS
from theory.statement import bound

PROBLEMS = (
    "reference:horizon=2", "reference:horizon=3", "random-tree:horizon=2,seed=1",
    "random-tree:horizon=3,seed=2,zero_rewards=0.2", "random-automaton:horizon=2,n_states=2",
    "product:horizon=3", "two-branch:horizon=3", "random-tree:horizon=2,n_actions=3,sparse=0.3",
)  # fmt: skip
ROUNDING = 1e-12


def counts(scheme, share):
    """Law of the offspring counts that slots give."""
    law = {}
    for chance, slots in rational_slots(scheme, share):
        clouds = {(0,) * len(share): chance}
        for slot in slots:
            longer = {}
            for c, p in clouds.items():
                for i, q in slot.items():
                    more = tuple(k + (j == i) for j, k in enumerate(c))
                    longer[more] = longer.get(more, 0) + p * q
            clouds = longer
        for c, p in clouds.items():
            law[c] = law.get(c, 0) + p
    return law


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("weights", [(3, 3, 1, 1), (1, 0, 2), (5, 1), (2, 2), (1, 2, 4, 0)])
def test_slots_give_the_law_of_the_offspring(scheme, weights):
    share = [Fraction(w, sum(weights)) for w in weights]
    found = counts(scheme, share)
    assert sum(found.values()) == 1
    assert [sum(p * c[i] for c, p in found.items()) for i in range(len(share))] == [
        len(share) * w for w in share
    ]
    brute = {}
    for ancestors, p in offspring(scheme, tuple(map(Fraction, weights))).items():
        c = tuple(ancestors.count(i) for i in range(len(weights)))
        brute[c] = brute.get(c, 0) + p
    assert found == brute
    package = {}
    for p, c in offspring_law(scheme, weights):
        package[c] = package.get(c, 0) + p
    assert package == pytest.approx({c: float(p) for c, p in found.items()}, abs=ROUNDING)


@pytest.mark.slow
@pytest.mark.parametrize("spec", PROBLEMS)
def test_errors_and_second_moments_are_those_of_the_exact_laws(spec):
    problem = open_problem(spec)
    tree = RationalTree(problem)
    samplers = [SMC(3, name) for name in SCHEMES] if problem.horizon < 3 else [SMC(2, "ssp")]
    for sampler in (SMC(2), SMC(1), *samplers, SMC(2, "systematic"), SMCRejection(2), SIS(2)):
        found, law = output_in_fractions(tree, sampler), sampler.exact_law(problem)
        assert float(found.error(tree)) == pytest.approx(law.tv, abs=ROUNDING)
        variance = float(found.second_moment) - 1
        assert variance == pytest.approx(law.relative_variance, rel=1e-9, abs=ROUNDING)


@pytest.mark.slow
def test_what_is_not_known_in_fractions_is_none():
    tree = RationalTree(open_problem("reference:horizon=4"))
    for sampler in (SMC(2, ess_threshold=0.5), SMC(2, select="best"), SMC(12)):
        assert output_in_fractions(tree, sampler) is None


@pytest.mark.parametrize("spec", PROBLEMS)
@pytest.mark.parametrize("name", IN_FRACTIONS)
def test_values_are_those_of_the_bounds_and_never_below(spec, name):
    problem = open_problem(spec)
    tree = RationalTree(problem)
    for n in (1, 2, 5):
        sampler = {"smc": SMC, "smc-rs": SMCRejection}[IN_FRACTIONS[name][0]](n)
        found, value = value_in_fractions(name, tree, sampler), BOUNDS[name].value(problem, sampler)
        if found is None:
            assert value == np.inf
        else:  # S2 is the root of a difference from 1
            assert float(found) == pytest.approx(value, rel=1e-9, abs=2e-7)


def test_roots_are_rounded_up_and_close():
    for x in (Fraction(2), Fraction(1, 3), Fraction(0), Fraction(10**9, 7)):
        root = root_above(x)
        assert root**2 >= x
        assert root == 0 or (root - Fraction(1, 2**199)) ** 2 < x


def test_a_true_violation_is_confirmed_in_fractions():
    problem = instance(5.6)
    for name in ("S2", "J"):
        claimed = of_bound(BOUNDS[name], anyway=True)
        found = confirm(claimed, problem, SMC(2, "stratified"))
        assert found.violated
        assert found.text == "confirmed in rational arithmetic"
        assert not confirm(claimed, problem, SMC(2)).violated


def test_equality_that_rounding_breaks_is_no_violation():
    """J is attained at N = 1: an inequality whose right side is rounded down is not refuted."""
    problem = Problem(TabularModel.tree([[[1 / 3, 2 / 3]]]), [1.0, 0.5], "exact")
    j = of_bound(BOUNDS["J"])
    low = Inequality(
        "J", "D_TV <= J", lambda p, s: (j.sides(p, s)[0] * (1 + 1e-8), j.sides(p, s)[1]),
        silent, j.exact_left, j.exact_right,
    )  # fmt: skip
    assert low.ratio(problem, SMC(1)) > 1 + 1e-9
    found = confirm(low, problem, SMC(1))
    assert (found.violated, found.text) == (
        False, "not confirmed: in rational arithmetic it holds",
    )  # fmt: skip
    blind = Inequality("J", "D_TV <= J", lambda p, s: (0.25 + 1e-11, 0.25), silent)
    assert confirm(blind, problem, SMC(1)).text == "not confirmed: the gap may be rounding"


def test_a_statement_of_ones_own_is_not_taken_for_the_registered_one_of_its_name():
    @bound(id="J", title="a guess", reference="none", formula="0.01")
    def mine(problem, sampler):
        return 0.01

    found = confirm(of_bound(mine), open_problem("reference:horizon=2"), SMC(2))
    assert found.violated
    assert found.text.startswith("the left side in rational arithmetic, the other in floating")
