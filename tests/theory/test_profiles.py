"""Infima over thresholds against double loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.profiles import least_of_both, tails

ATOMS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.5, 1.0, 1.5, 2.0, 4.0, 30.0]), st.floats(0.0, 1.0)),
    max_size=12,
)


def _candidates(atoms):
    """(sqrt(a), mass of ratios > a) at 1 and at every atom above it."""
    at = sorted({1.0} | {a for a, _ in atoms if a > 1})
    return [(a**0.5, sum(p for b, p in atoms if b > a)) for a in at]


def _arrays(atoms):
    return np.log([a for a, _ in atoms]), np.array([p for _, p in atoms], dtype=np.float64)


@given(ATOMS)
def test_tails_are_the_masses_above_each_atom(atoms):
    root, tail = tails(*_arrays(atoms))
    want = _candidates(atoms)
    assert root == pytest.approx([r for r, _ in want])
    assert tail == pytest.approx([t for _, t in want], abs=1e-12)


@given(ATOMS, ATOMS, st.sampled_from([0.0, 1e-3, 0.05, 0.3, 2.0, 100.0]))
def test_the_least_of_two_thresholds_is_that_of_the_double_loop(first, second, scale):
    want = min(scale * u * v + a + b for u, a in _candidates(first) for v, b in _candidates(second))
    got = least_of_both(scale, tails(*_arrays(first)), tails(*_arrays(second)))
    assert got == pytest.approx(want, abs=1e-12)


def test_a_candidate_beyond_the_range_of_floats_is_left_out():
    root, tail = tails(np.array([2000.0]), np.array([0.25]))
    assert root.tolist() == [1.0, np.inf]
    assert tail.tolist() == [0.25, 0.0]
    one = np.array([1.0]), np.array([0.0])
    assert least_of_both(0.5, (root, tail), one) == pytest.approx(0.75)


def test_atoms_that_rounding_has_merged_do_no_harm():
    atoms = np.array([0.0, 1e-17, 3e-17]), np.array([0.5, 0.25, 0.25])
    one = np.array([1.0]), np.array([0.0])
    assert least_of_both(0.125, tails(*atoms), one) == pytest.approx(0.125)
