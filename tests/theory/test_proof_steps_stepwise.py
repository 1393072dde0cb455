"""Steps of the proofs of T and T-RS, and of the quadrature."""

import cmath
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.quadrature_grid import STEP
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.systems import draws, growth, levels, pairs, ratio, step, weigh
from theory.registry import BOUNDS

ALL = problems(max_leaves=9, max_horizon=3, tree=True, edges=False)
TREES = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)
SIZES = st.integers(1, 2)
KINDS = st.booleans()


def tilted(tree, nu):
    """nu~ ∝ nu^ V*/V^ as a dict; empty for failure."""
    mass = {x: s * ratio(tree, x) for x, s in nu}
    total = sum(mass.values())
    return {x: m / total for x, m in mass.items() if m > 0} if total else {}


def forward(tree, law, h, to):
    """law pi*^(to - h), for a law at level h."""
    for _ in range(to - h):
        after = defaultdict(Fraction)
        for x, p in law.items():
            for q, c in tree.kernel[x]:
                if tree.v[c] > 0:
                    after[c] += p * q * tree.v[c] / tree.v[x]
        law = after
    return law


def distance(one, two):
    """D_TV of two laws whose missing mass is failure."""
    gaps = [one.get(x, 0) - two.get(x, 0) for x in {*one, *two}]
    return sum(max(g, 0) for g in [*gaps, -sum(gaps)])


def mixture(parts):
    out = defaultdict(Fraction)
    for p, law in parts:
        for x, q in law.items():
            out[x] += p * q
    return out


def one_step(tree, nu, w, n, rejection):
    """The one-step error t_h = D_TV(E[nu~_h | past], nu~_{h-1} pi*)."""
    reached = mixture((p, tilted(tree, c)) for p, c, _ in step(tree, nu, w, n, rejection))
    h = len(nu[0][0]) + 1
    return distance(forward(tree, tilted(tree, nu), h - 1, h), reached)


@settings(max_examples=25)
@given(ALL, SIZES, KINDS)
def test_each_inequality_of_the_telescoping(problem, n, rejection):
    """Error <= sum of moved errors <= sum of one-level errors <= T, lost mass included."""
    tree = Tree(problem)
    *laws, last = levels(tree, n, rejection)
    smooth = [mixture((p, tilted(tree, nu)) for (nu, _), p in law.items()) for law in (*laws, last)]
    big = tree.horizon
    target = forward(tree, {(): Fraction(1)}, 0, big)
    assert all(target.get(y, 0) == tree.target(y) for y in tree.paths)
    error = distance(target, smooth[-1])
    moved = single = total = Fraction(0)
    for h in range(1, big + 1):
        here, ideal = smooth[h], forward(tree, smooth[h - 1], h - 1, h)
        moved += distance(forward(tree, ideal, h, big), forward(tree, here, h, big))
        single += distance(ideal, here)
        if rejection and h == big:
            continue  # its one-step error is 0: checked below
        total += sum(
            p * one_step(tree, nu, w, n, rejection) for (nu, w), p in laws[h - 1].items() if nu
        )
    if rejection:
        for nu, w in laws[-1]:
            if nu and growth(tree, nu):
                mu = weigh([(q, c) for q, _, c in pairs(tree, nu, True)], lambda q, c: q)[1]
                assert dict(mu) == forward(tree, tilted(tree, nu), big - 1, big)
            elif nu:
                total += laws[-1][nu, w] * bool(tilted(tree, nu))
    assert error <= moved <= single <= total
    sampler = SMCRejection(n, "enumerate") if rejection else SMC(n)
    assert math.isclose(sampler.exact_law(problem, on="paths").tv, error, abs_tol=1e-9)
    value = BOUNDS["T-RS" if rejection else "T"].value(problem, sampler)
    assert math.isclose(value, total, rel_tol=1e-9, abs_tol=1e-11)


@settings(max_examples=25)
@given(TREES, SIZES)
def test_the_sum_may_stop_once_it_has_passed_one(problem, n):
    """D_TV <= E[sum_{h<tau} t_h + 1{tau <= H}]; without the 1 it would be wrong."""
    tree = Tree(problem)
    law = {(((), Fraction(1)),): {Fraction(0): Fraction(1)}}
    stopped = running = Fraction(0)
    for _ in range(tree.horizon):
        after = defaultdict(lambda: defaultdict(Fraction))
        for nu, sums in law.items():
            t = one_step(tree, nu, Fraction(1), n, False) if nu else Fraction(0)
            moves = [(q, c) for q, c, _ in step(tree, nu, Fraction(1), n)]
            for total, p in sums.items():
                if total + t > 1:
                    stopped += p * (total + 1)
                    continue
                for q, c in moves:
                    after[c][total + t] += p * q
        law = after
    running = sum(p * s for sums in law.values() for s, p in sums.items())
    assert SMC(n).exact_law(problem).tv <= float(running + stopped) + 1e-9


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), min_size=2, max_size=6))
@settings(max_examples=40)
def test_the_integral_is_the_mean_of_the_cloud(atoms):
    """E[nu~(k)] = N q_k u_k Int e^(-t u_k) phi^(N-1) dt, by the closed form of the integral.

    phi^(N-1) is a sum of exponentials, so the integral is a finite sum of 1/(sum of N weights).
    """
    total, n = sum(k for k, _ in atoms), 3
    law = [(Fraction(k, total), i, Fraction(u)) for i, (k, u) in enumerate(atoms)]
    for q_k, k, u_k in law:
        if u_k == 0:
            continue
        seen = sum(
            p * sum(u for i, u in drawn if i == k) / s
            for p, drawn in draws(law, n)
            if (s := sum(u for _, u in drawn)) > 0
        )
        integral = sum(p / (u_k + sum(u for _, u in drawn)) for p, drawn in draws(law, n - 1))
        assert seen == n * q_k * u_k * integral


@given(
    st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 50)), min_size=1, max_size=6),
    st.floats(-1.57, 1.57), st.floats(-8, 8), st.integers(1, 50), st.integers(0, 5),
)  # fmt: skip
def test_the_integrand_in_the_strip(atoms, angle, s, n, k):
    """|psi(t e^ia)| <= psi(t cos a), psi = e^(-t u_k) phi^(N-1)."""
    total = sum(q for q, _ in atoms)
    u_k = atoms[k % len(atoms)][1]

    def psi(t):
        phi = sum(q / total * cmath.exp(-t * u) for q, u in atoms)
        return cmath.exp(-t * u_k) * phi ** (n - 1)

    t = math.exp(s)
    assert (
        abs(psi(t * cmath.exp(1j * angle))) <= psi(t * math.cos(angle)).real * (1 + 1e-9) + 1e-300
    )


def trapezoid_error(step_):
    """2/(cos a (e^(2 pi a/d) - 1)) at the best a: the relative error that is proved."""
    a = np.linspace(0.01, math.pi / 2 - 1e-4, 20_000)
    return float((2 / (np.cos(a) * np.expm1(2 * math.pi * a / step_))).min())


def test_the_step_of_the_quadrature_is_fine_enough():
    assert trapezoid_error(STEP) < 1.1e-15
    assert trapezoid_error(1.0) > 1e-3


@pytest.mark.parametrize("d", [1.0, 2.0, 3.0])
def test_the_trapezoidal_rule_is_as_good_as_proved_and_not_much_better(d):
    """For one weight and N = 1 the integral is 1, Gamma(1); coarse steps show the error."""
    errors = []
    for shift in np.linspace(0, d, 41):
        s = np.arange(-400, 60) * d + shift
        s = s[(s > -300) & (s < 6)]
        errors.append(abs(d * float(np.exp(s - np.exp(s)).sum()) - 1))
    assert trapezoid_error(d) / 50 < max(errors) <= trapezoid_error(d)


def test_the_quadrature_agrees_with_fractions():
    q, u, n = np.array([[0.25, 0.75]]), np.array([[3.0, 1.0]]), 4
    want = sum(
        math.comb(4, k) * 0.25**k * 0.75 ** (4 - k) * 3 * k / (3 * k + 4 - k) for k in range(5)
    )
    assert math.isclose(self_normalised_mean(q, u, n)[0, 0], want, rel_tol=1e-14)
