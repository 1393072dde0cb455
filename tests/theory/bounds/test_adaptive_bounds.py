"""Bounds for adaptive resampling: each step of their proofs on clouds, exactly (T0)."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from simulator.exact.cloud import cloud_chain
from simulator.measure.kept_steps import kept_errors
from simulator.measure.largest_steps import largest_excess
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.resampling.when import RULES, Rule
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree
from theory.bounds.adaptive_accuracy_rate import largest_losses
from theory.bounds.adaptive_accuracy_root import largest_variances
from theory.criteria import criteria
from theory.plan import plan
from theory.registry import BOUNDS

ROUNDING = 1e-10
IDS = ("S1-adaptive", "L-adaptive", "F-adaptive", "TJ-adaptive")
SHARES = (0.3, 0.6, 0.9)
rules = st.builds(Rule, st.sampled_from(RULES), st.sampled_from(SHARES))
TREES = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)


def sampler(rule, n):
    return SMC(n, ess_threshold=rule.threshold, resample_when=rule.name)


def clouds(problem, rule, n):
    """(level, states, weights, kept) of every cloud that may be seen; levels 0..H-1."""
    for c in cloud_chain(problem, sampler(rule, n)):
        for states, weights in zip(c.states, c.weights, strict=True):
            kept = not rule.resamples(weights[None])[0]
            yield c.level, states, weights / weights.sum(), kept


def moves(problem, level, state):
    """(child, probability, V*(child)/V^(state)) of a live state."""
    prm = problem.prm[level][state]
    for p, c in zip(
        problem.model.probs[level][state], problem.model.next_state[level][state], strict=True
    ):
        if p > 0:
            yield int(c), float(p), float(problem.value[level + 1][c] / prm)


def one_level(problem, level, states, share):
    """Each particle's list of moves; those of weight zero have none."""
    return [list(moves(problem, level, s)) if w > 0 else None
            for s, w in zip(states, share, strict=True)]  # fmt: skip


def after_one_step(problem, level, states, share):
    """E[nu~_h] over pairs (particle, child) of a kept cloud, by all moves of all particles."""
    of = one_level(problem, level, states, share)
    live = [i for i, m in enumerate(of) if m]
    found = Counter()
    for chosen in itertools.product(*(of[i] for i in live)):
        chance = math.prod(p for _, p, _ in chosen)
        a = [share[i] * u * (problem.prm[level + 1][c] > 0)
             for i, (c, _, u) in zip(live, chosen, strict=True)]  # fmt: skip
        for i, (c, _, _), x in zip(live, chosen, a, strict=True):
            if x > 0:
                found[i, c] += chance * x / sum(a)
    return found


def target(problem, level, states, share):
    """nu~_{h-1} pi* over the same pairs."""
    out = Counter()
    for i, found in enumerate(one_level(problem, level, states, share)):
        for c, p, u in found or ():
            out[i, c] += share[i] * p * u
    total = sum(out.values())
    return {k: x / total for k, x in out.items()} if total > 0 else {}


# ---- one cloud that is kept


@settings(max_examples=40)
@given(TREES, rules, st.integers(2, 3))
def test_a_kept_cloud_loses_no_more_than_its_floor_says(problem, rule, n):
    for level, states, share, kept in clouds(problem, rule, n):
        if not kept:
            continue
        want, got = (
            target(problem, level, states, share),
            after_one_step(problem, level, states, share),
        )
        loss = sum(max(p - got[k], 0.0) for k, p in want.items())
        (bound,) = kept_errors(problem, level + 1, states[None], 3.0 * share[None])
        assert loss <= bound + 1e-12
        assert bound <= largest_losses(problem, rule, n)[level] + 1e-12
        # the floor itself, by its formula
        spread = 0.0
        for (i, c), p in want.items():
            others = sum(q for (j, _), q in want.items() if j != i)
            a = share[i] * next(u for d, _, u in moves(problem, level, states[i]) if d == c)
            a /= sum(share[j] * q * u for j in range(n) if share[j] > 0
                     for _, q, u in moves(problem, level, states[j]))  # fmt: skip
            spread += max(p - p / (a + others), 0.0)
        if not criteria(problem).loses_mass:
            assert bound == pytest.approx(spread, abs=1e-12)


@settings(max_examples=40)
@given(TREES, rules, st.integers(2, 4))
def test_the_conditional_variance_of_every_cloud_is_at_most_v(problem, rule, n):
    v = largest_variances(problem, rule, n)
    for level, states, share, kept in clouds(problem, rule, n):
        of = one_level(problem, level, states, share)
        mean = sum(w * p * u for w, m in zip(share, of, strict=True) for _, p, u in m or ())
        if mean == 0:
            continue
        if kept:
            variance = sum(
                w**2 * (sum(p * u * u for _, p, u in m) - sum(p * u for _, p, u in m) ** 2)
                for w, m in zip(share, of, strict=True) if m
            )  # fmt: skip
        else:
            second = sum(
                w * p * u * u for w, m in zip(share, of, strict=True) for _, p, u in m or ()
            )
            variance = (second - mean**2) / n
        assert variance <= v[level] * mean**2 + 1e-12


@settings(max_examples=40)
@given(TREES, rules, st.integers(2, 4))
def test_the_variance_of_a_kept_cloud_is_that_of_independent_draws_times_m(problem, rule, n):
    m = rule.kept_largest(n)
    for level, states, share, kept in clouds(problem, rule, n):
        if kept:
            of = one_level(problem, level, states, share)
            pairs = [
                (w * p, u) for w, found in zip(share, of, strict=True) for _, p, u in found or ()
            ]
            whole = sum(p * u * u for p, u in pairs) - sum(p * u for p, u in pairs) ** 2
            within = sum(
                w**2 * (sum(p * u * u for _, p, u in f) - sum(p * u for _, p, u in f) ** 2)
                for w, f in zip(share, of, strict=True) if f
            )  # fmt: skip
            assert within <= m * whole / n + 1e-12


def test_one_over_t_n_is_not_enough_for_the_variance_under_the_ess_rule():
    """A kept cloud with one heavy particle whose tokens differ, the others' do not."""
    n, rule = 9, Rule("ess", 0.3)
    top = rule.kept_largest(n) / n * (1 - 1e-9)
    share = np.array([top] + [(1 - top) / (n - 1)] * (n - 1))
    assert not rule.resamples(share[None])[0]
    whole = top  # variance 1 of one draw's children, all means alike
    assert top**2 > 1.5 * whole / (rule.threshold * n)
    assert top**2 <= rule.kept_largest(n) * whole / n


# Jensen's bound with the least 1/max W in place of N, which is bound TJ with tN, is false for a
# cloud that is kept: two parents, three tokens each, equal weights (found by hill climbing).
P = np.array([[0.0005, 0.0582, 0.9413], [0.8794, 0.0105, 0.1101]])
U = np.array([[5.0635, 14.0436, 5.2237], [5.2298, 0.3684, 0.9857]])


def test_tj_with_t_n_is_false_for_a_kept_cloud():
    mean = float((P * U).sum() / 2)
    ideal, got = P * U / (2 * mean), np.zeros((2, 3))
    for i, j in itertools.product(range(3), repeat=2):
        chance, total = P[0, i] * P[1, j], U[0, i] + U[1, j]
        got[0, i] += chance * U[0, i] / total
        got[1, j] += chance * U[1, j] / total
    error = np.maximum(ideal - got, 0).sum()
    w = U / mean
    n = 2  # all weights are 1/2, so that N max W = 1 and even t = 1 keeps them
    tj = (ideal * np.maximum(w - 1, 0) / (n + w - 1)).sum()
    assert error / tj == pytest.approx(1.28, abs=0.005)  # as the paper says
    x = np.maximum(w - (P * w).sum(axis=1, keepdims=True), 0) / 2
    assert error <= (ideal * x / (1 + x)).sum()


# ---- the values


def naive(problem, rule, n):
    """v_h, by the definitions over prefixes."""
    tree, out = Tree(problem), []
    for h in range(1, tree.horizon + 1):
        g = [float(tree.v[x] / tree.hat[x]) for x in tree.levels[h - 1] if tree.hat[x] > 0]
        edges = [(x, c) for x, c in tree.edges(h) if tree.hat[x] > 0]
        b = max(float(tree.v[c] / tree.hat[x]) for x, c in edges) / min(g)
        gain = max(float(tree.v[c] / tree.v[x]) for x, c in edges if tree.v[x] > 0) - 1
        s, t = max(g) / min(g), rule.threshold
        m = 1 / t if rule.name == "max_weight" else 1 + math.sqrt((n - 1) * (1 / t - 1))
        kept = gain * s * min(s / t, min(m, n)) / n if h > 1 else 0.0
        out.append(max((b - 1) / n, kept))
    return np.array(out)


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize(("n", "t"), [(2, 0.6), (4, 0.3), (30, 0.9)])
def test_values_are_those_of_the_formulas(name, n, t):
    rule = Rule(name, t)
    for problem in (reference(3), reference(4)):
        v, one = naive(problem, rule, n), sampler(rule, n)
        np.testing.assert_allclose(largest_variances(problem, rule, n), v, rtol=1e-7)
        assert BOUNDS["L-adaptive"].value(problem, one) == pytest.approx(
            math.sqrt(math.prod(1 + v) - 1) / 2, rel=1e-7
        )
        assert BOUNDS["F-adaptive"].value(problem, one) == pytest.approx(
            (v / (1 + v)).sum(), rel=1e-7
        )
        chi = np.sqrt(criteria(problem).proposal_chi2)
        m = 1 / t if name == "max_weight" else 1 + math.sqrt((n - 1) * (1 / t - 1))
        s1 = (chi[0] + math.sqrt(min(m, n)) * chi[1:].sum()) / (2 * math.sqrt(n))
        assert BOUNDS["S1-adaptive"].value(problem, one) == pytest.approx(s1, rel=1e-7)


def test_with_a_perfect_prm_n_becomes_t_n():
    problem = random_tree(horizon=3, seed=4, prm="exact")
    for rule in (Rule("ess", 0.5), Rule("max_weight", 0.5)):
        v = largest_variances(problem, rule, 40)
        want = (criteria(problem).level_action_coverage - 1) / 40
        np.testing.assert_allclose(v, want * [1, 2, 2], rtol=1e-7)


def test_tj_is_its_sum_over_all_clouds_and_can_be_measured():
    problem, rule, n = reference(3), Rule("max_weight", 0.8), 3
    total, one = 0.0, sampler(rule, n)
    for c in cloud_chain(problem, one):
        for states, weights, p in zip(c.states, c.weights, c.probability, strict=True):
            share = weights / weights.sum()
            want = target(problem, c.level, states, share)
            a = {(i, d): share[i] * u for i in range(n) if share[i] > 0
                 for d, _, u in moves(problem, c.level, states[i])}  # fmt: skip
            mean = sum(a[k] * q for k, q in _chances(problem, c.level, states, share).items())
            for k, q in want.items():
                w = a[k] / share[k[0]] / mean
                own = sum(x for (i, _), x in want.items() if i == k[0]) / share[k[0]]
                x = share[k[0]] * (w - own) if not rule.resamples(weights[None])[0] else (w - 1) / n
                total += p * q * max(x, 0) / (1 + max(x, 0))
    bound = BOUNDS["TJ-adaptive"]
    assert bound.value(problem, one) == pytest.approx(total, rel=1e-9)
    found = bound.estimate(problem, one, 4000, rng=1, confidence=1 - 1e-9)
    assert found.low <= total <= found.high
    assert found.high - found.low < 0.3 * total


def _chances(problem, level, states, share):
    return {(i, d): p for i in range(len(share)) if share[i] > 0
            for d, p, _ in moves(problem, level, states[i])}  # fmt: skip


# ---- against exact errors


@pytest.mark.slow
@pytest.mark.parametrize("t", SHARES)
def test_no_bound_is_below_the_exact_error(t):
    closest = dict.fromkeys(IDS, 0.0)
    for seed, (horizon, width), name in itertools.product(
        range(20), ((2, 2), (3, 2), (2, 3)), RULES
    ):
        problem = random_tree(width, horizon, seed=seed, prm=("noisy", "exact")[seed % 2])
        one = sampler(Rule(name, t), 2)
        error = one.exact_law(problem).tv
        for key in IDS:
            value = BOUNDS[key].value(problem, one)
            assert error <= value + ROUNDING, (key, seed, horizon, name)
            closest[key] = max(closest[key], error / value)
    assert min(closest.values()) > 0.5, closest  # so half of any of them is not enough


@settings(max_examples=30)
@given(problems(max_leaves=9, max_horizon=3), rules, st.integers(2, 3))
def test_zeros_and_lost_mass(problem, rule, n):
    one = sampler(rule, n)
    error = one.exact_law(problem).tv
    for key in IDS:
        if BOUNDS[key].applicable(problem, one):
            assert error <= BOUNDS[key].value(problem, one) + ROUNDING


# ---- mutants: N in place of N over what a kept cloud may weigh


def needle(horizon):
    """Fair bits; only all ones are worth anything, and V^ = V*."""
    stay, go = [[0.5, 0.5]] * 2, [[0, 0], [0, 1]]
    model = TabularModel([stay[:1], *[stay] * (horizon - 1)], [[[0, 1]], *[go] * (horizon - 1)])
    return Problem(model, [0.0, 1.0], "exact")


def needle_error(horizon, n, t):
    """Of either rule: the weights of the A particles alive are equal, so that both sizes are A."""
    law = np.zeros(n + 1)
    law[n] = 1
    for _ in range(horizon):
        after = np.zeros(n + 1)
        for alive in range(1, n + 1):
            kept = n if alive < t * n * (1 - 1e-9) else alive
            after[: kept + 1] += law[alive] * binom.pmf(np.arange(kept + 1), kept, 0.5)
        after[0] += law[0]
        law = after
    return law[0]


@pytest.mark.parametrize("name", RULES)
def test_n_in_place_of_t_n_is_below_the_error_of_a_needle(name):
    small = sampler(Rule(name, 0.25), 8)
    assert needle_error(4, 8, 0.25) == pytest.approx(small.exact_law(needle(4), "states").tv)
    horizon, n, rule = 6, 32, Rule(name, 1 / 32)
    problem, error = needle(horizon), needle_error(horizon, n, 1 / 32)
    for key in IDS[:3]:
        assert error <= BOUNDS[key].value(problem, sampler(rule, n))
    v = largest_excess(problem) / n  # what multinomial resampling at every level has
    chi = np.sqrt(criteria(problem).proposal_chi2)
    assert error > chi.sum() / (2 * math.sqrt(n)) + 0.05
    assert error > math.sqrt(math.prod(1 + v) - 1) / 2 + 0.3
    assert error > (v / (1 + v)).sum() + 0.4
    assert needle_error(horizon, n, 1.0) < chi.sum() / (2 * math.sqrt(n))


@pytest.mark.slow
@pytest.mark.parametrize("name", RULES)
def test_plan_finds_the_least_number_of_particles(name):
    problem = reference(3)

    def make(n):
        return SMC(n, ess_threshold=0.8, resample_when=name)

    found = plan(problem, make, 0.15).asked
    assert set(found) == {*IDS, "Z"}
    for key in IDS:
        n = found[key]
        assert BOUNDS[key].value(problem, make(n)) <= 0.15 < BOUNDS[key].value(problem, make(n - 1))
    assert found["TJ-adaptive"] < found["F-adaptive"]
