"""Bounds of order H/N: F-star, K, K3, TJ and their forms for SMC by rejection (T0)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.exact.coalescence import coalescence
from simulator.exact.second_moments import path_second_moment
from simulator.exact.self_normalised_floor import self_normalised_floor
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree, real
from tests.support.systems import draws, growth, levels, pairs, ratio
from tests.support.transforms import rescale
from theory.bounds import pointwise_floor
from theory.registry import BOUNDS

ROUNDING = 1e-10
FORMS = {"": SMC, "-RS": SMCRejection}
KINDS = st.booleans()


def value(name, problem, n):
    return BOUNDS[name].value(problem, (SMCRejection if name.endswith("-RS") else SMC)(n))


# --- the formulas on prefixes --------------------------------------------------------------------


def excesses(tree, rejection):
    """B_h - 1 of every level by its definition; inf where an alive prefix has V* = 0."""
    out = []
    for h in range(1, tree.horizon + (not rejection)):
        g = [ratio(tree, x) for x in tree.levels[h if rejection else h - 1] if tree.hat[x] > 0]
        u = [tree.v[c] / tree.hat[x] for x, c in tree.edges(h) if tree.hat[x] > 0]
        out.append(max(g if rejection else u) / min(g) - 1 if min(g) > 0 else math.inf)
    return out


def rho(tree, x, k, t, rejection):
    """rho_{k,t} of the path x, that of SMC by rejection at its state x_k."""
    j = k if rejection else k - 1
    return tree.ahead(x[:k], t) / tree.hat[x[:j]] * tree.z_hat[j] / tree.z_hat[t]


def ratios(tree, y, rejection):
    """For k = 1, 2, ...: the list of rho_{k,t} over t."""
    top = tree.horizon
    return [
        [rho(tree, y, k, t, rejection) for t in range(k + rejection, top + 1)]
        for k in range(1, top + (not rejection))
    ]


def k_by_paths(tree, n, rejection, largest=max):
    """Bound K as a mean over paths; lost ones count 1."""
    total = 0.0
    for y in tree.paths:
        if tree.v[y] == 0:
            continue
        lost = any(tree.hat[y[:h]] == 0 for h in range(tree.horizon + 1))
        product_ = (
            0.0
            if lost
            else math.prod(
                1 / (1 + max(largest(row) - 1, 0) / n) for row in ratios(tree, y, rejection)
            )
        )
        total += tree.target(y) * (1 - product_)
    return total


def pair_chi2(tree, h):
    total = 0.0
    for x, c in tree.edges(h):
        eta = tree.p[x] * tree.hat[x] / tree.z_hat[h - 1] * tree.step[c]
        total += (tree.target(c) - eta) ** 2 / eta if eta > 0 else 0.0
    return total


def k3_by_paths(tree, n):
    total = sum(
        (c + math.sqrt(c * (1 + c))) / 2
        for c in (pair_chi2(tree, h) for h in range(1, tree.horizon + 1))
    )
    for y in tree.paths:
        if tree.v[y] > 0:
            falls = (
                max(a - b, 0.0)
                for row in ratios(tree, y, False) for a, b in itertools.pairwise(row)
            )  # fmt: skip
            total += tree.target(y) * sum(falls)
    return total / n


@settings(max_examples=80)
@given(problems(max_leaves=16), st.integers(1, 6))
def test_values_are_those_of_the_formulas(problem, n):
    tree = Tree(problem, real)
    for form in FORMS:
        found = value("K" + form, problem, n)
        assert found == pytest.approx(k_by_paths(tree, n, form == "-RS"), rel=1e-9, abs=1e-11)
        want = math.inf
        if not tree.lossy:
            want = 1 - math.prod(1 / (1 + b / n) for b in excesses(tree, form == "-RS"))
        assert value("F-star" + form, problem, n) == pytest.approx(want, rel=1e-9, abs=1e-11)
    want = math.inf if tree.lossy else k3_by_paths(tree, n)
    # the square root of a chi-square near zero holds half of the digits only
    assert value("K3", problem, n) == pytest.approx(want, rel=1e-9, abs=2e-7)


def terms(tree, nu, n, rejection):
    """E_{nu~ pi*}[(w - 1)_+/(N + w - 1)] given one cloud, and the law (q, c, w); no lost mass."""
    if not nu or (rejection and growth(tree, nu) == 0):
        return 0, []
    law = pairs(tree, nu, rejection)
    u = [ratio(tree, c) if rejection else tree.v[c] / tree.hat[x] for _, x, c in law]
    mean = sum(q * a for (q, _, _), a in zip(law, u, strict=True))
    if mean == 0:
        return 0, []
    one = [(q, c, a / mean) for (q, _, c), a in zip(law, u, strict=True)]
    return sum(q * w * max(w - 1, 0) / (n + w - 1) for q, _, w in one if w > 0), one


LIVE = problems(max_leaves=9, max_horizon=3, tree=True, lossy=False, edges=False)


@settings(max_examples=40)
@given(LIVE, st.integers(1, 2), KINDS)
def test_tj_is_its_sum_over_all_clouds(problem, n, rejection):
    tree = Tree(problem)
    total = 0
    for law in list(levels(tree, n, rejection))[: tree.horizon]:
        total += sum(p * terms(tree, nu, n, rejection)[0] for (nu, _), p in law.items())
    found = value("TJ-RS" if rejection else "TJ", problem, n)
    assert found == pytest.approx(float(total), rel=1e-9, abs=1e-11)


# --- steps of the proofs -------------------------------------------------------------------------


@settings(max_examples=25)
@given(LIVE, st.integers(1, 2), KINDS)
def test_a_pair_keeps_its_share(problem, n, rejection):
    """E[nu~(k)] >= q_k w_k/(1 + (w_k - 1)/N) in fractions, and it is >= the share of B_h."""
    tree = Tree(problem)
    for law, most in zip(levels(tree, n, rejection), excesses(tree, rejection), strict=False):
        for nu, _ in list(law)[:6]:
            one = terms(tree, nu, n, rejection)[1]
            if not one:
                continue
            kept = [0] * len(one)
            for p, drawn in draws([(q, i, w) for i, (q, _, w) in enumerate(one)], n):
                total = sum(w for _, w in drawn)
                for i, w in drawn if total else ():
                    kept[i] += p * w / total
            for (q, _, w), seen in zip(one, kept, strict=True):
                assert w == 0 or seen >= n * q * w / (n + w - 1)
                if most < math.inf:
                    assert w - 1 <= most
                if n == 1 and w > 0:
                    assert seen == q


def test_half_of_the_excess_is_not_enough_for_a_pair():
    """One fair coin of which one side is worth nothing, N = 1: (w - 1)/(2N) would be wrong."""
    kept = self_normalised_floor(np.array([[0.5, 0.5]]), np.array([[0.0, 2.0]]), 1)[0]
    assert kept.tolist() == [0.0, 0.5]
    assert kept[1] < 1 / (1 + (2 - 1) / 2)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=2, max_size=6))
def test_one_level_by_its_chi_square(atoms):
    """E_q[w (w-1)_+] <= (c + sqrt(c (1+c)))/2."""
    total = sum(k for k, _ in atoms)
    mean = sum(k * w for k, w in atoms) / total
    if mean == 0:
        return
    law = [(k / total, w / mean) for k, w in atoms]
    c = sum(q * (w - 1) ** 2 for q, w in law)
    most = (c + math.sqrt(c * (1 + c))) / 2
    assert sum(q * w * max(w - 1, 0) for q, w in law) <= most + 1e-12


@pytest.mark.parametrize("c", [0.01, 0.5, 1.0, 30.0])
def test_one_level_attains_its_chi_square_bound(c):
    """So c alone, or half of the root, is not enough."""
    d = math.sqrt(c * c + c) - c
    p = c / (c + d * d)
    law = [(p, 1 - d), (1 - p, 1 + p * d / (1 - p))]
    assert sum(q * w for q, w in law) == pytest.approx(1)
    assert sum(q * (w - 1) ** 2 for q, w in law) == pytest.approx(c)
    found = sum(q * w * max(w - 1, 0) for q, w in law)
    assert found == pytest.approx((c + math.sqrt(c * (1 + c))) / 2)


@settings(max_examples=40)
@given(problems(max_leaves=16, lossy=False), st.integers(1, 4))
def test_every_path_keeps_the_floor(problem, n):
    """nu(y) >= pi*(y) (1 - F-star), path by path."""
    for form, kind in FORMS.items():
        law = kind(n).exact_law(problem, limit=3e6)
        floor = 1 - value("F-star" + form, problem, n)
        assert (law.law >= floor * law.target - ROUNDING).all()


def weights_and_products(problem, n, rejection):
    """For every path: m(y), and prod_k (1 + (R_k - 1)/N) with the R_k of its edges."""
    a, horizon = problem.model.n_actions, problem.horizon
    tokens = list(itertools.product(range(a), repeat=horizon))
    m = path_second_moment(problem, n, tokens, "smc-rs" if rejection else "smc")
    r = np.exp(coalescence(problem, rejection=rejection).log_largest)
    products = []
    for y in tokens:
        state, most = 0, 1.0
        for h, token in enumerate(y[: horizon - rejection]):
            edge = (int(problem.model.state_start[h]) + state) * a + token
            most *= 1 + (r[edge] - 1) / n
            state = int(problem.model.next_state[h][state, token])
        products.append(most)
    return m, np.array(products)


@settings(max_examples=60)
@given(problems(max_leaves=16), st.integers(1, 5), KINDS)
def test_the_product_is_above_the_weight_of_every_path(problem, n, rejection):
    """m(y) <= prod_k (1 + (R_k - 1)/N), on shared states and with lost mass too."""
    if problem.forward_backward.log_z_alive == -np.inf:
        return
    m, products = weights_and_products(problem, n, rejection)
    live = m < np.inf
    assert (m[live] <= products[live] * (1 + 1e-9)).all()


@settings(max_examples=40)
@given(problems(max_leaves=16, prm="perfect"), st.integers(1, 4), KINDS)
def test_with_a_perfect_prm_the_product_is_the_weight(problem, n, rejection):
    m, products = weights_and_products(problem, n, rejection)
    live = m < np.inf
    assert m[live] == pytest.approx(products[live], rel=1e-9)
    for name in ("F-star-RS", "K-RS", "TJ-RS"):
        assert value(name, problem, n) == pytest.approx(0, abs=1e-11)


# --- where they are attained, and wrong variants -------------------------------------------------


def all_ones(horizon):
    """Fair bits of which all must be one, with a perfect PRM: the ratio is 2 at every level."""
    tree = TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(horizon)])
    return Problem(tree, [0.0] * (2**horizon - 1) + [2.0**horizon], "exact")


@pytest.mark.parametrize("horizon", [1, 2, 3])
def test_one_particle_among_fair_bits_attains_f_star_and_k(horizon):
    """So a smaller B, half of it, or a level that is left out would be below the error."""
    problem = all_ones(horizon)
    error = SMC(1).exact_law(problem).tv
    assert error == pytest.approx(1 - 0.5**horizon)
    assert value("F-star", problem, 1) == pytest.approx(error)
    assert value("K", problem, 1) == pytest.approx(error)
    assert pointwise_floor.floor_gap(np.full(horizon, 0.9), 1) < error
    assert pointwise_floor.floor_gap(np.ones(horizon - 1), 1) < error


# Two or three levels of two tokens on which the largest of all rho_{k,t} is needed: chances of
# token 1 of every prefix, V^ between, rewards.
TWISTED = {
    ("", "last", 1): ([[0.9], [0.5, 0.9]], [[0.25, 4]], [0, 4, 0, 2]),
    ("", "first", 3): (
        [[0.5], [0.75, 0.5], [0.25, 0.25, 0.25, 0.5]],
        [[4, 4], [4, 4, 4, 4]], [2, 4, 4, 4, 2, 1, 0, 2],
    ),
    ("-RS", "last", 1): (
        [[0.1], [0.5, 0.5], [0.9, 0.9, 0.75, 0.5]],
        [[4, 4], [4, 1, 1, 0.25]], [0, 4, 1, 0, 2, 1, 2, 2],
    ),
    ("-RS", "first", 2): (
        [[0.75], [0.9, 0.1], [0.9, 0.5, 0.5, 0.25]],
        [[0.25, 0.25], [0.25, 1, 1, 0.25]], [0, 2, 2, 4, 0, 4, 0, 2],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("form", "which", "n"), TWISTED)
def test_one_of_the_ratios_in_place_of_the_largest_is_below_the_error(form, which, n):
    chances, between, rewards = TWISTED[form, which, n]
    model = TabularModel.tree([[[1 - q, q] for q in level] for level in chances])
    problem = Problem(model, rewards, [[1.0], *between, rewards])
    error = FORMS[form](n).exact_law(problem).tv
    one = {"last": lambda row: row[-1], "first": lambda row: row[0]}[which]
    assert k_by_paths(Tree(problem, real), n, form == "-RS", one) < 0.9 * error
    assert value("K" + form, problem, n) >= error - ROUNDING


@pytest.mark.parametrize("n", [1, 2, 8])
def test_a_perfect_prm_has_no_falls(n):
    """K3 is then the chi-squares alone, at any scale of each level."""
    problem = two_branch(3)
    for one in (problem, rescale(problem, [0.5, 7.0, 3.0])):
        tree = Tree(one, real)
        c = [pair_chi2(tree, h) for h in range(1, 4)]
        want = sum((x + math.sqrt(x * (1 + x))) / 2 for x in c) / n
        assert value("K3", one, n) == pytest.approx(want, rel=1e-9)


def test_the_scale_of_a_level_does_not_matter():
    problem, other = reference(3), rescale(reference(3), [0.1, 10.0, 3.0])
    for name in ("F-star", "F-star-RS", "K", "K-RS", "TJ", "TJ-RS", "K3"):
        assert value(name, other, 4) == pytest.approx(value(name, problem, 4), rel=1e-9)
    assert value("L", other, 4) > 2 * value("L", problem, 4)  # C_inf does see it


@pytest.mark.parametrize("n", [2, 16, 256])
def test_f_star_is_at_most_h_times_its_largest_term(n):
    """1 - (1 + (B-1)/N)^-H <= H (B-1)/(N + B-1); and below the H/N of second moments, once F."""
    for problem in (product(4), two_branch(3), reference(4)):
        levels_ = excesses(Tree(problem, real), False)
        b = max(levels_)
        found = value("F-star", problem, n)
        assert found <= problem.horizon * b / (n + b) + ROUNDING
        assert found <= sum(math.sqrt(x * (5 * x + 1)) for x in levels_) / n


# --- at scale ------------------------------------------------------------------------------------


def test_a_perfect_prm_on_a_long_chain():
    """K of the product instance is 1 - ((2/3)/(1 + (4/3-1)/N) + 1/3)^H, whatever the horizon."""
    n = 8
    step = 2 / 3 / (1 + 1 / (3 * n)) + 1 / 3
    for horizon in (1, 200):
        assert value("K", product(horizon), n) == pytest.approx(1 - step**horizon, rel=1e-9)
        floor = (1 + 1 / (3 * n)) ** -horizon
        assert value("F-star", product(horizon), n) == pytest.approx(1 - floor, rel=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_tj_can_be_measured(form):
    # each limit is wrong with probability below 1e-9
    problem, sampler = random_tree(horizon=3, seed=1), FORMS[form](3)
    found = BOUNDS["TJ" + form].estimate(problem, sampler, 2000, 1, 1 - 1e-9)
    want = value("TJ" + form, problem, 3)
    assert found.low <= want <= found.high < want + 0.1
    # a mean that forgets one particle of N would be seen
    sums = stepwise_samples(
        problem, sampler, 2000, 1, rejection=form == "-RS",
        mean=lambda q, u, n: self_normalised_floor(q, u, n - 1),
    )  # fmt: skip
    assert np.concatenate(list(sums)).mean() > found.high
