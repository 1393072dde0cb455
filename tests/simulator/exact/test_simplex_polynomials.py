"""Bernstein polynomials on simplices (T0)."""

from math import comb

import numpy as np
import pytest

from simulator.exact.simplex_polynomials import simplex_polynomials


@pytest.mark.parametrize(("states", "degree"), [(1, 4), (2, 1), (2, 13), (3, 6), (4, 5)])
def test_values_at_the_nodes_determine_a_polynomial(states, degree):
    basis = simplex_polynomials(states, degree)
    assert basis.nodes.sum(axis=1) == pytest.approx(1)
    assert (basis.nodes >= 0).all()
    x = np.random.default_rng(0).dirichlet(np.ones(states), 50)
    power = np.random.default_rng(1).standard_normal(states)
    b = np.linalg.solve(basis.at_nodes, (basis.nodes @ power) ** degree)
    assert basis.at(x) @ b == pytest.approx((x @ power) ** degree, abs=1e-11)
    assert basis.at(x).sum(axis=1) == pytest.approx(1)


def test_an_interval_has_the_nodes_of_chebyshev():
    nodes = simplex_polynomials(2, 10).nodes[:, 1]
    assert nodes == pytest.approx((1 - np.cos(np.pi * np.arange(11) / 10)) / 2, abs=1e-15)


def test_nodes_of_a_face_are_those_of_fewer_states():
    nodes = simplex_polynomials(3, 7).nodes
    face = nodes[nodes[:, 2] == 0][:, :2]
    assert np.sort(face[:, 0]) == pytest.approx(np.sort(simplex_polynomials(2, 7).nodes[:, 0]))


@pytest.mark.parametrize(("states", "degree", "most"), [(2, 30, 3.2), (3, 12, 12.0), (4, 6, 10.0)])
def test_interpolation_magnifies_little(states, degree, most):
    """The Lebesgue constant at random points; equal distances would give 1e6 and more for 30."""
    basis = simplex_polynomials(states, degree)
    x = np.random.default_rng(0).dirichlet(np.full(states, 0.7), 2000)
    lagrange = np.linalg.solve(basis.at_nodes.T, basis.at(x).T)
    assert np.abs(lagrange).sum(axis=0).max() < most


def test_lower_rows_drop_one_draw():
    basis = simplex_polynomials(3, 4)
    assert basis.size.size == comb(7, 3)
    assert (basis.size[-len(basis.counts) :] == 4).all()
    for row, below in enumerate(basis.lower):
        for smaller in below[below >= 0]:
            assert basis.size[smaller] == basis.size[row] - 1
    first = np.flatnonzero(basis.size == 0)
    assert (basis.lower[first] == -1).all()
