"""Closed laws at any horizon against naive sums, the cloud law and the tabulated values (T0)."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.exact.cloud import cloud_chain
from simulator.exact.lumped import (
    product_one_probability,
    product_tv,
    two_branch_bias,
    two_branch_counts,
    two_branch_transition,
)
from simulator.problem.families.product import product
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC

SMALL = list(itertools.product((1, 2, 3, 4), (1, 2, 3, 4)))


def one_probability(n):
    """2 E[A/(N+A)], A ~ Bin(N, 1/2), in exact rationals."""
    return sum(Fraction(math.comb(n, a), 2**n) * Fraction(2 * a, n + a) for a in range(n + 1))


def binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


@pytest.mark.parametrize("n", [1, 2, 3, 8, 60])
def test_p_n_is_the_textbook_sum(n):
    assert product_one_probability(n) == pytest.approx(float(one_probability(n)), abs=1e-13)


def test_p_n_stays_below_its_bound():
    for n in range(1, 300):
        assert product_one_probability(n) <= 2 / 3 - 4 / 27 / n + 1e-13


@pytest.mark.parametrize(("horizon", "n"), [*SMALL, (40, 5), (64, 8)])
def test_product_tv_is_the_distance_of_two_binomial_laws(horizon, n):
    pair = zip(
        binomial(horizon, one_probability(n)), binomial(horizon, Fraction(2, 3)), strict=True
    )
    want = sum(abs(a - b) for a, b in pair) / 2
    assert product_tv(horizon, n) == pytest.approx(float(want), rel=1e-9)


@pytest.mark.parametrize("scheme", ["multinomial", "systematic", "stratified", "residual"])
@pytest.mark.parametrize(("horizon", "n"), SMALL)
def test_smc_on_the_product_instance_draws_independent_bits(scheme, horizon, n):
    exact = SMC(n, scheme).exact_law(product(horizon))
    p = float(one_probability(n))
    want = [p ** sum(t) * (1 - p) ** (horizon - sum(t)) for t in exact.tokens.tolist()]
    assert exact.law == pytest.approx(want, abs=1e-12)
    assert exact.tv == pytest.approx(product_tv(horizon, n), abs=1e-12)


@pytest.mark.parametrize(
    ("horizon", "tv"), [(64, 0.129), (256, 0.255), (1024, 0.484), (4096, 0.806)]
)
def test_the_tabulated_errors_of_the_product_instance_come_out(horizon, tv):
    assert product_tv(horizon, 8) == pytest.approx(tv, abs=5e-4)


# smallest N with an error of at most .02 at r = 1 + 2c/H, worked out elsewhere, by c and H
LARGE, FEW = (8, 16, 32, 64, 128, 256), 0.02
ENOUGH = {0.5: (4, 3, 2, 2, 1, 1), 1: (7, 5, 4, 3, 2, 2), 2: (12, 9, 7, 5, 4, 3)}
AT_EIGHT = {0.5: 0.016755709363878626, 1: 0.018405533374976822, 2: 0.018814754847627003}


def tilted(ratio):
    return lambda n: sum(
        Fraction(math.comb(n, a), 2**n) * ratio * a / (n + (ratio - 1) * a) for a in range(n + 1)
    )


@pytest.mark.parametrize("c", ENOUGH)
def test_particles_for_rewards_within_a_constant_are_those_of_the_table(c):
    assert product_tv(8, ENOUGH[c][0], 1 + 2 * c / 8) == pytest.approx(AT_EIGHT[c], rel=1e-12)
    for horizon, n in zip(LARGE, ENOUGH[c], strict=True):
        ratio = 1 + 2 * c / horizon
        assert product_tv(horizon, n, ratio) <= FEW
        assert n == 1 or product_tv(horizon, n - 1, ratio) > FEW


@pytest.mark.parametrize("ratio", [Fraction(9, 8), Fraction(3, 2), Fraction(1, 3), Fraction(1)])
@pytest.mark.parametrize(("horizon", "n"), [(1, 2), (3, 1), (4, 3)])
def test_other_ratios_have_the_law_of_the_clouds_and_of_rationals(ratio, horizon, n):
    p, q = tilted(ratio)(n), ratio / (1 + ratio)
    assert product_one_probability(n, float(ratio)) == pytest.approx(float(p), abs=1e-14)
    want = sum(abs(a - b) for a, b in zip(binomial(horizon, p), binomial(horizon, q), strict=True))
    error = SMC(n).exact_law(product(horizon, float(ratio))).tv
    assert product_tv(horizon, n, float(ratio)) == pytest.approx(float(want / 2), abs=1e-13)
    assert error == pytest.approx(float(want / 2), abs=1e-12)


@pytest.mark.parametrize("ratio", [0.0, -1.0, np.inf, np.nan])
def test_ratios_out_of_range_are_refused(ratio):
    with pytest.raises(InputError, match="ratio"):
        product_tv(4, 2, ratio)
    with pytest.raises(InputError, match="ratio"):
        product(4, ratio)


# tab:instances of paper/sections/experiments.tex: N, H, 1/2 - E[nu^_H(b=1)] at s = 1/2
TWO_BRANCH = [
    (8, 8, 0.0290410873),
    (8, 64, 0.0446019253),
    (32, 8, 0.0116851165),
    (32, 32, 0.0353393757),
    (32, 256, 0.0527998555),
    (64, 64, 0.0364096543),
    (64, 512, 0.0541735637),
]


@pytest.mark.parametrize(("n", "horizon", "bias"), TWO_BRANCH)
def test_the_tabulated_biases_of_the_two_branch_instance_come_out(n, horizon, bias):
    assert two_branch_bias(horizon, n) == pytest.approx(bias, abs=1e-10)


@pytest.mark.parametrize(("horizon", "n"), SMALL)
@pytest.mark.parametrize("s", [0.0, 0.5, 1.0])
def test_the_bias_is_that_of_the_cloud_law_on_states(horizon, n, s):
    exact = SMC(n).exact_law(two_branch(horizon, s), on="states")
    assert 0.5 - exact.law[1] == pytest.approx(two_branch_bias(horizon, n, s), abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 4, 6])
@pytest.mark.parametrize("s", [0.25, 0.5])
def test_the_number_in_branch_one_has_the_law_of_the_cloud_chain(n, s):
    for cloud in cloud_chain(two_branch(6, s), SMC(n)):
        if cloud.level == 0:
            continue
        k = cloud.states.sum(axis=1)
        law = np.bincount(k, cloud.probability, n + 1)
        assert two_branch_counts(cloud.level, n, s) == pytest.approx(law, abs=1e-12)


@pytest.mark.parametrize(("n", "s"), [(1, 0.5), (2, 0.5), (5, 0.3), (7, 1.0)])
def test_a_step_of_the_chain_is_the_naive_double_sum(n, s):
    transition, mean = two_branch_transition(n, s)
    for k in range(n + 1):
        row, share = np.zeros(n + 1), 0.0
        for ups in range(k + 1):
            weight = ups * (1 + s) + (k - ups) * (1 - s)
            if n - k + weight <= 1e-12:
                continue  # all weights zero: a failed run
            q, chance = weight / (n - k + weight), math.comb(k, ups) / 2**k
            row += chance * np.array(binomial(n, q))
            share += chance * q
        assert transition[k] == pytest.approx(row, abs=1e-12)
        assert mean[k] == pytest.approx(share, abs=1e-12)


@pytest.mark.parametrize(("horizon", "n"), [(2, 5), (8, 8), (64, 32), (512, 64), (300, 400)])
def test_the_bias_is_above_the_proved_lower_bound(horizon, n):
    low = (1 - 1 / n) ** 2 * (1 - (1 - 5 / n) ** (horizon - 1)) / 120
    assert 0 < low <= two_branch_bias(horizon, n)


def test_impossible_sizes_are_refused():
    for call in (
        lambda: product_one_probability(0),
        lambda: product_tv(0, 2),
        lambda: two_branch_transition(0),
        lambda: two_branch_counts(0, 2),
    ):
        with pytest.raises(InputError, match="at least 1"):
            call()
    with pytest.raises(InputError, match="between 0 and 1"):
        two_branch_bias(4, 4, 1.5)
