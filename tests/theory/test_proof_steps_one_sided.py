"""Steps of the proofs of O, O-RS and S1t, in fractions over all particle systems."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.strategies import problems
from tests.support.brute import offspring
from tests.support.prefixes import Tree
from tests.support.systems import growth, levels, pairs, step
from theory.bounds.one_sided_coverage import LEFT_OUT, PER_LEVEL

SMALL = problems(max_leaves=9, max_horizon=3, tree=True, edges=False)
SIZES = st.integers(1, 2)
KINDS = st.booleans()
THETA = (3 - math.sqrt(5)) / 2


class Inside:
    """The paths with u_h <= M_h at all levels: V*' = E_ref[r 1_G | x] and the thresholds."""

    def __init__(self, tree, thresholds, rejection):
        self.tree, self.rejection, self.m = tree, rejection, thresholds
        top = tree.horizon - rejection
        self.paths = {
            y for y in tree.paths
            if tree.v[y] > 0 and all(self.u(y, h) <= thresholds[h - 1] for h in range(1, top + 1))
            and all(tree.hat[y[:h]] > 0 for h in range(tree.horizon))
        }  # fmt: skip
        self.v = {y: tree.v[y] if y in self.paths else Fraction(0) for y in tree.paths}
        for level in tree.levels[-2::-1]:
            for x in level:
                self.v[x] = sum((q * self.v[c] for q, c in tree.kernel[x]), Fraction(0))
        self.kappa = 1 - self.v[()] / tree.z

    def u(self, y, h):
        """Density ratio of level h of a path."""
        tree, at = self.tree, y[: h if self.rejection else h - 1]
        if tree.hat[at] == 0:
            return math.inf
        return (tree.v[y[:h]] / tree.z) * (tree.z_hat[len(at)] / tree.hat[at])

    def mu(self, nu, w):
        """W^ nu^(V*'/V^)/Z."""
        return w * sum(s * self.v[x] / self.tree.hat[x] for x, s in nu) / self.tree.z


def cut(tree, rejection, quantile):
    """Thresholds at one of the ratios of each level, and what is inside."""
    every = Inside(tree, [math.inf] * tree.horizon, rejection)
    m = []
    for h in range(1, tree.horizon + 1):
        seen = sorted({every.u(y, h) for y in tree.paths if tree.v[y] > 0} - {math.inf})
        m.append(seen[min(int(quantile * len(seen)), len(seen) - 1)] if seen else Fraction(0))
    return Inside(tree, m, rejection)


def systems(tree, n, rejection):
    """(level h - 1, probability, cloud, W^, [(probability, next cloud, next W^)])."""
    laws = list(levels(tree, n, rejection))
    for h in range(1, tree.horizon + 1 - rejection):
        for (nu, w), p in laws[h - 1].items():
            if nu:
                yield h, p, nu, w, list(step(tree, nu, w, n, rejection))


@settings(max_examples=40)
@given(SMALL, SIZES, KINDS, st.sampled_from([0.0, 0.4, 0.7, 1.0]))
def test_each_inequality_of_the_stopping_argument(problem, n, rejection, quantile):
    """The martingale, the largest weight, what a path keeps, and the drift of phi."""
    tree = Tree(problem)
    g = cut(tree, rejection, quantile)
    assert g.mu((((), Fraction(1)),), tree.hat[()]) == 1 - g.kappa
    scale = defaultdict(Fraction)  # E omega of each level
    for h, p, nu, w, moves in systems(tree, n, rejection):
        mu = g.mu(nu, w)
        # by rejection that of level h, which is known before it
        if rejection:
            omega = w * growth(tree, nu) / tree.z_hat[h] if tree.z_hat[h] else Fraction(0)
        else:
            omega = w / tree.z_hat[h - 1]
        scale[h] += p * omega
        assert sum(q * g.mu(c, v) for q, c, v in moves) == mu
        if mu == 0:
            continue
        law = pairs(tree, nu, rejection)
        u = [g.v[c] / tree.hat[c if rejection else x] for _, x, c in law]
        mean = sum(q * a for (q, _, _), a in zip(law, u, strict=True))
        largest = max(u) / mean
        assert largest <= g.m[h - 1] * omega / mu
        variance = sum(q * (g.mu(c, v) - mu) ** 2 for q, c, v in moves)
        assert variance <= mu**2 * largest / n
        # phi up to its factor: (1 - x)_+^2 grows by at most min(x, 1/x) M omega/N
        after = sum(q * max(1 - g.mu(c, v), 0) ** 2 for q, c, v in moves)
        drift = min(mu, 1 / mu) * g.m[h - 1] * omega / n
        assert after <= max(1 - mu, 0) ** 2 + drift
        if h < tree.horizon:  # at level H the weights are those of all pairs
            kept = defaultdict(Fraction)
            for q, c, _ in moves:
                total = sum(s * g.v[x] / tree.hat[x] for x, s in c)
                for x, s in c:
                    if g.v[x] > 0:
                        kept[x] += q * s * g.v[x] / tree.hat[x] / total
            for (q, _, c), a in zip(law, u, strict=True):
                if a > 0:
                    assert kept[c] >= q * a / mean * (1 - g.m[h - 1] * omega / mu / n)
    for total in scale.values():
        assert total <= 1


@settings(max_examples=40)
@given(SMALL, SIZES, KINDS, st.sampled_from([0.0, 0.4, 0.7, 1.0]))
def test_the_last_level_keeps_its_share(problem, n, rejection, quantile):
    """Outside particles take R/(mu + R) at most, and E R <= kappa."""
    tree = Tree(problem)
    g = cut(tree, rejection, quantile)
    h, rest = tree.horizon, Fraction(0)
    for (nu, w), p in list(levels(tree, n, rejection))[h - 1].items():
        if not nu:
            continue
        mu = g.mu(nu, w)
        everything = w * sum(s * tree.v[x] / tree.hat[x] for x, s in nu) / tree.z
        rest += p * (everything - mu)
        if mu == 0:
            continue
        if rejection:
            lost, law = Fraction(0), {c: q for q, _, c in pairs(tree, nu, True)}
        else:
            lost = g.m[h - 1] * w / tree.z_hat[h - 1] / mu / n
            law = defaultdict(Fraction)
            for q, c, _ in step(tree, nu, w, n):
                for x, s in c:
                    law[x] += q * s
        ideal = [
            (c, s * q * g.v[c] / tree.hat[x] * w / tree.z / mu)
            for x, s in nu for q, c in tree.kernel[x] if g.v[c] > 0
        ]  # fmt: skip
        for c, share in ideal:
            assert law[c] >= share * (1 - lost - (everything - mu) / everything)
    assert rest <= g.kappa


def test_the_constants_are_those_of_the_golden_ratio():
    """The largest of 1/x + g(x) for x >= theta, and the terms in kappa while the bound bites."""
    x = np.linspace(THETA, 4, 100_001)
    price = 1 / x + np.minimum(x, 1 / x) / (1 - THETA) ** 2
    assert price.max() == pytest.approx(PER_LEVEL, rel=1e-12)
    assert price[0] == pytest.approx(1 + 1 / (1 - THETA) ** 2, rel=1e-12)  # at theta and at 1
    for theta in (0.37, 0.39):
        y = np.append(np.linspace(theta, 1, 10_001), 1.0)
        assert (1 / y + y / (1 - theta) ** 2).max() > PER_LEVEL
    kappa = np.linspace(0, 1, 100_001)
    terms = kappa + kappa / THETA + (kappa / (1 - THETA)) ** 2
    assert (np.minimum(terms, 1) <= LEFT_OUT * kappa + 1e-12).all()
    assert (np.minimum(terms, 1) > 0.99 * LEFT_OUT * kappa).any()  # equal at sqrt 5 - 2


# --- schemes -------------------------------------------------------------------------------------

WEIGHTS = st.lists(st.integers(0, 6), min_size=2, max_size=4).filter(any)
U = st.lists(st.integers(0, 9), min_size=8, max_size=8)


def kept_and_floor(scheme, weights, u):
    """For each (slot, child): E[share of the pair] and q u/(mean + u/N); children are fair bits."""
    n, total = len(weights), sum(weights)
    share = [Fraction(w, total) for w in weights]
    kept = defaultdict(Fraction)
    for ancestors, p in offspring(scheme, tuple(weights)).items():
        for bits in itertools.product((0, 1), repeat=n):
            drawn = list(zip(ancestors, bits, strict=True))
            s = sum(u[2 * j + b] for j, b in drawn)
            for j, b in drawn:
                if s:
                    kept[j, b] += p / 2**n * Fraction(u[2 * j + b], s)
    mean = sum(share[j] * Fraction(u[2 * j] + u[2 * j + 1], 2) for j in range(n))
    return {
        (j, b): (kept[j, b], share[j] / 2 * u[2 * j + b] / (mean + Fraction(u[2 * j + b], n)))
        for j in range(n) for b in (0, 1) if share[j] and u[2 * j + b]
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["multinomial", "stratified", "residual", "ssp", "killing"])
@settings(max_examples=25)
@given(WEIGHTS, U)
def test_negatively_correlated_schemes_keep_their_share(scheme, weights, u):
    for kept, floor in kept_and_floor(scheme, weights, u).values():
        assert kept >= floor


def test_positively_correlated_offspring_do_not():
    """One ancestor for all: with N = 4 a light pair among heavy ones keeps less."""
    found = kept_and_floor("single", [1, 1, 1, 1], [1, 0, 0, 0, 0, 0, 0, 0])
    assert found[0, 0][0] < found[0, 0][1]


def test_multinomial_pairs_keep_no_more_than_that():
    """The floor without 1/N at the pair's own weight is above what a rare heavy pair keeps."""
    u, n = [9, 1, 1, 1, 1, 1, 1, 1], 4
    kept, floor = kept_and_floor("multinomial", [1, 1, 1, 1], u)[0, 0]
    mean = Fraction(16, 8)
    assert floor <= kept < Fraction(1, 8) * 9 / (mean + Fraction(9, 4 * n))


@settings(max_examples=40)
@given(SMALL, st.integers(1, 60), st.sampled_from([1, 2, 3]))
def test_a_moment_of_the_ratios_gives_its_rate(problem, n, p):
    """At most 8 H m_p^(1/(p+1)) N^(-p/(p+1)), with the threshold (N m_p)^(1/(p+1)) everywhere."""
    tree = Tree(problem)
    every = Inside(tree, [math.inf] * tree.horizon, False)
    moments = [
        sum(float(tree.target(y)) * float(every.u(y, h)) ** p for y in tree.paths if tree.v[y])
        for h in range(1, tree.horizon + 1)
    ]
    m_p = max(moments)
    if m_p == math.inf:
        return
    m = (n * m_p) ** (1 / (p + 1))
    kappa = float(Inside(tree, [m * (1 + 1e-12)] * tree.horizon, False).kappa)
    bound = PER_LEVEL * tree.horizon * m / n + LEFT_OUT * kappa
    rate = tree.horizon * m_p ** (1 / (p + 1)) * n ** (-p / (p + 1))
    assert bound <= (PER_LEVEL + LEFT_OUT) * rate * (1 + 1e-9) < 8 * rate


@settings(max_examples=30)
@given(SMALL, SIZES, st.sampled_from([0.0, 0.4, 0.7, 1.0]))
def test_each_inequality_of_the_truncated_martingale(problem, n, quantile):
    """S1t: E(1-Y)_+ <= kappa + half the steps, and a step's mean size by its variance."""
    tree = Tree(problem)
    g = cut(tree, False, quantile)
    *_, last = levels(tree, n, False)
    short = sum(p * max(1 - w / tree.z, 0) for (_, w), p in last.items())
    cut_short = sum(p * max(1 - g.mu(nu, w), 0) for (nu, w), p in last.items())
    moved, square = defaultdict(Fraction), defaultdict(Fraction)
    for h, p, nu, w, moves in systems(tree, n, False):
        mu = g.mu(nu, w)
        moved[h] += p * sum(q * abs(g.mu(c, v) - mu) for q, c, v in moves)
        variance = sum(q * (g.mu(c, v) - mu) ** 2 for q, c, v in moves)
        square[h] += p * variance * tree.z_hat[h - 1] / w if w else 0
    assert short <= cut_short <= g.kappa + sum(moved.values()) / 2
    for h in range(1, tree.horizon + 1):
        if tree.z_hat[h - 1] == 0:
            continue
        chi = Fraction(0)  # E_eta[(u P(G|x))^2] - (1 - kappa)^2
        for x, c in tree.edges(h):
            if tree.hat[x] > 0:
                eta = tree.p[c] * tree.hat[x] / tree.z_hat[h - 1]
                chi += eta * (tree.z_hat[h - 1] * g.v[c] / tree.hat[x] / tree.z) ** 2
        chi -= (1 - g.kappa) ** 2
        assert moved[h] ** 2 <= square[h] <= chi / n
