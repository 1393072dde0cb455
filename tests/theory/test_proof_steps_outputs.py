"""Steps of the proofs about restarts and about SMC-IND."""

import math
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.systems import levels
from theory.criteria import criteria

TREES = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)


def outputs(tree, n):
    """(W^_H, P(y | cloud), probability) of SMC."""
    *_, last = levels(tree, n)
    return [(w, dict(nu), p) for (nu, w), p in last.items()]


@settings(max_examples=30)
@given(TREES, st.integers(1, 2), st.sampled_from([1, 1.5, 2, 4]))
def test_the_law_of_an_accepted_run(problem, n, margin):
    """a = Z/B - e, law(y) = (pi*(y) Z/B - e_y)/a, D_TV = sum |pi* e - e_y|/(2a) <= e/a."""
    tree = Tree(problem)
    runs = outputs(tree, n)
    b = tree.z * Fraction(margin)
    accepted = sum(p * min(w / b, 1) for w, _, p in runs)
    over = {y: sum(p * max(w / b - 1, 0) * nu.get(y, 0) for w, nu, p in runs) for y in tree.paths}
    law = {
        y: sum(p * min(w / b, 1) * nu.get(y, 0) for w, nu, p in runs) / accepted for y in tree.paths
    }
    e = sum(over.values())
    assert accepted == tree.z / b - e
    for y in tree.paths:
        assert law[y] == (tree.target(y) * tree.z / b - over[y]) / accepted
    tv = sum(abs(law[y] - tree.target(y)) for y in tree.paths) / 2
    assert tv == sum(abs(tree.target(y) * e - over[y]) for y in tree.paths) / (2 * accepted)
    assert tv <= e / accepted == tree.z / (b * accepted) - 1


@settings(max_examples=30)
@given(TREES, st.integers(1, 2))
def test_the_number_of_runs(problem, n):
    """a >= E[w] - E[w^2]/4 with w = W/B, and 2 <= B/Z <= 2 C_inf^2."""
    c = criteria(problem).prm_accuracy
    if not math.isfinite(c):
        return
    tree = Tree(problem)
    b = math.exp(SMCRestart(n).log_bound(problem))
    runs = outputs(tree, n)
    a = sum(float(p) * min(float(w) / b, 1) for w, _, p in runs)
    v = float(sum(p * w * w for w, _, p in runs) / tree.z**2) - 1
    z_over_b = float(tree.z) / b
    assert 2 * (1 - 1e-12) <= 1 / z_over_b <= 2 * c**2 * (1 + 1e-12)
    assert z_over_b * (1 - z_over_b * (1 + v) / 4) <= a * (1 + 1e-9)
    if v < 7:
        assert 1 / a <= 16 * c**2 / (7 - v) * (1 + 1e-9)


@given(st.fractions(0, 20, max_denominator=9))
def test_the_parabola_below_the_acceptance(w):
    assert w - w**2 / 4 <= min(w, 1) <= w


@given(st.fractions(Fraction(1, 5), 4, max_denominator=9), st.integers(1, 12))
def test_the_children_of_a_branching_particle(rate, horizon):
    """E[D] = R, E[D(D-1)] = 2R^2 if P(D=k) = (1-p)^k p; R = 1 dies out by H w.p. H/(H+1).

    The factorial moments are derivatives at 1 of p/(1 - (1-p)s) = 1/(1 + R(1-s)).
    """
    d = Fraction(1, 10**6)
    f = lambda s: 1 / (1 + rate * (1 - s))  # noqa: E731
    first = (f(1 + d) - f(1 - d)) / (2 * d)
    second = (f(1 + d) - 2 * f(Fraction(1)) + f(1 - d)) / d**2
    assert abs(first - rate) < Fraction(1, 10**6)
    assert abs(second - 2 * rate**2) < Fraction(1, 10**6)
    dead = Fraction(0)
    for _ in range(horizon):
        dead = 1 / (2 - dead)
    assert dead == Fraction(horizon, horizon + 1)


@settings(max_examples=30)
@given(TREES)
def test_the_second_moments_of_the_leaves(problem):
    """E[K K_y] = E[K_y](1 + 2 sum_{h<H} V*/V^(y_h)) from the recursion over the tree."""
    tree = Tree(problem)

    def moments(x, y):
        """E[K], E[K_y], E[K K_y] of one particle at x."""
        if len(x) == tree.horizon:
            here = Fraction(tree.hat[x] > 0)
            return here, here * (x == y), here * (x == y)
        parts = [
            (q * tree.hat[c] / tree.hat[x], moments(c, y)) for q, c in tree.kernel[x] if tree.hat[c]
        ]
        k, k_y, both = (sum((r * m[i] for r, m in parts), Fraction(0)) for i in range(3))
        return k, k_y, both + 2 * k * k_y

    for y in tree.paths:
        if tree.hat[y] == 0:
            continue
        k, k_y, both = moments((), y)
        assert k == tree.z / tree.hat[()]
        assert k_y == tree.p[y] * tree.v[y] / tree.hat[()]
        gain = 1 + 2 * sum(tree.v[y[:h]] / tree.hat[y[:h]] for h in range(tree.horizon))
        assert both == k_y * gain
