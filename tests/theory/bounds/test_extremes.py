"""Values of V^ near the end of floats: numbers or one line, never NaN, never below the error."""

import math

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.registry import BOUNDS, bounds_for
from theory.verdict import check

COIN = TabularModel.tree([[[0.5, 0.5]]])
FOUR = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])


def seesaw(low, horizon=4):
    """V^ alternates between 1 and e^low on two states; r = 1."""
    model = TabularModel(
        [[[0.5, 0.5]]] + [[[0.5, 0.5]] * 2] * (horizon - 1),
        [[[0, 1]]] + [[[0, 1]] * 2] * (horizon - 1),
        n_terminal=2,
    )
    middle = [[0.0, low] if h % 2 else [low, 0.0] for h in range(1, horizon)]
    return Problem.from_log(model, [0.0, 0.0], np.concatenate([[0.0], *middle, [0.0, 0.0]]))


@pytest.mark.parametrize("low", [-100.0, -250.0, -400.0, -600.0])
@pytest.mark.parametrize("sampler", [SMC(1), SMC(3), SMCRejection(3)])
def test_bounds_stay_above_the_error_at_any_span(low, sampler):
    problem = seesaw(low)
    law = sampler.exact_law(problem)
    assert law.relative_variance >= 0  # inf counts, NaN does not
    assert law.law.sum() + law.failure == pytest.approx(1, abs=1e-12)
    compared = 0
    for bound in bounds_for(problem, sampler):
        if bound.kind == "upper":
            value = or_infinite(lambda b=bound: b.value(problem, sampler))
            assert value >= law.tv - 1e-10, bound.id
            compared += value < math.inf
    assert compared >= 3


def or_infinite(compute):
    """The number, inf if it is refused because values span too much."""
    try:
        return compute()
    except TooLargeError as fault:
        return math.inf if "span" in str(fault) else math.nan


@pytest.mark.parametrize("sampler", [SMC(1), SMC(3), SMC(3, ess_threshold=0.5), SMCRejection(3)])
def test_weights_beyond_floats_are_told(sampler):
    with pytest.raises(InputError, match=r"\A.*(span|differ by) more than e\^7\d\d\Z"):
        sampler.exact_law(seesaw(-800.0))


@pytest.mark.parametrize("seed", range(40))
def test_s2_is_a_number_where_v_spans_much(seed):
    g = np.random.default_rng(seed)
    prm = np.concatenate([[0.0], g.uniform(-300, 300, 2), [0.0, 0.0]])
    model = TabularModel([[[0.5, 0.5]], [[0.5, 0.5]] * 2], [[[0, 1]], [[0, 1]] * 2], n_terminal=2)
    problem = Problem.from_log(model, [0.0, 0.0], prm)
    for sampler in (SMC(1), SMC(2), SMCRejection(2)):
        value = BOUNDS["S2"].value(problem, sampler)
        assert value >= sampler.exact_law(problem).tv - 1e-10


def test_an_estimate_of_z_that_never_gets_there_has_shortfall_one():
    problem = Problem.from_log(COIN, [0.0, 1.0], [800.0, 0.0, 1.0])
    assert BOUNDS["Z"].value(problem, SMCIndependent(2)) == 1.0
    assert SMCIndependent(2).exact_law(problem).tv == pytest.approx(1.0)


def test_an_accuracy_beyond_floats_makes_the_bound_infinite():
    problem = Problem.from_log(FOUR, [0.0] * 4, [0.0, 400.0, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert BOUNDS["L"].value(problem, SMC(2)) == math.inf


def test_weights_beyond_the_quadrature_are_told():
    rare = Problem(TabularModel.tree([[[0.4, 0.3, 0.3]]]), [1e-320, 1, 0], "exact")
    with pytest.raises(TooLargeError, match=r"\Aweights span more than a factor .*\Z"):
        SIS(2).exact_law(rare)


def test_zeros_at_levels_that_a_block_skips_are_no_failure():
    for first in (0.0, 1e-300):
        problem = Problem(FOUR, [1.0, 2.0, 3.0, 4.0], [[2.5], [first, 0], [1.0, 2.0, 3.0, 4.0]])
        sampler = SMCRestart(1, block=2, accuracy=2.0)
        assert sampler.exact_law(problem).failure == pytest.approx(0, abs=1e-12)
        # four runs in ten are accepted: 10^5 refusals in a row have probability zero to rounding
        assert sampler.run(problem, 50, rng=1).failure_rate == 0


def test_bound_t_is_measured_for_every_scheme_where_there_is_one_level():
    problem = Problem(COIN, [1.0, 3.0], "exact")
    seen = BOUNDS["T"].estimate(problem, SMC(3, "systematic"), 200, 1)
    assert seen.low <= BOUNDS["T"].value(problem, SMC(3)) <= seen.high
    wide = Problem(TabularModel.tree([[[1 / 60] * 60]]), np.arange(1.0, 61), "exact")
    report = check(wide, SMC(64, "systematic"), 400, 1)
    assert {"T", "Z"} <= {v.id for v in report.verdicts}
