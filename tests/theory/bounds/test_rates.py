"""Bounds X, E, LB-M and E-upper: values, what they speak of, and that they bite (T0)."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.dips import branch_probability, dips
from simulator.problem.families.rare_path import path_probability, rare_path
from simulator.problem.families.reference import reference
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from theory.criteria import criteria
from theory.instances.surviving_branch import branch_error
from theory.registry import BOUNDS, bounds_for
from theory.verdict import check

ROUNDING = 1e-10
LOWER = {"X", "E", "LB-M"}


def ids(problem, sampler):
    return {b.id for b in bounds_for(problem, sampler)} & LOWER


def test_each_speaks_of_its_own_instance_and_facts_only():
    block, path, branches = dips(4, dips=3), rare_path(4, 2), all_or_nothing(4, 3.0)
    for scheme in SCHEMES:
        assert ids(block, SMC(4, scheme)) == {"X"}
        assert ids(path, SMC(4, scheme)) == {"E"}
    assert ids(block, SMCRejection(4)) == {"X"}
    assert ids(path, SIS(4)) == {"E"}
    assert ids(branches, SMC(4)) == {"LB-M"}
    for problem, sampler in (
        (block, SMC(5)), (block, SMC(4, ess_threshold=0.5)), (block, SMC(4, block=2)),
        (block, SMC(4, select="best")), (block, SIS(4)), (block, BestOfN(4)),
        (path, SMC(5)), (path, SMCRejection(4)), (path, SMC(4, proposal="optimal")),
        (branches, SMC(3)), (branches, SMC(4, "systematic")), (branches, SMCRejection(4)),
        (all_or_nothing(4, 1.5), SMC(4)), (reference(3), SMC(4)),
        (block.with_prm("exact"), SMC(4)),
    ):  # fmt: skip
        assert ids(problem, sampler) == set()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("n", "particles", "blocks", "j"), [(2, 2, 1, 5), (3, 4, 1, 6), (2, 2, 2, 5)]
)
def test_x_is_below_the_exact_error_for_every_scheme(scheme, n, particles, blocks, j):
    problem, q = dips(particles, blocks, j), branch_probability(particles)
    for sampler in (SMC(n, scheme), SMCRejection(n)):
        (verdict,) = check(problem, sampler, bounds=["X"]).verdicts
        assert verdict.status == "holds"
        assert 0 < verdict.value <= verdict.error.high
        assert verdict.value == pytest.approx(
            max(1 - (1 - q) ** b - b * (5 / 8) ** j for b in range(1, blocks + 1)), rel=1e-12
        )


def test_x_does_not_speak_of_runs_that_are_started_again():
    """With a large Z~ the runs that reach beta, whose W^ is large, are the ones accepted."""
    problem = dips(1, 1, 4)
    again = DiffusionMonteCarlo(1, z_bound=1000.0)
    assert "X" not in ids(problem, again)
    assert "X" in ids(problem, DiffusionMonteCarlo(1, restart=False))
    assert BOUNDS["X"].value(problem, SMC(1)) > 0.1 > 1e-9 > again.exact_law(problem).tv


def test_x_without_what_survives_would_be_wrong():
    """With one dip particles do reach the event: its probability under pi* is above the error."""
    assert SMC(16).exact_law(dips(16, dips=1)).tv < branch_probability(16)
    assert BOUNDS["X"].value(dips(16, dips=1), SMC(16)) == 0


@pytest.mark.parametrize("scheme", ["multinomial", "systematic", "single"])
@pytest.mark.parametrize(("n", "particles", "horizon"), [(1, 1, 3), (2, 2, 2), (3, 8, 3)])
def test_e_is_below_the_exact_error(scheme, n, particles, horizon):
    problem, q = rare_path(particles, horizon), path_probability(particles, horizon)
    for sampler in (SMC(n, scheme), SIS(n)):
        (verdict,) = check(problem, sampler, bounds=["E"]).verdicts
        assert verdict.status == "holds"
        assert q / 2 <= verdict.value == q * (1 - (n / particles) ** horizon / 2)
        assert verdict.value <= verdict.error.low + ROUNDING


@pytest.mark.slow
@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_twice_e_or_e_with_more_particles_would_be_wrong(horizon):
    problem = rare_path(64, horizon)
    value = BOUNDS["E"].value(problem, SMC(64))
    assert value <= branch_error(problem, 64) < 2 * value
    assert branch_error(problem, 64 * 16) < value


@pytest.mark.parametrize(
    ("horizon", "ratio", "n"), [(2, 2.0, 2), (5, 3.0, 5), (12, 2.0, 5), (40, 5.0, 16)]
)
def test_lb_m_is_below_the_exact_error_by_a_factor_of_three_to_fourteen(horizon, ratio, n):
    problem = all_or_nothing(horizon, ratio)
    (verdict,) = check(problem, SMC(n), bounds=["LB-M"]).verdicts
    loss = 2 * (ratio - 1) / n
    assert verdict.value == pytest.approx((1 - 1 / n) ** 2 * (1 - (1 - loss) ** (horizon - 1)) / 24)
    assert verdict.status == "holds"
    assert 3 < verdict.error.high / verdict.value < 14


def test_lb_m_with_a_larger_constant_or_with_too_few_particles_would_be_wrong():
    """1/6 in place of 1/24; and at N < 2 (M-1) the power has a negative base."""
    problem = all_or_nothing(2, 8.0)
    assert branch_error(problem, 128) < 4 * BOUNDS["LB-M"].value(problem, SMC(128))
    assert BOUNDS["LB-M"].why_not(all_or_nothing(4, 8.0), SMC(13)) == (
        "needs: M >= 2 and N >= 2 (M - 1)"
    )


@settings(max_examples=60)
@given(problems(max_leaves=16), st.integers(1, 300))
def test_e_upper_is_its_formula(problem, n):
    c, top = max(criteria(problem).proposal_chi2), problem.horizon
    want = math.inf
    if not criteria(problem).loses_mass:
        want = sum(
            math.comb(top, j) * ((1 + c) / n) ** (j / (2 * j - 1)) for j in range(1, top + 1)
        )
    assert BOUNDS["E-upper"].value(problem, SMC(n)) == pytest.approx(want, rel=1e-9)


@settings(max_examples=40)
@given(problems(max_leaves=8, max_horizon=3, lossy=False), st.sampled_from([1, 2, 4]))
def test_e_upper_is_above_the_exact_error(problem, n):
    assert SMC(n).exact_law(problem).tv <= BOUNDS["E-upper"].value(problem, SMC(n)) + ROUNDING


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_e_upper_has_the_rate_of_the_error_on_the_rare_path(horizon):
    """Their ratio does not grow with N; that of a sum of powers j of (1+c)/N would."""
    ratios, wrong = [], []
    for n in (64, 256, 1024):
        problem = rare_path(n, horizon)
        error, upper = branch_error(problem, n), BOUNDS["E-upper"].value(problem, SMC(n))
        assert error <= upper
        ratios.append(upper / error)
        c = criteria(problem).proposal_chi2.max()
        wrong.append((1 + (1 + c) / n) ** horizon - 1)
        wrong[-1] /= error
    assert ratios[0] > ratios[2] * 0.99
    if horizon > 1:
        assert wrong[0] > 1.5 * wrong[2]


def test_an_exponent_of_one_at_every_size_of_the_set_would_be_wrong():
    problem = rare_path(8192, 2)
    c = criteria(problem).proposal_chi2.max()
    assert branch_error(problem, 8192) > (1 + (1 + c) / 8192) ** 2 - 1


def test_e_upper_at_a_long_horizon_is_vacuous_and_no_fault():
    value = BOUNDS["E-upper"].value(all_or_nothing(3000, 2.0), SMC(8))
    assert value > 1
    assert not np.isnan(value)


def test_the_three_bounds_of_h_over_root_n_are_sharp_on_dips_up_to_a_logarithm():
    """At floor(1/q) blocks H/sqrt(N) is of order j = O(log N), and so are they; the error is not.

    Their constants: S1 at most sqrt(13/8)/2, 3.2 sqrt(2) (1 + sqrt(13/8)), 3.8 sqrt(13/8).
    """
    most = {"S1": 0.64, "3.2": 3.22, "3.8": 1.28}
    for n in (8, 64, 512):
        problem = dips(n, int(1 / branch_probability(n)))
        size, j = problem.horizon / math.sqrt(n), problem.instance.arguments["dips"]
        assert size < math.sqrt(13) * (2 * j + 1)
        for name, constant in most.items():
            sampler = SMCRejection(n) if name == "3.8" else SMC(n)
            assert BOUNDS["X"].value(problem, sampler) > 0.3
            assert 1 < BOUNDS[name].value(problem, sampler) < constant * size
