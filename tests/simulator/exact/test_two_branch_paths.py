"""Exact limits of the two-branch error on paths: against the cloud law and all words (T0)."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.exact import two_branch_paths
from simulator.exact.lumped import two_branch_bias
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC

SMALL = [(1, 3), (2, 1), (2, 2), (2, 5), (3, 1), (3, 2), (3, 4), (4, 2), (4, 3), (5, 2)]


def words(horizon, n, s):
    """{later bits of a path with b = 1: nu/pi*} by conditional SMC in exact rationals."""
    half = Fraction(1, 2)

    def binomial(m, p):
        return [math.comb(m, k) * p**k * (1 - p) ** (m - k) for k in range(m + 1)]

    def resampled(law):  # {(K, share): mass} -> {K: mass}, one slot is the path's
        out = {}
        for share, mass in law:
            for k, p in enumerate(binomial(n - 1, share)):
                out[k + 1] = out.get(k + 1, 0) + mass * p
        return out

    first = [(Fraction(k + 1, n), p) for k, p in enumerate(binomial(n - 1, half))]
    found = {}
    for bits in itertools.product((0, 1), repeat=horizon - 1):
        law = resampled(first)
        for level, bit in enumerate(bits):
            weighted = []
            for k, mass in law.items():
                for ones, p in enumerate(binomial(k - 1, half)):
                    ones += bit
                    inside = ones * (1 + s) + (k - ones) * (1 - s)
                    total = inside + n - k
                    weighted.append((inside / total, mass * p * n / total))
            last = level == horizon - 2
            law = {0: sum(m for _, m in weighted)} if last else resampled(weighted)
        found[bits] = sum(law.values())
    return found


@pytest.mark.parametrize("s", [0.0, 0.5, 0.9])
@pytest.mark.parametrize(("horizon", "n"), SMALL)
def test_the_cloud_law_lies_within(horizon, n, s):
    exact = SMC(n).exact_law(two_branch(horizon, s)).tv
    limits = two_branch_tv(horizon, n, s)
    assert limits.low - 1e-12 <= exact <= limits.high + 1e-12
    assert two_branch_bias(horizon, n, s) <= limits.low + 1e-12


@pytest.mark.parametrize(("horizon", "n"), [(3, 2), (4, 3), (6, 2), (7, 3)])
def test_limits_are_their_formula_over_all_words(horizon, n):
    s = Fraction(1, 2)
    ratio = words(horizon, n, s)
    later = (Fraction(1, 4), Fraction(3, 4))
    chance = {w: math.prod(later[bit] for bit in w) for w in ratio}
    assert sum(chance.values()) == 1
    low = spread = 0
    for k in range(horizon):
        same = [w for w in ratio if sum(w) == k]
        mass = sum(chance[w] for w in same)
        mean = sum(chance[w] * ratio[w] for w in same) / mass
        low += mass * max(1 - mean, 0) / 2
        spread += sum(chance[w] * (ratio[w] - mean) ** 2 for w in same)
    limits = two_branch_tv(horizon, n)
    assert limits.low == pytest.approx(float(low), abs=1e-12)
    assert limits.high == pytest.approx(float(low) + float(spread) ** 0.5 / 4, abs=1e-7)


def test_no_word_is_forgotten_at_the_ends():
    # the ends are left out where they are rarer than 1e-20: nothing of that shows
    whole = two_branch_tv(120, 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_branch_paths, "NEGLIGIBLE", 0.0)
        again = two_branch_tv(120, 8)
        assert (again.low, again.high) == pytest.approx((whole.low, whole.high), abs=1e-9)
        patch.setattr(two_branch_paths, "NEGLIGIBLE", 1e-3)  # this shows, on the safe side
        coarse = two_branch_tv(120, 8)
        assert coarse.low < whole.low - 1e-6
        assert coarse.high > whole.high + 1e-6


def test_a_chain_that_forgets_the_bit_of_the_path_is_found():
    def forgetful(n, s):
        start, steps, ends = chain(n, s)
        return start, np.stack([steps.mean(0)] * 2), np.stack([ends.mean(0)] * 2)

    chain = two_branch_paths._conditional_chain
    exact = SMC(3).exact_law(two_branch(4)).tv
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(two_branch_paths, "_conditional_chain", forgetful)
        limits = two_branch_tv(4, 3)
    assert not limits.low - 1e-9 <= exact <= limits.high + 1e-9


def test_the_limits_are_close_at_long_horizons():
    found = two_branch_tv(1_000, 32)
    low, high = found.low, found.high
    assert 0 < high - low < 0.02 * low
    assert low > 2 * two_branch_bias(1_000, 32)  # the bias alone is no half of the error


@pytest.mark.parametrize("arguments", [(0, 2), (2, 0), (2, 2, 1.0), (2, 2, -0.1)])
def test_arguments_out_of_range(arguments):
    with pytest.raises(InputError, match="two-branch error: needs"):
        two_branch_tv(*arguments)
