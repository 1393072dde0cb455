import itertools
import math

import numpy as np
import pytest
from scipy.stats import binom

from simulator.measure.confidence import BettingUpper, clopper_pearson, mean_interval, mean_upper


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
