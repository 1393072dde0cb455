"""Exact sums against fractions added one by one."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.runs.sums import exact_sum

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


@given(FLOATS)
def test_equals_fractions_added_one_by_one(values):
    assert exact_sum(values) == sum(map(Fraction, values))


@given(FLOATS, FLOATS)
def test_parts_add_up_in_any_order(a, b):
    assert exact_sum(a + b) == exact_sum(b) + exact_sum(a[::-1])
    assert Fraction(str(exact_sum(a))) == exact_sum(a)  # as it is stored


def test_halves_do_not_overflow():
    x = np.full(2**13, np.nextafter(2.0, 1))  # the largest mantissa, 2^66 in all
    assert exact_sum(x) == 2**13 * Fraction(float(x[0]))
    assert exact_sum(-x) == -exact_sum(x)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_refuses_what_is_no_number(value):
    with pytest.raises(InputError, match="range of floats"):
        exact_sum([1.0, value])
