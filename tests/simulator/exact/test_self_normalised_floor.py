"""The floor of a self-normalised cloud is below its mean, and meets it where it should (T0)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.self_normalised_floor import self_normalised_floor

ATOMS = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=1, max_size=6)


def table(atoms):
    q = np.array([[float(k) for k, _ in atoms]])
    return q / q.sum(), np.array([[float(u) for _, u in atoms]])


@given(ATOMS, st.integers(1, 20))
def test_it_is_below_the_mean_at_any_scale_of_the_weights(atoms, n):
    q, u = table(atoms)
    if u.max() == 0:
        assert (self_normalised_floor(q, u, n) == 0).all()
        return
    floor, mean = self_normalised_floor(q, u, n), self_normalised_mean(q, u, n)
    assert (floor <= mean + 1e-13).all()
    assert floor == pytest.approx(self_normalised_floor(q, 7 * u, n), rel=1e-12)


@given(ATOMS)
def test_it_is_the_mean_for_one_particle(atoms):
    q, u = table(atoms)
    assert self_normalised_floor(q, u, 1) == pytest.approx(np.where(u > 0, q, 0.0), rel=1e-12)


@given(ATOMS, st.integers(1, 20))
def test_it_is_the_mean_for_equal_weights(atoms, n):
    q, _ = table(atoms)
    assert self_normalised_floor(q, np.full(q.shape, 3.0), n) == pytest.approx(q, rel=1e-12)


def test_one_particle_more_would_be_above_the_mean():
    q, u = np.array([[0.5, 0.5]]), np.array([[1.0, 2.0]])
    assert (self_normalised_floor(q, u, 3) > self_normalised_mean(q, u, 2)).any()
