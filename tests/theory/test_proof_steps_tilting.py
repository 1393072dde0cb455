"""Steps of the proofs of J, S2 and the exact relative variance: tilting and coalescence."""

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exact.second_moments import path_second_moment
from simulator.problem.families.reference import reference
from simulator.strategies import problems
from tests.support.brute import rejection, smc
from tests.support.prefixes import Tree
from tests.support.systems import conditional, final_weights, growth

ALL = problems(max_leaves=9, max_horizon=3, tree=True, edges=False)
TREES = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)
SIZES = st.integers(1, 2)
KINDS = st.booleans()


def alive_paths(tree):
    """Paths that can be the output and that pi* wants."""
    return [y for y in tree.paths if tree.hat[y] > 0]


@settings(max_examples=25)
@given(ALL, SIZES, KINDS)
def test_the_law_tilted_by_w_is_conditional_smc(problem, n, by_rejection):
    """E[W^k 1{Y=y}] = pi_ref(y) r(y) E^y[W^(k-1)] for k = 0, 1, 2: the output law is k = 0."""
    tree = Tree(problem)
    out = rejection(tree, n) if by_rejection else smc(tree, n)
    for y in alive_paths(tree):
        law = final_weights(tree, n, y, by_rejection)
        assert sum(law.values()) == 1
        for k, seen in enumerate((out.law[y], out.first[y], out.second[y])):
            want = tree.p[y] * tree.v[y] * sum(p * w ** (k - 1) for w, p in law.items())
            assert math.isclose(seen, want, rel_tol=1e-9)


def test_another_slot_for_the_output_breaks_the_identity():
    """Conditioning on survival is not tilting: E[W | Y=y] differs from E^y[W]."""
    tree = Tree(reference(3))
    out = smc(tree, 2)
    y = tree.paths[-1]
    tilted = sum(p * w for w, p in final_weights(tree, 2, y).items())
    assert abs(out.first[y] / out.law[y] - float(tilted)) > 1e-3


@settings(max_examples=25)
@given(ALL, SIZES, KINDS)
def test_the_jensen_step_of_j(problem, n, by_rejection):
    """nu(y)/pi*(y) = E^y[Z/W] >= Z/E^y[W] = 1/m(y), and m(y) >= (1 - 1/N)^H (H-1 for SMC-RS)."""
    tree = Tree(problem)
    out = rejection(tree, n) if by_rejection else smc(tree, n)
    coalescing = tree.horizon - by_rejection
    for y in alive_paths(tree):
        law = final_weights(tree, n, y, by_rejection)
        mean = sum(p * w for w, p in law.items())
        inverse = sum(p / w for w, p in law.items())
        assert math.isclose(out.law[y] / tree.target(y), tree.z * inverse, rel_tol=1e-9)
        assert inverse * mean >= 1
        assert mean / tree.z_alive >= (1 - Fraction(1, n)) ** coalescing
        if n == 1:
            assert inverse * mean == 1


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0.01, 10)), min_size=1, max_size=8))
def test_the_order_of_j(atoms):
    """E(1 - 1/m)_+ <= E(m - 1)_+ = E(m - 1) + E(1 - m)_+ <= v + 1 - least m, if least m <= 1."""
    total = sum(k for k, _ in atoms)
    mean = sum(k * m for k, m in atoms) / total
    first = sum(k * max(1 - 1 / m, 0.0) for k, m in atoms) / total
    second = sum(k * max(m - 1, 0.0) for k, m in atoms) / total
    third = sum(k * max(1 - m, 0.0) for k, m in atoms) / total
    assert first <= second + 1e-12
    assert math.isclose(second, mean - 1 + third, abs_tol=1e-9)
    assert third <= 1 - min(1.0, *(m for _, m in atoms), 1.0) + 1e-12


def steps_ahead(tree, f, x, h):
    """Q f(x), for x of level h-1: the weighted mean of f over the children."""
    return sum(q * tree.hat[c] / tree.hat[x] * f(c) for q, c in tree.kernel[x])


@settings(max_examples=25)
@given(TREES, st.integers(1, 3), KINDS, st.integers(0, 4))
def test_one_step_of_the_coalescence_recursion(problem, n, by_rejection, salt):
    """E^y[W_h nu_h(f) | past] = W_h f(y_h) w_h/N + (1 - 1/N) W_{h-1} nu_{h-1}(Q f)."""
    tree = Tree(problem)

    def f(x):
        return Fraction(1 + (sum(x) * 3 + len(x) + salt) % 4)

    y = alive_paths(tree)[salt % len(alive_paths(tree))]
    laws = list(conditional(tree, n, y, by_rejection))
    for h in range(1, len(laws)):
        before = after = Fraction(0)
        for (cloud, weights, w), p in laws[h - 1].items():
            total = sum(weights)
            nu = [(x, u / total) for x, u in zip(cloud, weights, strict=True) if u > 0]
            mixed = sum(s * steps_ahead(tree, f, x, h) for x, s in nu)
            if by_rejection:
                forced = w * growth(tree, nu) * f(y[:h])
            else:
                forced = w * tree.hat[y[:h]] / tree.hat[y[: h - 1]] * f(y[:h])
            before += p * (forced / n + (1 - Fraction(1, n)) * w * mixed)
        for (cloud, weights, w), p in laws[h].items():
            total = sum(weights)
            after += p * w * sum(u / total * f(x) for x, u in zip(cloud, weights, strict=True) if u)
        assert before == after


def recursion(tree, n, y, by_rejection, shift=0):
    """G_H by the recursion of the paper; `shift` moves the coalescence level: a wrong variant."""
    one = Fraction(1, n)
    g = [Fraction(1)]
    z = tree.z_hat
    for t in range(1, tree.horizon + 1):
        if by_rejection:
            total = (1 - one) ** (t - 1)
            for k in range(1, t):
                rho = tree.ahead(y[:k], t) / tree.hat[y[:k]] * z[k] / z[t]
                total += one * (1 - one) ** (t - 1 - k) * rho * g[k - shift]
        else:
            total = (1 - one) ** t
            for k in range(1, t + 1):
                rho = tree.ahead(y[:k], t) / tree.hat[y[: k - 1]] * z[k - 1] / z[t]
                total += one * (1 - one) ** (t - k) * rho * g[k - 1 + shift * (k < t)]
        g.append(total)
    return g[-1]


@settings(max_examples=25)
@given(ALL, SIZES, KINDS)
def test_the_recursion_gives_the_mean_of_conditional_smc(problem, n, by_rejection):
    tree = Tree(problem)
    for y in alive_paths(tree):
        mean = sum(p * w for w, p in final_weights(tree, n, y, by_rejection).items())
        got = recursion(tree, n, y, by_rejection)
        assert got == mean / tree.z_alive
        kind = "smc-rs" if by_rejection else "smc"
        assert math.isclose(path_second_moment(problem, n, [y], kind)[0], got, rel_tol=1e-9)


@pytest.mark.parametrize("by_rejection", [False, True])
def test_coalescence_at_another_level_is_noticed(by_rejection):
    tree = Tree(reference(4))
    y = tree.paths[5]
    right = recursion(tree, 2, y, by_rejection)
    assert abs(recursion(tree, 2, y, by_rejection, shift=1) - right) > Fraction(1, 10**4)
