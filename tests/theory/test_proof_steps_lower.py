"""Steps of the proofs of the lower bounds: two branches, product, variance, hidden labels."""

import math
from fractions import Fraction
from functools import lru_cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from simulator.exact.second_moments import path_second_moment, relative_variance
from simulator.problem.families.variance import variance
from theory.instances.myopic_game import copy_value
from theory.instances.variance import exact_prefix_variance, variance_bound

HALF = Fraction(1, 2)
UNIT = st.fractions(0, 1, max_denominator=12)


def share(q, t):
    """X = q w/(1 + q(w - 1)), w = 1 + t."""
    return q * (1 + t) / (1 + q * t)


@given(UNIT, st.fractions(Fraction(-9, 10), 1, max_denominator=12))
def test_the_identity_of_the_drift(q, t):
    """X - q - q(1-q)t = -q^2 (1-q) t^2/(1+qt)."""
    assert share(q, t) - q - q * (1 - q) * t == -(q**2) * (1 - q) * t**2 / (1 + q * t)
    x = share(q, t)
    assert x * (1 - x) == q * (1 - q) * (1 + t) / (1 + q * t) ** 2


def mean_over_signs(k, s, f):
    """E f(t), t the mean of k independent ±s; f(0) if k = 0."""
    if k == 0:
        return f(Fraction(0))
    return sum(
        Fraction(math.comb(k, j), 2**k) * f(s * Fraction(2 * j - k, k)) for j in range(k + 1)
    )


def binomial(n, x):
    return [math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(n + 1)]


SPREADS = [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10)]


@pytest.mark.parametrize("s", SPREADS)
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_both_drift_inequalities_of_the_two_branches(n, s):
    """Given K of N in branch 1, and then given the share X' one level before."""
    shares, spreads = [], []
    for k in range(n + 1):
        q = Fraction(k, n)
        shares.append(mean_over_signs(k, s, lambda t, q=q: share(q, t)))
        spreads.append(mean_over_signs(k, s, lambda t, q=q: share(q, t) * (1 - share(q, t))))
        assert shares[k] <= q - q * (1 - q) * s**2 / (n * (1 + s))
        assert spreads[k] >= q * (1 - q) * (1 - 2 * s**2 / (n * (1 - s) ** 3))
    for x in (Fraction(0), Fraction(1, 7), HALF, Fraction(4, 5), Fraction(1)):
        law = binomial(n, x)
        gap = (1 - Fraction(1, n)) * x * (1 - x)
        assert sum(p * Fraction(k, n) * (1 - Fraction(k, n)) for k, p in enumerate(law)) == gap
        assert sum(p * m for p, m in zip(law, shares, strict=True)) <= (
            x - s**2 / (n * (1 + s)) * gap
        )
        assert (
            sum(p * m for p, m in zip(law, spreads, strict=True))
            >= (1 - 2 * s**2 / (n * (1 - s) ** 3)) * gap
        )


def test_a_stronger_drift_would_be_wrong():
    """Twice the drift fails, and so does X(1-X) without any loss."""
    n, s = 8, HALF
    q = Fraction(1, 2)
    x = mean_over_signs(4, s, lambda t: share(q, t))
    assert x > q - 2 * q * (1 - q) * s**2 / (n * (1 + s))
    assert mean_over_signs(4, s, lambda t: share(q, t) * (1 - share(q, t))) < q * (1 - q)


@given(
    UNIT,
    st.fractions(0, Fraction(9, 10), max_denominator=12),
    st.fractions(-1, 1, max_denominator=8),
)
def test_the_second_derivative_of_the_spread(q, s, where):
    """phi = (1+t)/(1+qt)^2 has phi'' = -2q(2-3q-qt)/(1+qt)^4 >= -4q/(1-s)^3 on |t| <= s."""
    t, d = float(s * where), 1e-4
    a = float(q)

    def phi(x):
        return (1 + x) / (1 + a * x) ** 2

    exact = -2 * q * (2 - 3 * q - q * s * where) / (1 + q * s * where) ** 4
    numeric = (phi(t + d) - 2 * phi(t) + phi(t - d)) / d**2
    assert math.isclose(numeric, exact, rel_tol=1e-3, abs_tol=1e-3)
    assert exact >= -4 * q / (1 - s) ** 3


@pytest.mark.parametrize("n", [5, 8, 32])
@pytest.mark.parametrize("horizon", [1, 2, 9, 100])
def test_the_drift_summed_over_the_levels(n, horizon):
    """sum_{h=2}^H (1/(6N)) (1/4) (1-1/N)^2 (1-5/N)^(h-2) is the bound of the theorem."""
    one = Fraction(1, n)
    drift = [one / 24 * (1 - one) ** 2 * (1 - 5 * one) ** j for j in range(horizon - 1)]
    assert sum(drift) == (1 - one) ** 2 * (1 - (1 - 5 * one) ** (horizon - 1)) / 120
    assert (1 - one) * (1 - 4 * one) >= 1 - 5 * one >= 0
    assert Fraction(1, 6) == HALF**2 / (1 + HALF)
    assert 2 * HALF**2 / (1 - HALF) ** 3 == 4


@pytest.mark.parametrize("n", [1, 2, 3, 7, 12])
def test_the_steps_of_the_limit_of_p_n(n):
    """E[1/(c+d)] >= 1/c + Var(d)/c^3 for a symmetric d, so that p_N <= 2/3 - 4/(27N)."""
    law = binomial(n, HALF)
    c = Fraction(3 * n, 2)
    delta = [Fraction(k) - Fraction(n, 2) for k in range(n + 1)]
    both = list(zip(law, delta, strict=True))
    inverse = sum(p / (c + d) for p, d in both)
    assert inverse == 1 / c + sum(
        p * d**2 / (c**2 * (c + d)) for p, d in zip(law, delta, strict=True)
    )
    even = sum(p * d**2 * c / (c**2 - d**2) for p, d in both)
    assert sum(p * d**2 / (c + d) for p, d in both) == even
    assert even >= Fraction(n, 4) / c
    p_n = 2 * (1 - n * inverse)
    assert p_n == sum(p * Fraction(2 * k, n + k) for k, p in enumerate(law))
    assert p_n <= Fraction(2, 3) - Fraction(4, 27 * n)
    assert p_n > Fraction(2, 3) - Fraction(6, 27 * n)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("horizon", [2, 5, 8, 13])
def test_m_where_nothing_branches_after_the_first_level(horizon, n):
    """m = a^H + (1/N) sum_{j<H} a^j Z^_j/V^_j < 2, as Z^_j/V^_j < 2."""
    problem = variance(horizon)
    a, rare = 1 - 1 / n, 2.0 ** -(horizon // 2)
    tokens = [[b] + [0] * (horizon - 1) for b in (0, 1)]
    moments = path_second_moment(problem, n, tokens)
    for branch, seen in enumerate(moments):
        inverse = [1.0]
        for h in range(1, horizon):
            rare_hat, common_hat = problem.prm[h]
            z_hat = rare * rare_hat + (1 - rare) * common_hat
            inverse.append(z_hat / (rare_hat, common_hat)[branch])
        assert max(inverse) < 2
        assert math.isclose(seen, a**horizon + sum(a**j * x for j, x in enumerate(inverse)) / n)
        assert seen < 2
    assert relative_variance(problem, n) < 1


@pytest.mark.parametrize("n", [1, 2, 6])
@pytest.mark.parametrize("horizon", [2, 6, 9])
def test_the_prefix_variance_is_at_least_that_of_the_first_step(horizon, n):
    """Var(W^_n) >= Var(M'_1) = Var(V'(x_1))/N = p(1-p)(2^n - 1)^2/N, equal for one particle."""
    p = Fraction(1, 2 ** (horizon // 2))
    first = p * (1 - p) * (1 / p - 1) ** 2 / n
    assert math.isclose(first, variance_bound(horizon, n))
    assert first == (1 / p - 3 + 3 * p - p * p) / n
    seen = exact_prefix_variance(variance(horizon), horizon // 2, n)
    assert seen >= float(first) * (1 - 1e-9)
    if n == 1:
        assert math.isclose(seen, first, rel_tol=1e-9)


@given(UNIT, UNIT)
def test_one_copy_of_hidden_labels(p, delta):
    """(1-p)/2 + min(p, delta) <= 1/2 + delta/2, equal at p = delta."""
    value = (1 - p) / 2 + min(p, delta)
    assert value <= HALF + delta / 2
    assert (value == HALF + delta / 2) == (p == delta)


@pytest.mark.parametrize("v", [0.1, 0.5, 0.8])
@pytest.mark.parametrize(("copies", "threshold"), [(1, 1), (4, 2), (6, 5)])
def test_adaptive_successes_stay_below_a_binomial(copies, threshold, v):
    """The best choice of chances in {0, v/2, v}, one after the other, reaches P(Bin(M, v) >= t)."""

    @lru_cache
    def best(left, needed):
        if needed <= 0:
            return 1.0
        if left == 0:
            return 0.0
        return max(
            c * best(left - 1, needed - 1) + (1 - c) * best(left - 1, needed)
            for c in (0.0, v / 2, v)
        )

    assert math.isclose(best(copies, threshold), binom.sf(threshold - 1, copies, v))


@pytest.mark.parametrize(("m", "t"), [(2, 1), (4, 3), (6, 4)])
def test_two_particles_in_one_copy_over_a_block(m, t):
    """The exact value of a copy is between 1/2 and 1/2 + delta/2, delta = P(Bin(M, 1/2) >= t)."""
    delta = binom.sf(t - 1, m, 0.5)
    value = copy_value([m, 1], [t, 1], 2)
    assert 0.5 * delta < value <= 0.5 + delta / 2 + 1e-12


def test_the_accuracy_of_the_delayed_instance_at_gamma_one_over_n():
    """(1 - 2/N)^-N falls to e^2; it is at most e^3 from N = 4 on, and 27 > e^3 at N = 3."""
    values = [(1 - 2 / n) ** -n for n in range(3, 200)]
    assert values == sorted(values, reverse=True)
    assert values[0] > math.e**3 > values[1]
    assert values[-1] > math.e**2
