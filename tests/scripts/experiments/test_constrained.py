"""The error of one particle, by draws from pi*, against its exact law."""

import pytest

from scripts.experiments import constrained
from scripts.experiments.constrained import one_particle_error
from simulator.problem.ngrams.constraint import Constraint, ExpectedPRM
from simulator.problem.ngrams.counts import count_ngrams
from simulator.problem.prms import TemperedPRM
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection

MADE = Constraint(count_ngrams("abba aab ab bab aab aab ab", 3), "(ab?)* ?a", 5)
RULES = {"mask": TemperedPRM(0.0), "expected": ExpectedPRM(MADE, 2)}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_error_of_one_particle_is_that_of_the_exact_law(monkeypatch, rule):
    # limits fail with probability 1e-9 and would catch an error off by .03
    monkeypatch.setattr(constrained, "CONFIDENCE", 1 - 1e-9)
    problem = MADE.problem(rule)
    exact = ActionLevelRejection().exact_law(problem).tv
    found = one_particle_error(problem, 20_000)
    assert found.low <= exact <= found.high < found.low + 0.03


def test_a_perfect_prm_makes_no_error():
    assert one_particle_error(MADE.problem(), 100).value == pytest.approx(0, abs=1e-12)
