import math

import numpy as np
import pytest
from scipy.stats import binom

from simulator.measure.confidence import clopper_pearson, mean_upper


@pytest.mark.parametrize("n", [10, 57, 400])
@pytest.mark.parametrize("p", [0.0, 0.003, 0.1, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("delta", [0.01, 0.2])
def test_mean_upper_covers_bernoulli_exactly(n, p, delta):
    # all outcomes of n Bernoulli draws enumerated: no randomness
    miss = sum(
        binom.pmf(k, n, p)
        for k in range(n + 1)
        if mean_upper(np.repeat([1.0, 0.0], [k, n - k]), delta) < p - 1e-12
    )
    assert miss <= delta


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


def test_range_is_an_argument():
    x = np.linspace(0, 1, 100)
    assert math.isclose(
        mean_upper(3 * x - 1, 0.1, low=-1, high=2), 3 * mean_upper(x, 0.1) - 1, rel_tol=1e-9
    )


def test_out_of_range_is_refused():
    with pytest.raises(ValueError, match="inside"):
        mean_upper([0.0, 1.5], 0.1)
