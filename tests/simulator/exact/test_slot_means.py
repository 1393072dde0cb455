"""Conditional means of a self-normalised cloud under every scheme against all outcomes (T0)."""

import itertools

import numpy as np
import pytest

from simulator.errors import TooLargeError
from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.slot_means import SlotMean
from simulator.resampling.offspring import offspring_batch
from simulator.resampling.schemes import SCHEMES

schemes = pytest.mark.parametrize("name", SCHEMES)
ACTIONS = 2


def pasts(n, rows=8):
    """Shares, laws of children and weights u: ties, dead particles, weights zero, wide ranges."""
    rng = np.random.default_rng(n)
    share = rng.dirichlet(np.ones(n), rows)
    share[0] = 1 / n
    if n > 2:
        share[1, 1] = 0
    share /= share.sum(axis=1, keepdims=True)
    prob = rng.dirichlet(np.ones(ACTIONS), (rows, n))
    u = rng.exponential(size=(rows, n, ACTIONS)) ** rng.choice([0.5, 1, 4], (rows, 1, 1))
    u[2, 0, 0] = u[3, :, 1] = 0
    return share, prob, u


def listed(name, share, prob, u):
    """E[nu~(parent, child)] over all outcomes of resampling and moving."""
    n, out = share.shape[1], np.zeros_like(u)
    for r, p, parents in zip(*offspring_batch(name, share), strict=True):
        for kids in itertools.product(range(ACTIONS), repeat=n):
            chance = p * np.prod(prob[r, parents, kids])
            w = u[r, parents, kids]
            if w.sum() > 0:
                np.add.at(out[r], (parents, kids), chance * w / w.sum())
    return out


@schemes
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_the_integral_is_the_mean_over_all_outcomes(name, n):
    past = pasts(n)
    assert SlotMean(name)(*past) == pytest.approx(listed(name, *past), abs=1e-13)


@pytest.mark.slow
@schemes
def test_another_scheme_has_another_mean(name):
    """So that slots of another law would be noticed."""
    past = pasts(4)
    for other in SCHEMES:
        if other != name:
            assert np.abs(SlotMean(other)(*past) - listed(name, *past)).max() > 1e-4


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_multinomial_slots_are_independent_pairs(n):
    share, prob, u = pasts(n)
    q = (share[:, :, None] * prob).reshape(len(share), -1)
    want = self_normalised_mean(q, u.reshape(q.shape), n).reshape(u.shape)
    assert SlotMean("multinomial")(share, prob, u) == pytest.approx(want, abs=1e-13)


def covariance_floor(name, share, prob, u):
    """The floor that needs only the covariance of the offspring, q w/(1 + (w - wbar + gamma)/N)."""
    rows, n = share.shape
    row, chance, parents = offspring_batch(name, share)
    counts = (parents[:, :, None] == np.arange(n)).sum(axis=1)
    q = share[:, :, None] * prob
    w = u / (q * u).sum(axis=(1, 2), keepdims=True)
    wbar, out = (prob * w).sum(axis=2), np.zeros_like(u)
    for r in range(rows):
        p, k = chance[row == r], counts[row == r]
        total = k @ wbar[r]
        # 1 + gamma/N without cancellation: E[N_j total]/(N^2 W_j), as E[total] = N
        grown = p @ (k * total[:, None]) / np.where(share[r] > 0, n * share[r], 1)
        lead = w[r] + (grown - wbar[r])[:, None]
        out[r] = np.where(w[r] > 0, n * q[r] * w[r] / np.where(w[r] > 0, lead, 1.0), 0.0)
    return out


FIXED = ("systematic", "ssp", "single")  # mixtures of fixed parents: outcomes are few


@pytest.mark.parametrize(
    ("name", "n"), [*itertools.product(SCHEMES, (2, 3, 4)), *((name, 10) for name in FIXED)]
)
def test_floors_are_below_the_mean(name, n):
    """By Jensen slot by slot, and once more where only the covariance of the offspring is known."""
    past = pasts(n)
    floor = SlotMean(name, jensen=True)(*past)
    assert (floor <= SlotMean(name)(*past) + 1e-13).all()
    assert (covariance_floor(name, *past) <= floor + 1e-12).all()


def test_with_independent_pairs_both_floors_are_one():
    past = pasts(4)
    want = covariance_floor("multinomial", *past)
    assert SlotMean("multinomial", jensen=True)(*past) == pytest.approx(want, abs=1e-13)


@schemes
@pytest.mark.parametrize("jensen", [True, False])
def test_the_scale_of_the_weights_does_not_matter(name, jensen):
    share, prob, u = pasts(3)
    mean = SlotMean(name, jensen)
    assert mean(share, prob, 1e150 * u) == pytest.approx(mean(share, prob, u), abs=1e-13)


@schemes
def test_a_past_without_weight_fails(name):
    share, prob, u = pasts(3)
    u[:] = 0
    assert not SlotMean(name)(share, prob, u).any()


def test_a_batch_is_cut_into_parts_without_a_trace(monkeypatch):
    past = pasts(4)
    whole = SlotMean("systematic")(*past)
    monkeypatch.setattr("simulator.exact.slot_means.CHUNK", 1)
    assert SlotMean("systematic")(*past) == pytest.approx(whole, abs=1e-14)


def test_what_is_out_of_reach_is_refused():
    share, prob, u = pasts(13)
    with pytest.raises(TooLargeError, match=r"\Assp: the offspring of more than 12 .*\Z"):
        SlotMean("ssp")(share, prob, u)
    share, prob, u = pasts(2)
    u[:] = 1e-320, 1.0
    with pytest.raises(TooLargeError, match=r"\Aweights span more than .*\Z"):
        SlotMean("stratified")(share, prob, u)
