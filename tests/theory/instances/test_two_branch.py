"""The two-branch instance: lower bound <= bias <= exact error <= upper bounds."""

import math

import pytest

from simulator.errors import InputError
from simulator.exact.lumped import two_branch_bias
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC
from tests.support.clouds import simulate_all
from theory.instances.two_branch import lower_bound
from theory.registry import BOUNDS


def _binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _bias(horizon, n, s):
    """1/2 - E[nu^_H(b=1)], level after level, by the text of thm:two (paper/sections/lower.tex)."""
    law = _binomial(n, 0.5)
    share = {k: [(1.0, k / n)] for k in range(n + 1)}  # the first bit carries no weight
    for _ in range(2, horizon + 1):
        new = [0.0] * (n + 1)
        for k in range(n + 1):
            for chance, q in share[k]:
                for j, p in enumerate(_binomial(n, q)):
                    new[j] += law[k] * chance * p
        law, share = new, {}
        for k in range(n + 1):
            share[k] = []
            for ups, chance in enumerate(_binomial(k, 0.5)):
                weight = ups * (1 + s) + (k - ups) * (1 - s)
                share[k].append((chance, weight / (weight + n - k)))
    return 0.5 - sum(law[k] * c * q for k in range(n + 1) for c, q in share[k])


@pytest.mark.parametrize("s", [0.25, 0.5])
@pytest.mark.parametrize(("horizon", "n"), [(1, 5), (2, 5), (5, 6), (8, 8), (20, 5)])
def test_the_bias_is_that_of_the_chain_of_counts(horizon, n, s):
    assert two_branch_bias(horizon, n, s) == pytest.approx(_bias(horizon, n, s), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "horizon", "want"),
    [
        (8, 8, 0.0290410873), (8, 64, 0.0446019253), (32, 8, 0.0116851165),
        (32, 32, 0.0353393757), (32, 256, 0.0527998555), (64, 64, 0.0364096543),
        (64, 512, 0.0541735637),
    ],
)  # fmt: skip
def test_the_bias_has_the_published_values(n, horizon, want):
    assert two_branch_bias(horizon, n) == pytest.approx(want, abs=6e-11)


@pytest.mark.parametrize("n", [5, 6, 8, 16, 32, 64])
@pytest.mark.parametrize("horizon", [1, 2, 3, 8, 64, 500])
def test_the_lower_bound_is_below_the_bias(horizon, n):
    low, bias = lower_bound(horizon, n), two_branch_bias(horizon, n)
    assert low == pytest.approx((1 - 1 / n) ** 2 * (1 - (1 - 5 / n) ** (horizon - 1)) / 120)
    assert 0 <= low <= bias + 1e-12
    assert bias < 20 * low + 1e-12  # not idle: it finds more than a twentieth of the bias


@pytest.mark.parametrize(("horizon", "n"), [(2, 5), (4, 5), (6, 6), (10, 8)])
def test_the_bias_is_the_error_on_states_and_below_that_on_paths(horizon, n):
    problem = two_branch(horizon)
    on_states = SMC(n).exact_law(problem, on="states").tv
    assert on_states == pytest.approx(two_branch_bias(horizon, n), abs=1e-12)
    if horizon <= 4:
        on_paths = SMC(n).exact_law(problem).tv
        upper = BOUNDS["F-star"].value(problem, SMC(n))
        assert lower_bound(horizon, n) <= on_states <= on_paths <= upper


def test_the_exact_error_is_that_of_all_clouds():
    problem = two_branch(2)
    assert SMC(5).exact_law(problem).tv == pytest.approx(simulate_all(problem, 5).error, abs=1e-12)


@pytest.mark.parametrize("n", [8, 16])
@pytest.mark.parametrize("horizon", [3, 16, 64])
def test_upper_and_lower_bounds_enclose_the_error(horizon, n):
    problem, smc = two_branch(horizon), SMC(n)
    t, f = BOUNDS["T"].value(problem, smc), BOUNDS["F-star"].value(problem, smc)
    # C_act = 1.5 at every level but the first, where the two children are worth the same
    assert f == pytest.approx(1 - (1 + 0.5 / n) ** (1 - horizon), rel=1e-7)
    assert lower_bound(horizon, n) < two_branch_bias(horizon, n) <= t


@pytest.mark.parametrize(("horizon", "n"), [(0, 8), (8, 4)])
def test_arguments_out_of_range_are_refused(horizon, n):
    with pytest.raises(InputError, match="two-branch"):
        lower_bound(horizon, n)
