import itertools
import math

import numpy as np
import pytest
from scipy.special import rel_entr
from scipy.stats import binom

from simulator.measure.confidence import (
    BettingUpper,
    clopper_pearson,
    hoeffding_interval,
    log_capital_above,
    log_mean_lower,
    mean_interval,
    mean_upper,
)


@pytest.mark.parametrize("p", [0.03, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("delta", [0.05, 0.3])
def test_betting_over_all_sequences_of_zeros_and_ones(p, delta):
    # no randomness: the capital is a martingale, and the limit fails only where it reaches 1/delta
    n = 10
    mean = miss = ruin = 0.0
    for x in itertools.product([0.0, 1.0], repeat=n):
        limit = BettingUpper(n, delta)
        limit.add(np.array(x))
        capital = math.exp(limit.log_capital(p))
        chance = p ** sum(x) * (1 - p) ** (n - sum(x))
        mean += chance * capital
        miss += chance * (limit.value() < p - 1e-11)
        ruin += chance * (capital >= 1 / delta)
    assert mean == pytest.approx(1.0, abs=1e-12)
    assert miss <= ruin + 1e-12 <= delta


def test_betting_over_several_segments():
    # three segments of bets; all 2^21 sequences by recursion over (segment, counts of ones):
    # within a segment only the number of ones matters to the capital and to later bets
    p, delta, sizes = 0.4, 0.2, (16, 4, 5)
    mean = miss = 0.0
    for counts in itertools.product(*(range(k + 1) for k in sizes)):
        limit, chance = BettingUpper(sum(sizes), delta), 1.0
        for ones, size in zip(counts, sizes, strict=True):
            limit.add(np.repeat([1.0, 0.0], [ones, size - ones]))
            chance *= binom.pmf(ones, size, p)
        mean += chance * math.exp(limit.log_capital(p))
        miss += chance * (limit.value() < p - 1e-11)
    assert mean == pytest.approx(1.0, abs=1e-12)
    assert 0 < miss <= delta


def test_betting_does_not_depend_on_the_parts():
    x = np.random.default_rng(0).beta(0.3, 3, 5_000)
    whole, parts = BettingUpper(x.size, 0.01), BettingUpper(x.size, 0.01)
    whole.add(x)
    for part in np.split(x, [1, 15, 16, 17, 900, 4_999]):
        parts.add(part)
    assert parts.value() == pytest.approx(whole.value(), rel=1e-12)
    assert whole.value() > whole.mean


@pytest.mark.parametrize("n", [10, 57])
@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_clopper_pearson_covers_on_each_side(n, p):
    delta = 0.1
    limits = [clopper_pearson(k, n, delta) for k in range(n + 1)]
    above = sum(binom.pmf(k, n, p) for k in range(n + 1) if limits[k][1] < p - 1e-12)
    below = sum(binom.pmf(k, n, p) for k in range(n + 1) if limits[k][0] > p + 1e-12)
    assert above <= delta / 2
    assert below <= delta / 2


def test_limit_tightens_with_small_variance():
    low_variance = np.full(10_000, 0.5)
    wild = np.tile([0.0, 1.0], 5_000)
    assert mean_upper(low_variance, 0.01) < 0.502
    assert mean_upper(wild, 0.01) > 0.51
    # a limit at delta, not at 2 delta or delta/2: close to the one of the normal approximation
    assert mean_upper(wild, 0.01) == pytest.approx(
        0.5 + 0.5 * math.sqrt(2e-4 * math.log(100)), abs=2e-4
    )


def test_interval_splits_its_error_over_both_sides():
    x = np.random.default_rng(1).random(1000)
    b = mean_interval(x, 0.9)
    assert b.high == mean_upper(x, 0.05)
    assert b.low == pytest.approx(1 - mean_upper(1 - x, 0.05))
    assert mean_interval([3.0, 3.0], 0.9, 3.0, 3.0).low == 3.0


def test_range_is_an_argument():
    x = np.linspace(0, 1, 100)
    assert math.isclose(
        mean_upper(3 * x - 1, 0.1, low=-1, high=2), 3 * mean_upper(x, 0.1) - 1, rel_tol=1e-9
    )


def test_out_of_range_is_refused():
    with pytest.raises(ValueError, match="inside"):
        mean_upper([0.0, 1.5], 0.1)


def poisson_binomial(chances):
    """Law of the number of successes of independent, unlike trials."""
    law = np.ones(1)
    for p in chances:
        law = np.convolve(law, [1 - p, p])
    return law


@pytest.mark.parametrize("delta", [0.05, 0.5])
@pytest.mark.parametrize(
    "chances", [[0.5] * 12, [0.0, 1.0] * 6, [0.05, 0.3, 0.9] * 4, [0.01] * 11 + [1.0], [1.0] * 3]
)
def test_limits_for_unlike_draws_hold_on_both_sides(chances, delta):
    n, mean = len(chances), float(np.mean(chances))
    law = poisson_binomial(chances)
    limits = [hoeffding_interval(k / n, n, 1 - delta) for k in range(n + 1)]
    assert sum(p for p, x in zip(law, limits, strict=True) if x.high < mean) <= delta / 2
    assert sum(p for p, x in zip(law, limits, strict=True) if x.low > mean) <= delta / 2
    for x in limits:  # they are where the theorem says, not further out
        for m, end in ((x.high, 1.0), (x.low, 0.0)):
            if m != end:
                kl = rel_entr([x.value, 1 - x.value], [m, 1 - m]).sum()
                assert n * kl == pytest.approx(math.log(2 / delta), rel=1e-6)


def test_limits_of_one_law_do_not_hold_for_unlike_draws_by_betting():
    """Bets learn that draws are small, and lose when large ones follow: the mean is 1/2."""
    x = np.repeat([0.0, 1.0], 1000)
    assert mean_upper(x, 0.025) < 0.4
    assert hoeffding_interval(0.5, 2000, 0.95).high > 0.5


def test_limits_for_unlike_draws_at_the_ends():
    nothing, all_ = hoeffding_interval(0.0, 50, 0.95), hoeffding_interval(1.0, 50, 0.95)
    assert nothing.low == 0.0
    assert nothing.high == pytest.approx(1 - (0.025) ** (1 / 50), abs=1e-9)
    assert all_.high == 1.0
    assert all_.low == pytest.approx(0.025 ** (1 / 50), abs=1e-9)
    for mean, n in ((0.5, 0), (1.5, 3), (math.nan, 3)):
        with pytest.raises(ValueError, match="hoeffding_interval"):
            hoeffding_interval(mean, n, 0.95)


@pytest.mark.parametrize("delta", [0.02, 0.3])
@pytest.mark.parametrize("values", [(0.0, 1.0, 0.3), (0.5, 40.0, 0.05), (2.0, 3.0, 0.5)])
def test_lower_limit_of_an_unbounded_mean_over_all_sequences(values, delta):
    # no randomness: the capital staked at the true mean has mean 1, and the limit is above the
    # mean only where the capital has reached 1/delta
    small, large, p = values
    n, true = 12, (1 - p) * small + p * large
    capital = miss = ruin = 0.0
    for ones in range(n + 1):
        x = np.repeat([large, small], [ones, n - ones])
        with np.errstate(divide="ignore"):
            logs = np.log(x)
        chance = binom.pmf(ones, n, p)
        grown = math.exp(log_capital_above(logs, math.log(true)))
        capital += chance * grown
        miss += chance * (log_mean_lower(logs, delta) > math.log(true) + 1e-11)
        ruin += chance * (grown >= 1 / delta)
        assert np.exp(log_mean_lower(logs, delta)) <= x.mean()
    assert capital == pytest.approx(1, abs=1e-12)
    assert miss <= ruin + 1e-12 <= delta


def test_lower_limit_of_an_unbounded_mean_is_of_use():
    x = np.random.default_rng(2).exponential(size=(1000, 400)).mean(axis=0) * 1e-200
    below = np.exp(log_mean_lower(np.log(x), 0.01)) / 1e-200
    # 400 means of 1000: spread .032; capital of nine bets: sqrt(2 log 900) of .032/sqrt 400, and
    # the boldest bet adds log(900)/400
    assert 0.97 < below < 1
    assert log_mean_lower([-np.inf, -np.inf], 0.1) == -np.inf
    assert np.isfinite(log_mean_lower([-np.inf, -3.0], 0.1))
    # more timid is safer, and scale does not matter
    assert log_mean_lower(np.log(x), 0.001) < log_mean_lower(np.log(x), 0.01)
    assert log_mean_lower(np.log(x) + 900, 0.01) == pytest.approx(
        log_mean_lower(np.log(x), 0.01) + 900, abs=1e-9
    )
    for bad in ([], [np.nan], [np.inf, 0.0]):
        with pytest.raises(ValueError, match="finite"):
            log_mean_lower(bad, 0.1)
