"""How often clouds answer right: against all clouds in fractions, and against runs."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud import final_clouds
from simulator.exact.second_moments import cloud_second_moment, relative_variance
from simulator.measure.cloud_accuracy import SELECT, as_smc, exact_accuracy, measured_accuracy
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.baselines.beam import Beam
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.right_answers import CASES, chances, moments, random_problem
from tests.support.systems import draws, growth, levels, pairs

ROUNDING = 1e-9


def mask(problem, right):
    tree = Tree(problem)
    return np.array([y in right for y in tree.paths])


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES[::3])
def test_passing_and_voting_are_those_of_all_clouds(case):
    seed, n, horizon = case
    problem, right = random_problem(seed, horizon)
    event = mask(problem, right)
    hit, _ = chances(seed, n, horizon)
    assert exact_accuracy(problem, SMC(n), event, "any") == pytest.approx(float(hit), abs=ROUNDING)
    up, _, _, second, _ = moments(seed, n, horizon)
    assert exact_accuracy(problem, SMC(n), event, "vote") == pytest.approx(float(up), abs=ROUNDING)
    sign = np.where(event, 1.0, -1.0)
    assert cloud_second_moment(problem, n, sign) == pytest.approx(float(second), rel=ROUNDING)


@pytest.mark.parametrize("case", [c for c in CASES[1::5] if c[2] == 2])
def test_so_are_those_of_smc_by_rejection(case):
    seed, n, horizon = case
    problem, right = random_problem(seed, horizon)
    tree = Tree(problem)
    *_, before, _ = levels(tree, n, rejection=True)
    hit = vote = Fraction(0)
    for (nu, _), p in before.items():
        if not nu or growth(tree, nu) == 0:
            continue
        for q, drawn in draws(pairs(tree, nu, True), n):
            count = sum(c in right for _, c in drawn)
            hit, vote = hit + p * q * (count > 0), vote + p * q * (2 * count > n)
    event, sampler = mask(problem, right), SMCRejection(n)
    found = [exact_accuracy(problem, sampler, event, select) for select in ("any", "vote")]
    assert found == pytest.approx([float(hit), float(vote)], abs=ROUNDING)


@given(problems(max_leaves=12, max_horizon=3), st.integers(1, 3), st.data())
@settings(max_examples=60)
def test_the_second_moment_of_a_function_is_that_of_the_cloud_law(problem, n, data):
    """On shared states as on trees; with f = 1 it is that of the relative variance."""
    size = int(problem.model.n_states[-1])
    if problem.forward_backward.log_z_alive == -np.inf:
        return
    f = np.array(data.draw(st.lists(st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0]),
                                    min_size=size, max_size=size)))  # fmt: skip
    got = cloud_second_moment(problem, n, f)
    tree = unfold(problem)
    assert got == pytest.approx(cloud_second_moment(tree.problem, n, f[tree.terminal]), rel=1e-9)
    one = cloud_second_moment(problem, n, np.ones(size))
    assert one - 1 == pytest.approx(relative_variance(problem, n), rel=1e-9, abs=1e-12)
    # a quadratic form: the parallelogram identity, which a missing square or sign breaks
    both = cloud_second_moment(problem, n, f + 1) + cloud_second_moment(problem, n, f - 1)
    assert both == pytest.approx(2 * got + 2 * one, rel=1e-9)


@pytest.mark.parametrize(
    "scheme", ["multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single"]
)
@pytest.mark.parametrize("threshold", [1.0, 0.5, 0.0])
def test_final_clouds_have_the_law_of_the_output(scheme, threshold):
    problem, smc = reference(3), SMC(2, scheme, threshold)
    law = np.zeros(8)
    for states, weights, p in final_clouds(problem, smc):
        share = weights / weights.sum(axis=1, keepdims=True)
        np.add.at(law, states, p[:, None] * share)
    assert law == pytest.approx(smc.exact_law(problem).law, abs=1e-12)


RUN = (SMC(3), SMC(3, "systematic", 0.5), SMC(2, proposal="optimal"), SMC(3, block=2),
       SMCRejection(3), SIS(3))  # fmt: skip


@pytest.mark.parametrize(
    ("sampler", "select"),
    [(s, way) for s in RUN for way in SELECT if way != "best" or hasattr(s, "select")],
    ids=lambda x: repr(x)[:30],
)
def test_runs_agree_with_the_enumeration(sampler, select):
    """Limits of Clopper and Pearson at 1 - 1e-9, so a false failure has that probability.

    A wrong weight in the last level, or clouds of different runs compared, is off by more.
    """
    problem = reference(3)
    right = np.arange(8) % 3 == 1
    exact = exact_accuracy(problem, sampler, right, select)
    got = measured_accuracy(
        problem, sampler, right, select, n_runs=20_000, rng=7, confidence=1 - 1e-9
    )
    assert got.low <= exact <= got.high
    assert got.high - got.low < 0.05


def test_a_tied_vote_is_not_right():
    """Two fair leaves of equal weight, two particles: both right 1/4, one of each 1/2."""
    fair = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 1.0], "exact")
    right = np.array([True, False])
    found = [exact_accuracy(fair, SMC(2), right, select) for select in ("vote", "sample", "any")]
    assert found == pytest.approx([0.25, 0.5, 0.75], abs=1e-12)


def test_nothing_right_and_everything_right():
    problem = reference(2)
    none, every = np.zeros(4, dtype=bool), np.ones(4, dtype=bool)
    for select in SELECT:
        assert exact_accuracy(problem, SMC(2), none, select) == 0
        assert exact_accuracy(problem, SMC(2), every, select) == pytest.approx(1, abs=1e-12)
        got = measured_accuracy(problem, SMC(2), every, select, n_runs=50, rng=1)
        assert got.value == 1
        assert measured_accuracy(problem, SMC(2), none, select, n_runs=50, rng=1).value == 0


@pytest.mark.parametrize(
    ("call", "error", "named"),
    [
        (lambda p, e: exact_accuracy(p, Beam(2), e, "vote"), InputError, "Beam: the law of its"),
        (lambda p, e: exact_accuracy(p, SIS(2), e, "best"), InputError, "SIS: has no option"),
        (lambda p, e: exact_accuracy(p, SMC(2), e, "some"), InputError, "select"),
        (lambda p, e: exact_accuracy(p, SMC(2), e[:2], "any"), InputError, "correct"),
        (lambda p, e: exact_accuracy(p, SMC(99), e, "vote"), TooLargeError, "cloud transitions"),
        (lambda p, e: measured_accuracy(p, SMC(2), e, n_runs=0, rng=1), InputError, "n_runs"),
        (lambda p, e: as_smc(p, SMCRestart(2)), InputError, "accepts some clouds only"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(call, error, named):
    problem = reference(3)
    with pytest.raises(error, match=named):
        call(problem, problem.reward > 2.5)
