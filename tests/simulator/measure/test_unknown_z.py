"""Limits where Z is unknown: their variables by enumeration, without draws (T0)."""

from collections import Counter

import numpy as np
import pytest

from simulator.measure.unknown_z import (
    learn_threshold,
    limits_by_ratio,
    limits_by_target,
    log_mean_inverse,
    missing_share,
    seems_rare,
)
from simulator.problem.families.reference import reference
from simulator.samplers.smc.conditional_text import run_conditional_text
from simulator.samplers.smc.sampler import SMC
from simulator.text.tabular import as_language_model
from tests.support.choices import every_outcome

PROBLEM, SAMPLER = reference(3), SMC(2)
EXACT = SAMPLER.exact_law(PROBLEM, shortfall=True)


@pytest.fixture(scope="module")
def inverse_laws():
    """Law of 1/W^_H of conditional SMC along each path: {value: probability}."""
    posed = as_language_model(PROBLEM)
    laws = []
    with pytest.MonkeyPatch.context() as patch:
        for y in EXACT.tokens:
            law = Counter()
            for p, runs in every_outcome(
                patch, lambda y=y: run_conditional_text(SAMPLER, posed, y[None], 1, 0)
            ):
                law[round(float(np.exp(-runs.log_w[0, 0])), 12)] += p
            laws.append(law)
    return laws


def added(law, k):
    """Law of the sum of k independent copies."""
    value, chance = np.array(list(law)), np.array(list(law.values()))
    total, mass = np.zeros(1), np.ones(1)
    for _ in range(k):
        sums, where = np.unique(np.add.outer(total, value).round(10), return_inverse=True)
        mass = np.bincount(where.ravel(), np.multiply.outer(mass, chance).ravel())
        total = sums
    return total, mass


def mean_missing(laws, k, z):
    """E_{y ~ pi*}[(1 - (z/k) sum of k 1/W^)_+], by the function that is used."""
    out = 0.0
    for p, law in zip(EXACT.target, laws, strict=True):
        total, mass = added(law, k)
        out += p * (mass @ missing_share(-np.log(total / k)[:, None], np.log(z)))
    return out


@pytest.mark.slow
def test_the_variable_goes_from_bound_z_to_the_error(inverse_laws):
    z = np.exp(PROBLEM.log_z)
    means = [mean_missing(inverse_laws, k, z) for k in (1, 2, 4, 6)]
    assert means[0] == pytest.approx(EXACT.shortfall, abs=1e-9)  # k = 1 is bound Z
    assert np.round(means, 3).tolist() == [0.197, 0.179, 0.172, 0.170]
    assert np.all(np.diff(means) < 0)
    assert means[-1] > EXACT.tv  # and goes to it
    assert round(EXACT.tv, 4) == 0.1676
    lower = [mean_missing(inverse_laws, 2, share * z) for share in (1, 0.9, 0.5, 0.1)]
    assert np.all(np.diff(lower) > 0)
    # above Z it is no bound
    assert mean_missing(inverse_laws, 4, 1.3 * z) < EXACT.tv


def test_the_best_test_has_the_error_as_its_difference(inverse_laws):
    # with the whole mean in place of k runs, g is 1 exactly where nu < pi*
    inverse = [sum(v * p for v, p in law.items()) for law in inverse_laws]
    g = seems_rare(-np.log(np.array(inverse))[:, None], -PROBLEM.log_z)
    assert (EXACT.target - EXACT.law) @ g == pytest.approx(EXACT.tv, abs=1e-9)


def test_the_threshold_is_learnt_where_it_matters():
    # two kinds of paths, Z = 1: nu/pi* is .5 and 1.5 on them; the runs of a path agree
    log_w = -np.log(np.repeat([[0.5], [1.5]], 3, axis=1))
    assert 0.5 < np.exp(learn_threshold(log_w, 0.0)) < 1.5
    assert 0.25 < np.exp(learn_threshold(log_w, np.log(2))) < 0.75  # of 1/W^, not of Z/W^
    # one run tells nothing of another: 1/W^ is 0 or 1.5 by chance, so nu is .75 everywhere
    noise = -np.log(np.where(np.indices((2,) * 8).reshape(8, -1).T, 1.5, 1e-300))
    assert learn_threshold(noise, 0.0) == np.inf
    assert seems_rare(noise, np.inf).all()
    assert not seems_rare(noise, 0.0).all()
    # nothing is rare, or one run cannot be told from itself
    assert learn_threshold(np.full((5, 3), -1.0), 0.0) == 0
    assert learn_threshold(noise[:, :1], 0.3) == -0.3
    assert np.isfinite(learn_threshold(np.full((2, 2), -2000.0), 0.0))
    assert learn_threshold(np.full((2, 2), np.inf), -np.inf) == np.inf


def test_mean_of_inverse_weights_is_the_chance_of_success_over_z(inverse_laws):
    mean = sum(
        t * sum(v * p for v, p in law.items())
        for t, law in zip(EXACT.target, inverse_laws, strict=True)
    )
    assert mean == pytest.approx(np.exp(-PROBLEM.log_z), rel=1e-9)


def test_extremes_are_numbers():
    lost = np.full((3, 2), np.inf)
    assert np.isneginf(log_mean_inverse(lost)).all()
    assert (missing_share(lost, 0.0) == 1).all()
    assert seems_rare(lost, 0.0).all()
    none = np.zeros(3, dtype=bool)
    failed = np.full(3, -np.inf)  # no run succeeded, and pi* is all lost
    limits = limits_by_target(failed, lost, none, none, 0.1)
    assert (limits.log_z_low, limits.log_z_high, limits.high) == (-np.inf, np.inf, 1.0)
    assert limits.low == 0
    limits = limits_by_ratio(failed, failed, none[:0], none, 0.0, 0.1)
    assert limits.high == 1
    assert limits.on_target == 0
    assert limits.log_z_low == -np.inf
    assert limits.log_z_high <= 0


def test_each_limit_has_its_share(monkeypatch):
    import simulator.measure.unknown_z as module

    shares = []
    for name in ("log_mean_lower", "mean_upper", "proportion_lower", "proportion_upper"):
        right = getattr(module, name)

        def noted(*arguments, right=right):
            shares.append(arguments[-1])
            return right(*arguments)

        monkeypatch.setattr(module, name, noted)
    x, g = np.log(np.linspace(0.1, 0.9, 9)), np.arange(9) < 3
    limits_by_target(x, x[:, None], g, g, 0.1)
    assert len(shares) == 5
    assert sum(shares) == pytest.approx(0.1)
    shares.clear()
    limits_by_ratio(x, x, g, g, 0.0, 0.1)
    assert len(shares) == 6
    assert sum(shares) == pytest.approx(0.1)


def test_the_ratio_needs_positive_rewards_only():
    # rewards are 1 with probability 1/100: as good as draws from pi*
    rewards = np.where(np.arange(20_000) % 100 == 0, 0.0, -np.inf)
    rare = np.arange(200) % 2 == 0
    forward = np.where(rare, np.log(0.02), -np.inf)
    limits = limits_by_ratio(forward, rewards, rare, ~rare & rare, 0.0, 0.05)
    assert 0.3 < limits.low < 0.5 < limits.high < 0.7
    assert np.log(0.01) < limits.log_z_high < np.log(0.014)
