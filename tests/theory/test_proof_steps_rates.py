"""Steps of the proofs in paper/sections/rates.tex: dips, rare path, all or nothing (T0)."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exact.second_moments import path_second_moment
from simulator.problem.families.dips import branch_probability, dips, dips_to_lose
from simulator.problem.families.rare_path import path_probability, rare_path
from simulator.resampling.offspring import offspring_law
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from theory.criteria import criteria

HALF = Fraction(1, 2)
ROUNDING = 1e-12


def binomial(n, p):
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


# --- dips: the chi-squares -----------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 32, 5000])
@pytest.mark.parametrize(("blocks", "j"), [(1, 1), (1, 6), (3, 2)])
def test_every_chi_square_of_dips_is_at_most_13_over_8(n, blocks, j):
    c = criteria(dips(n, blocks, j))
    assert c.chi2.max() <= 13 / 8
    assert c.proposal_chi2.max() <= 13 / 8
    assert c.action_coverage == pytest.approx(2, rel=1e-12)
    assert not c.loses_mass
    q = branch_probability(n)
    in_a_dip = (12 * n + 1) * (q * q + (1 - q) ** 2 / (8 * n)) - 1
    assert c.chi2[1] == pytest.approx(in_a_dip, rel=1e-9)
    assert c.chi2[0] == pytest.approx((1 - 2 * q) ** 2, rel=1e-9)


def test_deeper_dips_would_pass_the_chi_square():
    """A dip to V^(parent)/(60 N) in place of 1/(4 N)."""
    problem = dips(32, dips=2)
    deeper = [np.array(v) for v in problem.prm]
    for h in (2, 4):
        deeper[h][1] /= 15
    assert criteria(problem.with_prm(deeper)).chi2.max() > 13 / 8


@given(st.integers(1, 10**6))
def test_the_shares_of_a_dip(n):
    """1/(12N+1) at beta, at least 8/13 at out, in fractions."""
    alpha, beta, out = Fraction(1, 4), Fraction(1, 16 * n), HALF
    total = alpha + beta + out
    assert beta / total == Fraction(1, 12 * n + 1) >= Fraction(1, 13 * n)
    assert out / total >= Fraction(8, 13)


# --- dips: survival ------------------------------------------------------------------------------


@given(st.fractions(0, 1, max_denominator=60))
def test_a_share_of_copies_is_at_most_five_quarters_of_the_share(y):
    least = Fraction(1) if y == 1 else min(Fraction(1), y / (4 * (1 - y)))
    assert least <= Fraction(5, 4) * y


def test_six_fifths_would_be_too_small():
    y = Fraction(4, 5)
    assert y / (4 * (1 - y)) == 1 == Fraction(5, 4) * y > Fraction(6, 5) * y


def survival(scheme, n, particles, m):
    """Exact chance that one of m of n particles at beta has offspring after a dip."""
    total = 0.0
    for k, p in enumerate(binomial(m, 0.5)):
        weights = [1 / (4 * particles)] * k + [1.0] * (n - k)
        left = sum(c for c, counts in offspring_law(scheme, weights) if any(counts[:k]))
        copies = n * k / (4 * particles) / sum(weights)
        assert left <= min(1.0, copies) + ROUNDING
        total += p * left
    return total


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_dip_is_survived_with_probability_five_eighths_at_most(scheme, n):
    found = [survival(scheme, n, particles, m) for particles in (n, 3 * n) for m in range(1, n + 1)]
    assert max(found) <= 5 / 8
    least = min(found)
    assert least > 0


def test_two_fifths_would_be_too_small():
    """One particle that stays at beta is its own copy."""
    assert survival("multinomial", 1, 1, 1) == 0.5 > 2 / 5


@pytest.mark.parametrize("n", [1, 2, 7])
def test_by_rejection_the_mean_number_of_copies_is_a_quarter_at_most(n):
    for particles, m in itertools.product((n, 3 * n), range(1, n + 1)):
        low = Fraction(m, 2) / (4 * particles)
        copies = n * low / (low + Fraction(m, 2) + n - m)
        assert copies <= Fraction(1, 4)


# --- dips: the event -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 10**5])
def test_the_event_has_half_of_its_mean_number(n):
    q, j = branch_probability(n), dips_to_lose(n)
    for b in {1, 2, int(1 / q) // 2 + 1, int(1 / q)}:
        assert 1 - (1 - q) ** b >= b * q / 2
        assert b * (5 / 8) ** j <= b * q / 8
    assert int(1 / q) * q * 3 / 8 >= 1 / 4


# --- rare path -----------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 64, 10**5])
@pytest.mark.parametrize("horizon", [1, 2, 3, 10, 400])
def test_the_rare_path_has_small_chi_squares_and_is_met_half_as_often(n, horizon):
    c = criteria(rare_path(n, horizon))
    assert c.proposal_chi2[0] <= 1
    assert c.proposal_chi2.max() <= 2
    assert not c.loses_mass
    q = path_probability(n, horizon)
    assert 2 * q * q <= 1
    log_met = horizon * math.log(n) + 2 * horizon * math.log(q) + (horizon - 1) * math.log(2)
    assert math.exp(log_met) == pytest.approx(q / 2, rel=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("n", "particles", "horizon"), [(1, 1, 3), (2, 2, 2), (3, 8, 3), (4, 4, 2)]
)
def test_somebody_meets_the_rare_path_no_more_often(scheme, n, particles, horizon):
    problem, q = rare_path(particles, horizon), path_probability(particles, horizon)
    for sampler in (SMC(n, scheme), SIS(n)):
        reached = sampler.exact_law(problem, on="states").law[1]
        assert 0 < reached <= (n / particles) ** horizon * q / 2 + ROUNDING


# --- fixed horizon, from above -------------------------------------------------------------------

LIVE = problems(max_leaves=16, max_horizon=4, lossy=False)


def parts(tree, y):
    """u_k and X_{k,t} of a path: dicts by k and by (k, t)."""
    u, x = {}, {}
    for k in range(1, tree.horizon + 1):
        star = tree.v[y[:k]] / tree.z
        u[k] = star * tree.z_hat[k - 1] / tree.hat[y[: k - 1]]
        for t in range(k, tree.horizon + 1):
            x[k, t] = tree.ahead(y[:k], t) / tree.z_hat[t] / star
    return u, x


def products(tree, y):
    """For each nonempty set of levels: the product of its u and of its X."""
    u, x = parts(tree, y)
    for j in range(1, tree.horizon + 1):
        for b in itertools.combinations(range(1, tree.horizon + 1), j):
            ends = [*(k - 1 for k in b[1:]), tree.horizon]
            yield b, math.prod(u[k] * x[k, t] for k, t in zip(b, ends, strict=True))


@settings(max_examples=60)
@given(LIVE, st.integers(1, 5))
def test_the_steps_of_the_bound_at_a_fixed_horizon(problem, n):
    tree = Tree(problem, real)
    live = [y for y in tree.paths if tree.v[y] > 0]
    top, pi = tree.horizon, [tree.target(y) for y in live]
    c = criteria(problem).proposal_chi2
    rows = [parts(tree, y) for y in live]
    for k in range(1, top + 1):
        mean = sum(p * u[k] for p, (u, _) in zip(pi, rows, strict=True))
        assert mean == pytest.approx(1 + c[k - 1], rel=1e-9)
        for t in range(k, top + 1):
            assert sum(p * x[k, t] for p, (_, x) in zip(pi, rows, strict=True)) <= 1 + 1e-9
        assert all(x[k, top] == pytest.approx(1, rel=1e-9) for _, x in rows)
    terms = [dict(products(tree, y)) for y in live]
    m = path_second_moment(problem, n, np.array(live))
    for found, row in zip(m, terms, strict=True):
        assert found - 1 <= sum(v / n ** len(b) for b, v in row.items()) + 1e-9 * found
    most = (1 + max(c)) / n
    for b in terms[0]:
        j = len(b)
        mean = sum(p * min(1.0, row[b] / n**j) for p, row in zip(pi, terms, strict=True))
        assert mean <= most ** (j / (2 * j - 1)) * (1 + 1e-9)


# --- all or nothing ------------------------------------------------------------------------------

RATIOS = [Fraction(2), Fraction(5, 2), Fraction(7)]


def over_survivors(k, ratio, f):
    """E f(t), t + 1 the mean weight of k particles that weigh `ratio` with chance 1/ratio, or 0."""
    law = binomial(k, 1 / ratio)
    return sum(p * f(ratio * a / k - 1) for a, p in enumerate(law))


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("k", [1, 2, 5])
def test_moments_of_the_mean_weight(k, ratio):
    assert over_survivors(k, ratio, lambda t: t) == 0
    assert over_survivors(k, ratio, lambda t: t**2) == (ratio - 1) / k
    assert over_survivors(k, ratio, lambda t: t**3) == (ratio - 1) * (ratio - 2) / Fraction(k) ** 2


def after_a_level(n, k, ratio):
    """E[X | K = k] and E[X (1 - X) | K = k]; 0 after a failure."""
    if k in (0, n):
        alive = 0 if k == 0 else 1 - (1 - 1 / ratio) ** n
        return Fraction(alive), Fraction(0)
    q = Fraction(k, n)

    def share(t):
        return q * (1 + t) / (1 + q * t)

    return (
        over_survivors(k, ratio, share),
        over_survivors(k, ratio, lambda t: share(t) * (1 - share(t))),
    )


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("n", [5, 6, 12])
def test_both_drift_inequalities_of_all_or_nothing(n, ratio):
    """For N >= M - 2, given K of N in the branch and then given the share before."""
    shares, spreads = zip(*(after_a_level(n, k, ratio) for k in range(n + 1)), strict=True)
    drift, loss = (ratio - 1) / (2 * n), 2 * (ratio - 1) / n
    for k in range(n + 1):
        q = Fraction(k, n)
        assert shares[k] <= q - q * (1 - q) * drift
        assert spreads[k] >= q * (1 - q) * (1 - loss)
        if 0 < k < n:  # the step by Cauchy and Schwarz
            low = over_survivors(k, ratio, lambda t, q=q: t**2 / (1 + q * t))
            high = over_survivors(k, ratio, lambda t, q=q: t**2 * (1 + q * t))
            square = (ratio - 1) / k
            assert high == square * (1 + (ratio - 2) / n) <= 2 * square
            assert low >= square**2 / high >= square / 2
    for x in (Fraction(0), Fraction(1, 7), HALF, Fraction(4, 5), Fraction(1)):
        law = binomial(n, x)
        gap = (1 - Fraction(1, n)) * x * (1 - x)
        assert sum(p * s for p, s in zip(law, shares, strict=True)) <= x - drift * gap
        assert sum(p * s for p, s in zip(law, spreads, strict=True)) >= (1 - loss) * gap


def test_three_times_the_drift_and_spreads_without_loss_would_be_wrong():
    n, ratio = 40, Fraction(7)
    share, spread = after_a_level(n, 20, ratio)
    assert share > HALF - HALF**2 * 3 * (ratio - 1) / (2 * n)
    assert spread < HALF**2


@given(st.fractions(Fraction(-29, 30), 20, max_denominator=30))
def test_a_square_of_a_reciprocal_is_above_its_tangent(z):
    assert 1 / (1 + z) ** 2 >= 1 - 2 * z


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("horizon", [1, 2, 9, 60])
def test_the_drift_of_all_or_nothing_summed_over_the_levels(horizon, ratio):
    for n in (12, 40):
        one, loss = Fraction(1, n), 2 * (ratio - 1) / n
        keep = (1 - one) * (1 - loss)
        assert 0 <= keep <= 1 - loss
        assert 1 - keep <= 3 * (ratio - 1) / n
        drift = [
            (ratio - 1) / (2 * n) * (1 - one) * Fraction(1, 4) * (1 - one) * keep**i
            for i in range(horizon - 1)
        ]
        assert sum(drift) >= (1 - one) ** 2 * (1 - (1 - loss) ** (horizon - 1)) / 24
