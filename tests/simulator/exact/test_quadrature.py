"""The integral against sums over all clouds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import xlog1py, xlogy

from simulator.exact import quadrature_kernel
from simulator.exact.quadrature import self_normalised_mean
from tests.support.clouds import compositions

WEIGHTS = st.sampled_from([0.0, 1e-12, 1e-3, 0.5, 1.0, 1.0, 7.0, 1e6])


def _by_enumeration(q, u, n):
    out = np.zeros(len(q))
    for counts in compositions(n, len(q)):
        chance = math.factorial(n)
        for k, p in zip(counts, q, strict=True):
            chance *= p**k / math.factorial(k)
        total = sum(k * w for k, w in zip(counts, u, strict=True))
        if total > 0:
            out += [chance * k * w / total for k, w in zip(counts, u, strict=True)]
    return out


@st.composite
def _laws(draw):
    width = draw(st.integers(1, 5))
    raw = np.array(draw(st.lists(st.integers(0, 5), min_size=width, max_size=width)), dtype=float)
    raw[draw(st.integers(0, width - 1))] += 1
    u = np.array(draw(st.lists(WEIGHTS, min_size=width, max_size=width)))
    return raw / raw.sum(), u


@settings(max_examples=150)
@given(st.lists(_laws(), min_size=1, max_size=3), st.integers(1, 7))
def test_it_is_the_sum_over_all_clouds(laws, n):
    width = max(len(q) for q, _ in laws)
    q, u = (np.array([np.pad(law[i], (0, width - len(law[0]))) for law in laws]) for i in (0, 1))
    got = self_normalised_mean(q, u, n)
    for row in range(len(laws)):
        assert got[row] == pytest.approx(_by_enumeration(q[row], u[row], n), abs=1e-11)


@pytest.mark.parametrize("n", [2, 3, 10, 57, 200])
@pytest.mark.parametrize("ratio", [1e-300, 1e-30, 1e-4, 0.5, 1.0, 3.0, 1e9, 1e300])
@pytest.mark.parametrize("p", [1e-6, 0.3, 0.5, 0.999])
def test_two_pairs_give_a_binomial_sum(n, ratio, p):
    k = np.arange(n + 1)
    log_choose = np.array([math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1)
                           for j in range(n + 1)])  # fmt: skip
    chance = np.exp(log_choose + xlogy(k, p) + xlog1py(n - k, -p))
    share = k * ratio / (k * ratio + (n - k))
    got = self_normalised_mean(np.array([[p, 1 - p]]), np.array([[ratio, 1.0]]), n)
    assert got[0] == pytest.approx([chance @ share, chance @ (1 - share)], abs=1e-11)


@pytest.mark.parametrize("n", [1, 2, 5, 100])
def test_failure_has_the_mass_that_is_missing(n):
    q, u = np.array([[0.4, 0.35, 0.25]]), np.array([[0.0, 1.0, 5.0]])
    assert self_normalised_mean(q, u, n).sum() == pytest.approx(1 - 0.4**n, abs=1e-12)


def test_equal_weights_leave_the_law_alone_for_many_particles():
    q = np.array([[0.2, 0.5, 0.3]])
    got = self_normalised_mean(q, np.full((1, 3), 1e-200), 100_000)
    assert got == pytest.approx(q, abs=1e-11)


def test_rows_of_zero_weight_give_zero_and_leave_the_others_alone():
    q, u = np.full((2, 2), 0.5), np.array([[0.0, 0.0], [1.0, 2.0]])
    assert self_normalised_mean(q, u, 2) == pytest.approx(np.array([[0, 0], [5 / 12, 7 / 12]]))


def test_the_series_towards_zero_is_what_the_grid_would_add(monkeypatch):
    right = quadrature_kernel._to_the_left.py_func
    rng = np.random.default_rng(4)
    q, u = rng.dirichlet([1.0] * 5, 30), rng.exponential(size=(30, 5)) ** 3
    u /= (q * u).sum(axis=1, keepdims=True)
    for n in (2, 9, 300):
        got = self_normalised_mean(q, u, n)
        with monkeypatch.context() as change:
            change.setattr(quadrature_kernel, "NEAR", 0.0)
            assert got == pytest.approx(_interpreted(q, u, n), abs=1e-14)  # rounding
        with monkeypatch.context() as change:  # its first term alone is not enough
            change.setattr(
                quadrature_kernel, "_to_the_left",
                lambda near, n, size, v, total: right(near, n, size, 1 - n + 0 * v, total),
            )  # fmt: skip
            assert np.abs(got - _interpreted(q, u, n)).max() > 1e-13


@pytest.mark.parametrize("n", [2, 30])
def test_it_stops_when_nothing_is_left_to_add(n, monkeypatch):
    """A pair of tiny weight and chance counts far to the right of the others."""
    q, u = np.array([[0.5, 0.5 - 1e-3, 1e-3]]), np.array([[1.0, 1e-8, 1e-12]])
    u /= (q * u).sum(axis=1, keepdims=True)
    got = self_normalised_mean(q, u, n)
    done = quadrature_kernel._is_done
    with monkeypatch.context() as change:
        change.setattr(quadrature_kernel, "_is_done", lambda *_: False)
        assert got == pytest.approx(_interpreted(q, u, n), rel=1e-13)
    with monkeypatch.context() as change:  # the first pair alone is not enough
        change.setattr(
            quadrature_kernel, "_is_done",
            lambda share, t, size, v, keep, total: done(share, t, 1, v, keep, total),
        )  # fmt: skip
        assert np.abs(got / _interpreted(q, u, n) - 1).max() > 1e-6


def test_doubling_keeps_the_digits(monkeypatch):
    rng = np.random.default_rng(5)
    q, u = rng.dirichlet([1.0] * 5, 5), rng.exponential(size=(5, 5)) ** 3
    u /= (q * u).sum(axis=1, keepdims=True)
    got = self_normalised_mean(q, u, 4)
    monkeypatch.setattr(quadrature_kernel, "DOUBLINGS", 1)
    assert got == pytest.approx(_interpreted(q, u, 4), rel=1e-13)


def _interpreted(q, u, n):
    out = np.empty_like(u)
    quadrature_kernel.integrate.py_func(q, u, n, out)
    return out
