"""What is declared of the offspring of each scheme is what they have: exact laws, no randomness."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.resampling.offspring import offspring_batch
from simulator.resampling.schemes import FEW, SCHEMES, known_as
from tests.support.brute import offspring

SIZES = (2, 3, 4, 5)
schemes = pytest.mark.parametrize("name", SCHEMES)


def clouds(n):
    """Weights of all kinds: random ones, halves of 1.5/N and .5/N, ties and zeros."""
    rng = np.random.default_rng(n)
    table = rng.gamma(0.7, size=(80, n))
    table[:20] = rng.integers(0, 4, size=(20, n)) + np.eye(n)[rng.integers(0, n, 20)]
    table[0], table[1] = 1.0, np.where(np.arange(n) < n // 2, 3.0, 1.0)
    return table / table.sum(axis=1, keepdims=True)


def covariances(name, share):
    """Exact means and covariances of the offspring counts, one weight vector after the other."""
    n = share.shape[1]
    row, chance, ancestors = offspring_batch(name, share)
    counts = (ancestors[:, :, None] == np.arange(n)).sum(axis=1)
    for r in range(len(share)):
        p, k = chance[row == r], counts[row == r]
        mean = p @ k
        yield share[r], mean, (k - mean).T @ (p[:, None] * (k - mean))


def excess(share, covariance):
    """Largest Var(sum N_j phi_j)/(N sum W_j phi_j^2) over phi, as an eigenvalue."""
    live = share > 0
    root = 1 / np.sqrt(share.size * share[live])
    return np.linalg.eigvalsh(root * covariance[np.ix_(live, live)] * root[:, None])[-1]


def worst(name, n):
    """Largest violations over the clouds: of (V), of Cov <= 0, of Var(N_j) <= E N_j."""
    seen = []
    for share, mean, covariance in covariances(name, clouds(n)):
        off = covariance - np.diag(np.diag(covariance))
        seen.append((excess(share, covariance) - 1, off.max(), (np.diag(covariance) - mean).max()))
    return np.max(seen, axis=0)


@schemes
@pytest.mark.parametrize("n", SIZES)
def test_declared_classes_hold(name, n):
    known, (variance, covariance, count) = known_as(name, n), worst(name, n)
    if known.variance != "none known":
        assert variance < 1e-10
    if known.negatively_correlated:
        assert max(covariance, count) < 1e-10


@schemes
def test_what_is_not_declared_does_fail(name):
    found = np.max([worst(name, n) for n in (4, 5)], axis=0)
    assert (found[0] > 0.01) == (SCHEMES[name].variance == "none known")
    assert (max(found[1:]) > 0.01) == (not SCHEMES[name].negatively_correlated)


@pytest.mark.parametrize("n", SIZES)
def test_multinomial_has_the_variance_itself(n):
    for share, _, covariance in covariances("multinomial", clouds(n)):
        want = n * (np.diag(share) - np.outer(share, share))
        assert covariance == pytest.approx(want, abs=1e-12)


def counted(name, weights):
    """Law of the counts in fractions."""
    law = {}
    for ancestors, p in offspring(name, weights).items():
        counts = tuple(ancestors.count(i) for i in range(len(weights)))
        law[counts] = law.get(counts, 0) + p
    return law


def variance(name, weights, phi):
    law = counted(name, weights)
    sums = [(p, sum(k * f for k, f in zip(c, phi, strict=True))) for c, p in law.items()]
    mean = sum(p * s for p, s in sums)
    return sum(p * (s - mean) ** 2 for p, s in sums)


def test_systematic_has_more_variance_at_four_particles():
    weights, phi = (3, 3, 1, 1), (1, -1, 3, -3)
    assert counted("systematic", weights) == {
        (2, 1, 1, 0): Fraction(1, 2), (1, 2, 0, 1): Fraction(1, 2)
    }  # fmt: skip
    assert variance("systematic", weights, phi) == 16
    assert variance("multinomial", weights, phi) == 12
    assert all(
        variance(name, weights, phi) <= 12
        for name, s in SCHEMES.items() if s.variance != "none known"
    )  # fmt: skip


def test_at_odd_numbers_one_particle_more_of_weight_one_changes_nothing():
    weights, phi = (3, 3, 1, 1, 2), (1, -1, 3, -3, 0)
    assert variance("systematic", weights, phi) == 16
    assert variance("multinomial", weights, phi) == 12


@pytest.mark.parametrize("n", range(1, FEW + 1))
def test_few_systematic_offspring_have_the_law_of_ssp(n):
    for weights in itertools.product(range(7), repeat=n):
        if any(weights):
            assert counted("systematic", weights) == counted("ssp", weights)


@pytest.mark.slow
@given(
    *[st.fractions(Fraction(1, 50), Fraction(49, 50), max_denominator=50)] * 2,
    *[st.fractions(-3, 3, max_denominator=9)] * 4,
)
def test_each_duel_of_ssp(x, y, alpha, beta, ell, kappa):
    """What a duel leaves of the deficit (b z + l)^2 + kappa, and that it keeps the means."""
    low = x + y < 1
    stay, b = (x / (x + y), x + y) if low else ((1 - y) / (2 - x - y), x + y - 1)

    def mean(f):
        """Over the duel: f(value rounded up, or 0; value carried on)."""
        return stay * f(0 if low else alpha, alpha if low else beta) + (1 - stay) * f(
            0 if low else beta, beta if low else alpha
        )

    def variance(f):
        return mean(lambda s, z: f(s, z) ** 2) - mean(f) ** 2

    assert mean(lambda s, z: s + b * z) == x * alpha + y * beta
    assert mean(lambda s, z: s * s + b * z * z) == x * alpha**2 + y * beta**2
    left = mean(lambda s, z: s * s + (b * z + ell) ** 2) + kappa
    left -= variance(lambda s, z: s + b * z)
    covariance = mean(lambda s, z: s * z) - mean(lambda s, z: s) * mean(lambda s, z: z)
    first, carried = mean(lambda s, z: s), mean(lambda s, z: b * z) + ell
    assert left == first**2 + carried**2 - 2 * b * covariance + kappa
    assert covariance == -variance(lambda s, z: s) <= 0
    assert left >= kappa


def test_more_do_not():
    weights = (3, 3, 1, 1)
    assert len(weights) == FEW + 1
    assert counted("systematic", weights) != counted("ssp", weights)


@schemes
@pytest.mark.parametrize("n", SIZES)
def test_slots_have_the_moments_of_the_offspring(name, n):
    share = clouds(n)[:30]
    slots = SCHEMES[name].slots(share)
    for r, (_, mean, covariance) in enumerate(covariances(name, share)):
        law = np.eye(n) if slots.law is None else slots.law[r]
        assert law.sum(axis=1) == pytest.approx(1)
        assert slots.chance[r].sum() == pytest.approx(1)
        first, second = np.zeros(n), np.zeros((n, n))
        for chance, copies in zip(slots.chance[r], slots.copies[r], strict=True):
            assert copies.sum() == pytest.approx(n) or chance == 0
            own = copies @ law
            within = np.diag(own) - law.T @ (copies[:, None] * law)
            first += chance * own
            second += chance * (np.outer(own, own) + within)
        assert first == pytest.approx(mean, abs=2e-9)  # a residual counts from 1e-9 on
        assert second - np.outer(first, first) == pytest.approx(covariance, abs=1e-8)
