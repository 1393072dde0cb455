"""Exact offspring laws against exact rationals and hand integrals (T0, T1)."""

import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.resampling.offspring import offspring_batch, offspring_law
from tests.support.brute import SCHEMES, offspring

# Whole numbers: ties, zeros and whole N W_i are common.
weights = st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any)
floats = st.lists(st.floats(0.01, 10), min_size=1, max_size=4)


def counts(law, n):
    """The law of ancestors as a law of counts."""
    out = defaultdict(Fraction)
    for ancestors, q in law.items():
        out[tuple(ancestors.count(i) for i in range(n))] += q
    return out


def as_dict(pairs):
    total = defaultdict(float)
    for p, c in pairs:
        total[c] += p
    return total


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@given(weights)
def test_the_law_is_the_one_computed_in_rationals(scheme, w):
    want = counts(offspring(scheme, tuple(w)), len(w))
    got = as_dict(offspring_law(scheme, w))
    assert set(got) == set(want)
    for c, q in want.items():
        assert got[c] == pytest.approx(float(q), abs=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@given(st.one_of(weights, floats), st.sampled_from([1.0, 1e-300, 1e300]))
def test_it_sums_to_one_is_unbiased_and_spares_zero_weights(scheme, w, scale):
    share = np.array(w) / np.sum(w)
    law = offspring_law(scheme, np.array(w) * scale)
    p, c = np.array([q for q, _ in law]), np.array([k for _, k in law])
    assert p.min() > 0
    assert p.sum() == pytest.approx(1, abs=1e-12)
    assert (c.sum(axis=1) == len(w)).all()
    assert p @ c == pytest.approx(len(w) * share, abs=2e-9)  # a residual counts from 1e-9 on
    assert not c[:, share == 0].any()


@given(st.one_of(weights, floats))
def test_systematic_counts_are_floor_or_ceiling(w):
    exact = [len(w) * Fraction(x) / sum(map(Fraction, w)) for x in w]
    for _, c in offspring_law("systematic", w):
        for k, x in zip(c, exact, strict=True):
            assert math.floor(x) <= k <= math.ceil(x)


@given(st.one_of(weights, floats))
def test_residual_counts_are_at_least_the_floor(w):
    exact = [len(w) * Fraction(x) / sum(map(Fraction, w)) for x in w]
    for _, c in offspring_law("residual", w):
        assert all(k >= math.floor(x) for k, x in zip(c, exact, strict=True))


HAND = [
    # N W = (1.5, 0.75, 0.75): one copy of 0, then two draws with (1/4, 3/8, 3/8)
    (
        "residual",
        [2, 1, 1],
        {
            (3, 0, 0): 1 / 16,
            (2, 1, 0): 3 / 16,
            (2, 0, 1): 3 / 16,
            (1, 2, 0): 9 / 64,
            (1, 1, 1): 9 / 32,
            (1, 0, 2): 9 / 64,
        },
    ),
    # ends at 1.5, 2.25, 3: stratum 0 is 0's; 1 is half 0's, half 1's; 2 is 1/4 1's, 3/4 2's
    (
        "stratified",
        [2, 1, 1],
        {(2, 1, 0): 1 / 8, (2, 0, 1): 3 / 8, (1, 2, 0): 1 / 8, (1, 1, 1): 3 / 8},
    ),
    # u < 1/4: points u, 1+u, 2+u lie in 0, 0, 1; u < 1/2: 0, 0, 2; else 0, 1, 2
    ("systematic", [2, 1, 1], {(2, 1, 0): 1 / 4, (2, 0, 1): 1 / 4, (1, 1, 1): 1 / 2}),
    # the order counts: ends at 0.75, 2.25, 3
    ("systematic", [1, 2, 1], {(1, 1, 1): 1 / 2, (1, 2, 0): 1 / 4, (0, 2, 1): 1 / 4}),
    ("multinomial", [3, 1], {(2, 0): 9 / 16, (1, 1): 6 / 16, (0, 2): 1 / 16}),
    # N W = (1.5, 0.75, 0.75): fractions 1/2 and 3/4 meet, one is rounded up and 1/4 is carried on
    ("ssp", [2, 1, 1], {(2, 1, 0): 1 / 4, (2, 0, 1): 1 / 4, (1, 1, 1): 1 / 2}),
    # 0 survives, 1 with probability 1/3; a killed 1 is redrawn with (3/4, 1/4)
    ("killing", [3, 1], {(2, 0): 1 / 2, (1, 1): 1 / 2}),
    ("single", [3, 0, 1], {(3, 0, 0): 3 / 4, (0, 0, 3): 1 / 4}),
    *[(s, [1, 1, 1], {(1, 1, 1): 1.0}) for s in SCHEMES[1:-1]],
    # equal weights that are not equal floats must not lose their whole copies
    ("residual", [0.3, 0.1 * 3, 0.1 + 0.2], {(1, 1, 1): 1.0}),
]


@pytest.mark.parametrize(("scheme", "w", "want"), HAND)
def test_the_law_is_the_hand_integral(scheme, w, want):
    got = as_dict(offspring_law(scheme, w))
    assert got == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_batch_is_its_rows_one_by_one(scheme):
    table = np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 1.0], [0.2, 0.3, 7.0]])
    row, probability, ancestors = offspring_batch(scheme, table)
    assert (np.diff(ancestors, axis=1) >= 0).all()
    for i, w in enumerate(table):
        got = defaultdict(float)
        for p, a in zip(probability[row == i], ancestors[row == i], strict=True):
            got[tuple(np.bincount(a, minlength=3).tolist())] += p
        assert got == pytest.approx(as_dict(offspring_law(scheme, w)), abs=1e-15)


@pytest.mark.parametrize("bad", [[0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0], [[1.0]]])
def test_what_is_no_weight_vector_is_refused(bad):
    with pytest.raises(InputError, match=r"\Aweights: .*\Z"):
        offspring_law("multinomial", bad)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(InputError, match=r"\Aresampling: 'optimal' is not known.*\Z"):
        offspring_law("optimal", [1.0])
