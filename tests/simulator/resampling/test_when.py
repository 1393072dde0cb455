"""When a cloud is resampled: the two sizes, and what a cloud that is kept may weigh (T0)."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.resampling.when import RULES, Rule

WEIGHTS = st.lists(st.integers(0, 9), min_size=1, max_size=7).filter(any)
SHARES = st.sampled_from([Fraction(1, 10), Fraction(3, 10), Fraction(1, 2), Fraction(9, 10)])


def size(name, w):
    """By its definition, in fractions."""
    share = [Fraction(x, sum(w)) for x in w]
    return 1 / (sum(x * x for x in share) if name == "ess" else max(share))


@pytest.mark.parametrize("name", RULES)
@given(WEIGHTS, SHARES)
def test_a_cloud_is_resampled_below_t_n_and_not_at_it(name, w, t):
    low = size(name, w) < t * len(w)
    scaled = np.array([w, w]) * [[1e-200], [1e3]]  # squares of the first leave the floats
    assert Rule(name, float(t)).resamples(scaled[1:]).tolist() == [low]
    if name == "max_weight":
        assert Rule(name, float(t)).resamples(scaled).tolist() == [low, low]


@given(WEIGHTS, SHARES)
def test_the_largest_weight_asks_wherever_the_effective_sample_size_does(w, t):
    ess, largest = (Rule(name, float(t)).resamples(np.array([w]))[0] for name in RULES)
    assert largest >= ess


def test_the_largest_weight_asks_more_often():
    w = np.array([[3.0, 1.0, 1.0, 1.0]])  # sizes 3 and 2
    assert [Rule(name, 0.6).resamples(w)[0] for name in RULES] == [False, True]


@pytest.mark.parametrize("name", RULES)
def test_always_and_never(name):
    w = np.array([[1.0, 1.0], [1.0, 0.0]])
    assert Rule(name, 1.0).resamples(w).all()
    assert not Rule(name, 0.0).resamples(w).any()
    assert Rule(name, 1.0).kept_squares == pytest.approx(1, abs=1e-8)  # the tie's width
    assert Rule(name, 0.0).kept_largest(5) == 5


@pytest.mark.parametrize("name", RULES)
@given(WEIGHTS, SHARES)
def test_what_is_kept_weighs_no_more_than_stated(name, w, t):
    rule, n = Rule(name, float(t)), len(w)
    if not rule.resamples(np.array([w]))[0]:
        share = np.array(w) / sum(w)
        assert n * (share**2).sum() <= rule.kept_squares
        assert n * share.max() <= rule.kept_largest(n) * (1 + 1e-12)


@pytest.mark.parametrize("n", [2, 5, 40])
@pytest.mark.parametrize("t", [0.3, 0.6, 0.9])
def test_the_largest_weight_of_a_kept_cloud_is_attained(n, t):
    """One heavy particle, the others alike, at the threshold: kept, and as heavy as stated."""
    for name in RULES:
        rule = Rule(name, t)
        top = rule.kept_largest(n) / n * (1 - 1e-12)  # up to rounding
        if top > 1 - 1e-9:
            continue
        w = np.array([[top] + [(1 - top) / (n - 1)] * (n - 1)])
        assert not rule.resamples(w)[0]
        more = top * 1.001
        w = np.array([[more] + [(1 - more) / (n - 1)] * (n - 1)])
        assert rule.resamples(w)[0]
    # sharper than (tN)^(-1/2), which is all that max W <= sqrt(sum W^2) gives
    assert Rule("ess", t).kept_largest(n) < n / np.sqrt(t * n)
