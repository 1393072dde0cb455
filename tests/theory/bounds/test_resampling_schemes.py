"""What statements say of resampling schemes, and each step of the proofs (T0)."""

import itertools
import math
from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.exact import second_moments
from simulator.exact.coalescence import coalescence
from simulator.exact.second_moments import path_second_moment, relative_variance
from simulator.exact.slot_means import SlotMean
from simulator.measure.largest_steps import largest_steps
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.families.random_tree import random_tree
from simulator.resampling.offspring import offspring_batch
from simulator.resampling.schemes import SCHEMES, known_as
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support import brute
from tests.support.prefixes import Tree, real
from theory.claims.less_variance import MISLED, instance
from theory.registry import BOUNDS, bounds_for

ROUNDING = 1e-10
LIMIT = 1e6
schemes = pytest.mark.parametrize("name", SCHEMES)
CORRELATED = [name for name, s in SCHEMES.items() if s.negatively_correlated]
AT_MOST = [name for name, s in SCHEMES.items() if s.variance != "none known"]

EVERY = {"T", "TJ", "Z"}
VARIANCE = {"1.1", "3.2", "3.5", "C.4", "C.6", "S1", "S1t", "L", "L-level"}
CORRELATION = {"S2-plus", "J-plus", "K-plus"}
WEIGHT = {"S2", "J", "K", "K3", "F-star"}  # multinomial, or a perfect PRM


def ids(problem, name, n):
    return {b.id for b in bounds_for(problem, SMC(n, name))}


# --- who has which guarantee ---------------------------------------------------------------------


@schemes
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_statements_speak_of_the_schemes_that_their_proofs_allow(name, n):
    told, known = ids(random_tree(horizon=3, seed=1), name, n), known_as(name, n)
    assert told >= EVERY
    assert (told >= VARIANCE) == (known.variance != "none known")
    assert (told >= CORRELATION) == known.negatively_correlated
    assert (told >= WEIGHT) == (known.variance == "multinomial")
    if known.variance == "none known":
        assert not told & (VARIANCE | CORRELATION | WEIGHT)


def test_systematic_has_more_guarantees_up_to_three_particles():
    problem = random_tree(horizon=3, seed=1)
    assert ids(problem, "systematic", 3) == ids(problem, "ssp", 3)
    assert ids(problem, "systematic", 3) >= VARIANCE | CORRELATION
    assert not ids(problem, "systematic", 4) & (VARIANCE | CORRELATION)


@schemes
def test_a_perfect_prm_makes_the_scheme_matter_less(name):
    problem = random_tree(horizon=3, seed=1, prm="exact")
    assert ids(problem, name, 4) >= EVERY | WEIGHT
    wrong = [v * 1.0 for v in problem.prm]
    wrong[1] = wrong[1] * np.where(np.arange(wrong[1].size) == 0, 1 + 1e-9, 1.0)
    assert (ids(problem.with_prm(wrong), name, 4) >= WEIGHT) == (name == "multinomial")


def test_one_ancestor_for_all_is_action_level_importance_sampling():
    problem = random_tree(horizon=3, seed=1)
    told = {b.id for b in bounds_for(problem, ActionImportanceSampling(4))}
    assert told == ids(problem, "single", 4)


# --- the error is below what they say ------------------------------------------------------------


@pytest.mark.slow
def test_no_scheme_errs_more_than_its_statements_allow():
    told, closest, halved = Counter(), defaultdict(float), set()

    @settings(max_examples=60)
    @given(problems(max_leaves=9, max_horizon=3), st.integers(2, 4))
    def random_ones(problem, n):
        for name in SCHEMES:
            sampler = SMC(n, name)
            try:
                error = sampler.exact_law(problem, limit=LIMIT).tv
                values = {b.id: b.value(problem, sampler) for b in bounds_for(problem, sampler)}
            except TooLargeError:
                continue
            for key, value in values.items():
                if BOUNDS[key].kind != "upper":
                    continue
                assert error <= value + ROUNDING, (key, name, n)
                told[key, name] += 1
                if value > 1e-3:
                    closest[key, name] = max(closest[key, name], error / value)
                    if error > value / 2 + ROUNDING:
                        halved.add((key, name))

    random_ones()
    for key in EVERY:
        assert all(closest[key, name] > 0.9 for name in SCHEMES), key
    for key, name in itertools.product(VARIANCE | CORRELATION, set(AT_MOST) - {"multinomial"}):
        assert told[key, name] >= 40
    # half of the value would be too little
    assert {(k, n) for k in ("S1", "S2-plus", "J-plus", "K-plus") for n in AT_MOST} <= halved


# --- T and TJ ------------------------------------------------------------------------------------


def outcomes(tree, cloud, weights, name):
    """One level from an ordered cloud: (probability, parents, children), in fractions."""
    for parents, p in brute.offspring(name, weights).items():
        for moves in itertools.product(*(tree.kernel[cloud[i]] for i in parents)):
            yield p * math.prod(q for q, _ in moves), parents, tuple(c for _, c in moves)


def steps_by_listing(tree, n, name):
    """Bound T by its definition: all systems in order, pairs told apart by their parent's place."""
    systems, total = {(((),) * n, (Fraction(1),) * n): Fraction(1)}, Fraction(0)
    for _ in range(tree.horizon):
        after = defaultdict(Fraction)
        for (cloud, weights), chance in systems.items():
            reached = defaultdict(Fraction)
            for p, parents, kids in outcomes(tree, cloud, weights, name):
                from_ = [cloud[i] for i in parents]
                u = [
                    tree.v[c] / tree.hat[x] if tree.hat[c] else 0
                    for x, c in zip(from_, kids, strict=True)
                ]
                for i, c, w in zip(parents, kids, u, strict=True):
                    reached[i, c] += p * w / sum(u) if sum(u) else 0
                now = tuple(tree.hat[c] / tree.hat[x] for x, c in zip(from_, kids, strict=True))
                if any(now):
                    after[kids, now] += chance * p
            ideal = {
                (i, c): w * q * tree.v[c] / tree.hat[x]
                for i, (x, w) in enumerate(zip(cloud, weights, strict=True)) if w
                for q, c in tree.kernel[x]
            }  # fmt: skip
            mass = sum(ideal.values())
            if mass:
                total += chance * sum(max(g / mass - reached[k], 0) for k, g in ideal.items())
        systems = after
    return total


@settings(max_examples=12)
@given(problems(max_leaves=4, max_horizon=2, tree=True, edges=False), st.integers(1, 3))
def test_t_is_its_sum_over_all_ordered_clouds(problem, n):
    tree = Tree(problem)
    for name in SCHEMES:
        want = float(steps_by_listing(tree, n, name))
        sampler = SMC(n, name)
        if sampler.facts(problem).scheme == name:
            assert BOUNDS["T"].value(problem, sampler) == pytest.approx(want, rel=1e-9, abs=1e-11)
        assert sampler.exact_law(problem).tv <= want + ROUNDING


@pytest.mark.slow
@pytest.mark.parametrize("name", ["systematic", "stratified", "residual", "killing", "single"])
@pytest.mark.parametrize("key", ["T", "TJ"])
def test_they_can_be_measured(name, key):
    # each limit is wrong with probability below 1e-9
    problem, sampler, n = random_tree(horizon=3, seed=4), SMC(4, name), 4
    found = BOUNDS[key].estimate(problem, sampler, 1500, 1, 1 - 1e-9)
    want = BOUNDS[key].value(problem, sampler)
    assert found.low <= want <= found.high
    mean = SlotMean(name, jensen=key == "TJ")
    sums = np.concatenate(list(stepwise_samples(problem, sampler, 1500, 1, mean=mean)))
    assert sums.mean() == pytest.approx(found.value)
    assert sums.max() <= largest_steps(problem, n, resampling=name).sum()
    # the mean of another scheme would be seen
    other = SlotMean("single" if name != "single" else "systematic")
    wrong = np.concatenate(list(stepwise_samples(problem, sampler, 1500, 1, mean=other))).mean()
    assert not found.low <= wrong <= found.high


# --- one level -----------------------------------------------------------------------------------


def clouds(n):
    rng = np.random.default_rng(n)
    share = rng.dirichlet(np.full(n, 0.6), 60)
    prob = rng.dirichlet(np.ones(2), (60, n))
    u = rng.exponential(size=(60, n, 2)) ** rng.choice([0.5, 1, 3], (60, 1, 1))
    share[0], prob[0], u[0] = 1 / n, 0.5, np.where(np.arange(n) == 0, 1.0, 1e-3)[:, None]
    return share, prob, u


@pytest.mark.parametrize("n", [2, 3])
def test_the_variance_of_a_step(n):
    """Mutation and resampling add up, over all outcomes; with (V) it is at most multinomial's."""
    share, prob, f = clouds(n)
    phi = (prob * f).sum(axis=2)
    mutation = n * (share * ((prob * f**2).sum(axis=2) - phi**2)).sum(axis=1)
    q = share[:, :, None] * prob
    most = n * ((q * f**2).sum(axis=(1, 2)) - (q * f).sum(axis=(1, 2)) ** 2)
    for name in SCHEMES:
        row, chance, parents = offspring_batch(name, share)
        moments = np.zeros((2, len(share)))
        for kids in itertools.product((0, 1), repeat=n):
            p = chance * prob[row[:, None], parents, kids].prod(axis=1)
            total = f[row[:, None], parents, kids].sum(axis=1)
            for power in (0, 1):
                np.add.at(moments[power], row, p * total ** (power + 1))
        found = moments[1] - moments[0] ** 2
        sums = phi[row[:, None], parents].sum(axis=1)
        first = np.bincount(row, chance * sums)
        resampling = np.bincount(row, chance * sums**2) - first**2
        scale = 1e-10 * (1 + moments[1])
        assert (np.abs(moments[0] - first) <= scale).all()
        assert (np.abs(found - mutation - resampling) <= scale).all()
        below = (found <= most + scale).all()
        assert below == (known_as(name, n).variance != "none known"), name


@pytest.mark.parametrize("n", [2, 3, 4])
def test_each_inequality_of_one_level(n):
    """gamma_j = Cov(N_j, sum_l N_l wbar_l)/(N W_j): what less variance says of it.

    Under one ancestor for all each of them fails.
    """
    share, prob, u = clouds(n)
    q = share[:, :, None] * prob
    w = u / (q * u).sum(axis=(1, 2), keepdims=True)
    wbar = (prob * w).sum(axis=2)
    within = (q * (w - wbar[:, :, None]) ** 2).sum(axis=(1, 2))
    between = (share * (wbar - 1) ** 2).sum(axis=1)
    c = within + between
    assert c == pytest.approx((q * w**2).sum(axis=(1, 2)) - 1)
    limit = (c + np.sqrt(c * (1 + c) / 2)) / n
    fails = np.zeros(4, dtype=bool)
    for name in SCHEMES:
        row, chance, parents = offspring_batch(name, share)
        counts = (parents[:, :, None] == np.arange(n)).sum(axis=1)
        grown = np.empty_like(share)  # gamma + N, without its cancellation: E[N_j total]/(N W_j)
        for r in range(len(share)):
            p, k = chance[row == r], counts[row == r]
            grown[r] = p @ (k * (k @ wbar[r])[:, None]) / (n * share[r])
        gamma = grown - n
        kept = SlotMean(name, jensen=True)(share, prob, u)
        floor = n * q * w / (w + (grown - wbar)[:, :, None])
        assert (kept >= floor - 1e-12).all()
        short = np.maximum(q * w - floor, 0).sum(axis=(1, 2))
        # the two halves of the excess, averaged under q w
        inner = (q * w * np.maximum(w - wbar[:, :, None], 0)).sum(axis=(1, 2))
        outer = (share * wbar * np.maximum(gamma, 0)).sum(axis=1)
        assert (short <= (inner + outer) / n + 1e-12).all()
        assert (inner <= within + np.sqrt(within * (1 + between)) / 2 + 1e-12).all()
        holds = [
            (share * gamma**2).sum(axis=1) <= between + 1e-12,
            (share * wbar * gamma).sum(axis=1) <= between + 1e-12,
            outer <= (between + np.sqrt(between * (1 + between))) / 2 + 1e-12,
            short <= limit + 1e-12,
        ]
        if known_as(name, n).variance != "none known":
            assert np.all(holds), name
        elif name == "single":
            fails |= ~np.all(holds, axis=1)
        if known_as(name, n).negatively_correlated:
            assert (gamma <= wbar + 1e-12).all()
            assert (kept >= q * w / (1 + w / n) - 1e-12).all()
    assert fails[:2].all()
    assert fails.all() or n < 4


# --- S2-plus, J-plus, K-plus ---------------------------------------------------------------------


def limit_by_subsets(tree, y, n):
    """m^+(y) = sum_b N^-j (1 - 1/N)^{1 not in b} prod_i rho_{k_i, k_{i+1} - 1}(y)."""
    total = 0.0
    for size in range(tree.horizon + 1):
        for b in itertools.combinations(range(1, tree.horizon + 1), size):
            ends = [*(k - 1 for k in b[1:]), tree.horizon]
            apart = 1.0 if 1 in b else 1 - 1 / n
            total += (
                apart
                * n**-size
                * math.prod(
                    tree.ahead(y[:k], t) / tree.hat[y[: k - 1]] * tree.z_hat[k - 1] / tree.z_hat[t]
                    for k, t in zip(b, ends, strict=False)
                )
            )
    return total


LIVE = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)


@settings(max_examples=40)
@given(LIVE, st.integers(1, 5))
def test_the_limit_is_its_sum_over_subsets(problem, n):
    tree = Tree(problem, real)
    paths = [y for y in tree.paths if tree.v[y] > 0]
    want = np.array([limit_by_subsets(tree, y, n) for y in paths])
    assert path_second_moment(problem, n, paths, at_most=True) == pytest.approx(want, rel=1e-9)
    pi = np.array([tree.target(y) for y in paths])
    v = relative_variance(problem, n, at_most=True)
    assert v == pytest.approx(pi @ want - 1, rel=1e-9, abs=1e-9)
    short = pi @ np.maximum(1 - 1 / want, 0)
    assert BOUNDS["J-plus"].value(problem, SMC(n)) == pytest.approx(short, abs=1e-9)
    if n > 1:
        most = (1 - 1 / n) ** (1 - problem.horizon) * (1 + relative_variance(problem, n))
        assert 1 + v <= most * (1 + 1e-9)
    # one product over edges is above it
    found = coalescence(problem)
    r = np.exp(found.log_largest)
    start, a = problem.model.state_start, problem.model.n_actions
    products = []
    for y in paths:
        state, most = 0, 1.0
        for h, token in enumerate(y):
            ratio = r[(int(start[h]) + state) * a + token]
            most *= 1 + (ratio if h else max(ratio - 1, 0)) / n
            state = int(problem.model.next_state[h][state, token])
        products.append(most)
    assert (want <= np.array(products) * (1 + 1e-9)).all()
    k_plus = BOUNDS["K-plus"].value(problem, SMC(n))
    assert k_plus == pytest.approx(pi @ (1 - 1 / np.array(products)), abs=1e-9)


@settings(max_examples=25)
@given(problems(max_leaves=9, max_horizon=3, lossy=False), st.integers(1, 4))
def test_the_limit_in_logarithms_is_the_same(problem, n):
    want = relative_variance(problem, n, at_most=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(second_moments, "beyond_floats", lambda edges: True)
        assert relative_variance(problem, n, at_most=True) == pytest.approx(want, abs=1e-9)


def test_with_one_level_the_scheme_makes_no_difference():
    problem = random_tree(horizon=1, seed=3, n_actions=4)
    for plus in ("S2", "J", "K"):
        value = BOUNDS[f"{plus}-plus"].value(problem, SMC(3, "stratified"))
        assert value == pytest.approx(BOUNDS[plus].value(problem, SMC(3)), rel=1e-9)


def tilted_means(problem, name, n):
    """E^y[W^_H/Z] of every path, over all particle systems, and the paths."""
    tree = Tree(problem)
    found = brute.smc(tree, n, name)
    paths = [y for y in tree.paths if tree.v[y] > 0]
    z = float(tree.z)
    return np.array([found.second[y] / (z * z * float(tree.target(y))) for y in paths]), paths


@settings(max_examples=12)
@given(
    problems(max_leaves=4, max_horizon=2, tree=True, lossy=False, edges=False), st.integers(2, 3)
)
def test_the_tilted_mean_is_below_the_limit(problem, n):
    for name in CORRELATED:
        found, paths = tilted_means(problem, name, n)
        limit = path_second_moment(problem, n, paths, at_most=True)
        assert (found <= limit * (1 + 1e-9)).all(), name


@pytest.mark.parametrize("name", ["stratified", "residual", "ssp", "killing"])
def test_with_the_factors_of_multinomial_it_would_be_no_limit(name):
    problem = instance(MISLED)
    law = SMC(2, name).exact_law(problem)
    assert law.relative_variance > relative_variance(problem, 2) + 0.1
    assert law.relative_variance <= relative_variance(problem, 2, at_most=True)


@settings(max_examples=40)
@given(st.integers(2, 5), st.integers(0, 10**6), st.sampled_from(CORRELATED))
def test_pairs_of_slots_under_negative_correlation(n, seed, name):
    """E[sum_{i != j} f g] <= N^2 W(f) W(g) for f, g >= 0, which one ancestor for all breaks."""
    rng = np.random.default_rng(seed)
    share, f, g = rng.dirichlet(np.ones(n))[None], rng.gamma(0.5, size=n), rng.gamma(0.5, size=n)

    def pairs(scheme):
        _, chance, parents = offspring_batch(scheme, share)
        a, b = f[parents], g[parents]
        return chance @ (a.sum(axis=1) * b.sum(axis=1) - (a * b).sum(axis=1))

    most = n * n * (share[0] @ f) * (share[0] @ g)
    assert pairs(name) <= most + 1e-10
    assert pairs("multinomial") == pytest.approx(most * (1 - 1 / n))


def test_one_ancestor_for_all_correlates_them():
    share, f = np.array([[0.5, 0.5]]), np.array([1.0, 0.0])
    _, chance, parents = offspring_batch("single", share)
    a = f[parents]
    assert chance @ (a.sum(axis=1) ** 2 - (a * a).sum(axis=1)) == 1.0
    assert 2 * 2 * (share[0] @ f) ** 2 == 1.0  # at the limit; three particles pass it
    _, chance, parents = offspring_batch("single", np.array([[0.5, 0.5, 0.0]]))
    a = np.array([1.0, 0.0, 0.0])[parents]
    assert chance @ (a.sum(axis=1) ** 2 - (a * a).sum(axis=1)) == 3.0 > 9 * 0.25


# --- a perfect PRM -------------------------------------------------------------------------------


@settings(max_examples=8)
@given(
    problems(max_leaves=4, max_horizon=2, tree=True, edges=False, prm="perfect"), st.integers(2, 3)
)
def test_with_a_perfect_prm_the_tilted_mean_is_that_of_multinomial(problem, n):
    for name in SCHEMES:
        found, paths = tilted_means(problem, name, n)
        assert found == pytest.approx(path_second_moment(problem, n, paths), rel=1e-9), name


@schemes
def test_without_one_it_is_not(name):
    problem = instance(MISLED)
    found = SMC(2, name).exact_law(problem).relative_variance
    same = found == pytest.approx(relative_variance(problem, 2), abs=1e-9)
    assert same == (name == "multinomial")


@settings(max_examples=25)
@given(problems(max_leaves=9, max_horizon=3, prm="perfect"), st.integers(2, 3))
def test_with_a_perfect_prm_every_path_keeps_the_floor(problem, n):
    for name in SCHEMES:
        law = SMC(n, name).exact_law(problem, limit=3e6)
        floor = 1 - BOUNDS["F-star"].value(problem, SMC(n, name))
        assert (law.law >= floor * law.target - ROUNDING).all()
