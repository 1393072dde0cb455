"""The law with its last level integrated is that of the enumerated clouds."""

import numpy as np
import pytest
from hypothesis import given

from simulator.exact import integrated_law as module
from simulator.exact.integrated_law import integrated_law
from simulator.problem.library import open_problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems

ROUNDING = 1e-11  # of the integral, relative; it is within 1e-15 at its best
TREE = open_problem("random-tree:horizon=3,seed=4")
SHARED = open_problem(
    "random-automaton:n_states=2,n_actions=2,horizon=4,seed=3,edge_sigma=0.3,sigma=0.3"
)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("problem", [TREE, SHARED], ids=["tree", "shared"])
def test_it_is_the_enumerated_law(problem, n):
    exact = SMC(n).exact_law(problem, on="states").law
    assert integrated_law(problem, n) == pytest.approx(exact, abs=ROUNDING)


@pytest.mark.slow
@given(problems(max_leaves=16))
def test_also_where_mass_is_lost_and_runs_fail(problem):
    exact = SMC(3).exact_law(problem, on="states")
    found = integrated_law(problem, 3)
    assert found == pytest.approx(exact.law, abs=ROUNDING)
    assert 1 - found.sum() == pytest.approx(exact.failure, abs=ROUNDING)


def test_smc_by_rejection_is_smc_on_another_problem():
    exact = SMCRejection(4).exact_law(TREE).law
    assert integrated_law(fully_adapted(TREE), 4) == pytest.approx(exact, abs=ROUNDING)


@pytest.mark.parametrize("wrong", ["no weights", "one particle fewer"])
def test_mutants_are_other_laws(monkeypatch, wrong):
    if wrong == "no weights":
        right = module.self_normalised_mean
        monkeypatch.setattr(
            module, "self_normalised_mean", lambda q, u, n: right(q, np.ones_like(u), n)
        )
        found = integrated_law(TREE, 4)
    else:
        found = integrated_law(TREE, 3)
    assert np.abs(found - SMC(4).exact_law(TREE).law).max() > 1e-3
