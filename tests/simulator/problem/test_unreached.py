"""States that pi_ref never reaches do not count, whatever stands there (T0)."""

import numpy as np
import pytest

from simulator.measure.error import bracket
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.registry import SAMPLERS, make_sampler
from simulator.samplers.smc.sampler import SMC
from theory.criteria import criteria
from theory.registry import BOUNDS, bounds_for
from theory.verdict import check

HUGE = (3.0, 1e260, 1e300, 1e-300)


def half_reached(x):
    """The second state of level 1, and what follows it, is never reached; V^ = r = x there."""
    model = TabularModel([[[1, 0]], [[0.5, 0.5]] * 2], [[[0, 1]], [[0, 1], [2, 3]]])
    return Problem(model, [1, 2, x, x], [[1], [1, x], [1, 2, x, x]])


def reached_only():
    """The same without these states."""
    model = TabularModel([[[1.0, 0.0]], [[0.5, 0.5]]], [[[0, 0]], [[0, 1]]])
    return Problem(model, [1, 2], [[1], [1], [1, 2]])


@pytest.mark.slow
@pytest.mark.parametrize("x", HUGE)
def test_every_statement_has_the_value_of_the_problem_without_them(x):
    told = 0
    for name in SAMPLERS:
        n = 1 if name in ("alrs", "greedy") else 2
        one, two = make_sampler(name, n), make_sampler(name, n)
        if name == "smc-restart":
            one = two = make_sampler(name, n, accuracy=2.0)
        law, want = one.exact_law(half_reached(x)), two.exact_law(reached_only())
        assert law.tv == pytest.approx(want.tv, abs=1e-13), name
        for bound in bounds_for(half_reached(x), one):
            value = bound.value(half_reached(x), one)
            assert value == pytest.approx(bound.value(reached_only(), two), rel=1e-10), bound.id
            told += 1
    assert told >= 39


@pytest.mark.parametrize("x", HUGE)
def test_bound_j_is_a_fifteenth_and_t_and_the_bracket_are_there(x):
    problem, smc = half_reached(x), SMC(3)
    assert BOUNDS["J"].value(problem, smc) == pytest.approx(1 / 15, abs=1e-12)
    verdicts = {v.id: v for v in check(problem, smc).verdicts}
    assert verdicts["T"].status == "holds"
    found = bracket(problem, smc, 200, rng=1)
    assert 0 <= found.low <= smc.exact_law(problem).tv <= found.high <= 1
    known, other = criteria(problem), criteria(reached_only())
    for name in ("action_coverage", "prm_coverage", "prm_accuracy", "sequence_coverage"):
        assert getattr(known, name) == pytest.approx(getattr(other, name), rel=1e-12)
    assert np.allclose(known.chi2, other.chi2, rtol=1e-12)


def test_v_hat_at_an_end_that_is_reached_must_still_be_the_reward():
    model = TabularModel([[[1.0, 0.0]]])
    for prm in ([[1], [2, 1]], [[1], [1, 2]]):
        with pytest.raises(ValueError, match="differs from the reward"):
            Problem(model, [1, 1], prm)
