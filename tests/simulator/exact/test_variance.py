"""The exact relative variance against enumerations and the naive subset sum (T0, T1)."""

import math
from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.exact import second_moments_kernel as compiled
from simulator.exact.second_moments import path_second_moment, relative_variance
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute import conditional_mean, rejection, smc
from tests.support.prefixes import Tree

ALGORITHMS = ("smc", "smc-rs")
particles = st.integers(1, 6)


def subset_sum(tree, n, y, algorithm):
    """m(y) by thm:variance (paper/sections/identities.tex), over subsets of coalescence levels."""
    horizon, hat, z = tree.horizon, tree.hat, tree.z_hat
    if algorithm == "smc":
        last = horizon

        def rho(k, t):
            return tree.ahead(y[:k], t) / hat[y[: k - 1]] * z[k - 1] / z[t]

    else:
        last = horizon - 1

        def rho(k, t):
            return tree.ahead(y[:k], t) / hat[y[:k]] * z[k] / z[t]

    levels = range(1, last + 1)
    total = 0.0
    for b in chain.from_iterable(combinations(levels, j) for j in range(last + 1)):
        if algorithm == "smc":
            ends = [*(k - 1 for k in b[1:]), horizon][: len(b)]
        else:
            ends = [*b[1:], horizon][: len(b)]
        product_of_rho = math.prod(float(rho(k, t)) for k, t in zip(b, ends, strict=True))
        total += n ** -len(b) * (1 - 1 / n) ** (last - len(b)) * product_of_rho
    return total


def kept(tree):
    """Paths of the target that no zero of V^ cuts."""
    return [y for y in tree.paths if tree.hat[y] > 0]


def second_moment(outcome):
    return outcome.mean_square / outcome.mean**2


@pytest.mark.slow
@given(problems(max_leaves=9), st.integers(1, 3))
@settings(max_examples=80)
def test_the_recursion_is_the_second_moment_over_all_particle_systems(problem, n):
    tree = Tree(problem)
    assume(tree.z_alive > 0)
    for algorithm, run in (("smc", smc), ("smc-rs", rejection)):
        got = relative_variance(problem, n, algorithm) + 1
        assert got == pytest.approx(second_moment(run(tree, n)), rel=1e-9)


@given(problems(max_leaves=27), st.integers(1, 3))
@settings(max_examples=60)
def test_the_recursion_is_the_second_moment_of_the_cloud_law(problem, n):
    exact = SMC(n).exact_law(problem).relative_variance
    assert relative_variance(problem, n) + 1 == pytest.approx(exact + 1, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(problems(), particles)
@settings(max_examples=60)
def test_m_is_the_sum_over_all_subsets_and_its_mean_the_second_moment(algorithm, problem, n):
    tree = Tree(problem)
    paths = kept(tree)
    assume(paths)
    m = path_second_moment(problem, n, paths, algorithm)
    want = [subset_sum(tree, n, y, algorithm) for y in paths]
    assert m == pytest.approx(want, rel=1e-9)
    mean = sum(float(tree.alive_target(y)) * x for y, x in zip(paths, want, strict=True))
    assert relative_variance(problem, n, algorithm) + 1 == pytest.approx(mean, rel=1e-9)


@given(problems(max_leaves=8), st.integers(1, 3))
@settings(max_examples=40)
def test_m_is_the_mean_weight_of_conditional_smc(problem, n):
    tree = Tree(problem)
    paths = kept(tree)
    assume(paths)
    m = path_second_moment(problem, n, paths)
    assert m == pytest.approx([conditional_mean(tree, n, y) for y in paths], rel=1e-9)


@pytest.mark.parametrize(("algorithm", "run"), [("smc", smc), ("smc-rs", rejection)])
@given(problem=problems(max_leaves=8), n=st.integers(1, 3))
@settings(max_examples=30)
def test_m_is_the_tilted_mean_given_the_output(algorithm, run, problem, n):
    # E[W^2 1{Y=y}] / E[W 1{Y=y}] / Z_e: the law tilted by W, then conditioned on Y = y
    tree = Tree(problem)
    paths = kept(tree)
    assume(paths)
    out, z = run(tree, n), float(tree.z_alive)
    want = [out.second[y] / out.first[y] / z for y in paths]
    assert path_second_moment(problem, n, paths, algorithm) == pytest.approx(want, rel=1e-9)


@pytest.mark.slow
@given(problems(prm="perfect"), particles)
def test_a_perfect_prm_gives_the_product_formula(problem, n):
    tree = Tree(problem)
    paths = [y for y in tree.paths if tree.v[y] > 0]
    want = [
        math.prod(
            1 + (float(tree.v[y[:k]] / tree.v[y[: k - 1]]) - 1) / n
            for k in range(1, tree.horizon + 1)
        )
        for y in paths
    ]
    # at any scale of V^ a level
    assert path_second_moment(problem, n, paths) == pytest.approx(want, rel=1e-9)
    ones = np.ones(len(paths))
    assert path_second_moment(problem, n, paths, "smc-rs") == pytest.approx(ones, rel=1e-9)
    assert relative_variance(problem, n, "smc-rs") == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(problems(lossy=True, max_leaves=16), particles)
@settings(max_examples=40)
def test_lost_paths_have_infinite_m(algorithm, problem, n):
    tree = Tree(problem)
    m = path_second_moment(problem, n, tree.paths, algorithm)
    assert np.isinf(m).tolist() == [tree.hat[y] == 0 for y in tree.paths]
    if tree.z_alive == 0:
        assert relative_variance(problem, n, algorithm) == math.inf


# tab:reference of paper/sections/experiments.tex
# H, N, (variance, bound J) of SMC, (tv, variance, bound J) of SMC-RS
REFERENCE = [
    (3, 2, (0.260515676192, 0.225130864498), (0.175344688431, 0.354040130030, 0.237208501328)),
    (3, 3, (0.212465283739, 0.194770397648), (0.120880372029, 0.230409137708, 0.186038606454)),
    (4, 2, (0.406448357492, 0.271938005972), (0.220929100172, 0.554280084329, 0.283771042075)),
    (4, 4, (0.271274912392, 0.211463341760), (0.130605774914, 0.262185242523, 0.192876571968)),
]


@pytest.mark.parametrize(("horizon", "n", "of_smc", "of_rs"), REFERENCE)
def test_the_tabulated_variances_and_bounds_come_out(horizon, n, of_smc, of_rs):
    problem = reference(horizon)
    tree = Tree(problem)
    target = np.array([float(tree.target(y)) for y in tree.paths])
    for algorithm, (v, j) in (("smc", of_smc), ("smc-rs", of_rs[1:])):
        m = path_second_moment(problem, n, tree.paths, algorithm)
        assert relative_variance(problem, n, algorithm) == pytest.approx(v, abs=1e-11)
        assert target @ m == pytest.approx(1 + v, abs=1e-11)
        assert target @ np.maximum(1 - 1 / m, 0) == pytest.approx(j, abs=1e-11)


@pytest.mark.parametrize(("horizon", "n", "of_smc", "of_rs"), REFERENCE[:3])
def test_the_enumeration_of_smc_rs_has_the_tabulated_error(horizon, n, of_smc, of_rs):
    # The table was made by other means, so this also tests tests/support/brute.py.
    tree = Tree(reference(horizon))
    out = rejection(tree, n)
    assert out.tv(tree) == pytest.approx(of_rs[0], abs=1e-11)
    assert second_moment(out) - 1 == pytest.approx(of_rs[1], abs=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(problems(), particles)
@settings(max_examples=60)
def test_the_log_path_equals_the_linear_path(algorithm, problem, n):
    linear = relative_variance(problem, n, algorithm)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "sweeps", lambda *args: math.nan)
        log = relative_variance(problem, n, algorithm)
    assert log == pytest.approx(linear, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("horizon", "n"), [(800, 1), (1500, 3), (2000, 1)])
def test_a_second_moment_beyond_the_linear_range_takes_the_log_path(monkeypatch, horizon, n):
    # A fair bit a level multiplies the weight by x or 2 - x and V^ = V*: the mean weights of
    # the levels are independent, so E[(W/Z)^2] = (1 + (x - 1)^2 / N)^H.
    x, calls = 2 - 1e-6, []
    real = compiled.log_sweeps
    monkeypatch.setattr(compiled, "log_sweeps", lambda *args: calls.append(1) or real(*args))
    edges = [np.array([[2 - x, x]])] * horizon
    model = product(horizon).model
    problem = Problem.from_log(model, [0.0], np.zeros(horizon + 1), edge_reward=edges)
    want = horizon * math.log1p((x - 1) ** 2 / n)
    got = relative_variance(problem, n)
    assert calls
    if want < 709:
        assert math.log1p(got) == pytest.approx(want, rel=1e-11)
    else:
        assert got == math.inf


def test_scales_of_v_by_level_do_not_matter_even_near_the_end_of_floats():
    problem = reference(4)
    odd = [v * s for v, s in zip(problem.prm, [1, 1e-300, 1e300, 1e-200, 1], strict=True)]
    for algorithm in ALGORITHMS:
        want = relative_variance(problem, 3, algorithm)
        assert relative_variance(problem.with_prm(odd), 3, algorithm) == pytest.approx(want)


def test_a_hundred_states_and_two_hundred_levels_run(monkeypatch):
    problem = random_automaton(100, 3, 200, edge_sigma=0.3)
    v = [relative_variance(problem, n) for n in (50, 500)]
    assert 0 < v[1] < v[0] < math.inf
    monkeypatch.setattr(compiled, "sweeps", lambda *args: math.nan)
    assert relative_variance(problem, 50) == pytest.approx(v[0], rel=1e-9)


def test_shared_states_give_the_variance_of_their_tree():
    problem = random_automaton(3, 2, 6, edge_sigma=0.5)
    tree = unfold(problem).problem
    for algorithm in ALGORITHMS:
        got = relative_variance(problem, 4, algorithm)
        assert got == pytest.approx(relative_variance(tree, 4, algorithm), rel=1e-10)


@pytest.mark.parametrize(
    ("tokens", "what"),
    [
        ([[0, 0]], "shape"),
        ([0, 0, 0], "shape"),
        ([[0, 0, 2]], "between"),
        ([[0, -1, 0]], "between"),
    ],
)
def test_paths_that_do_not_fit_are_refused(tokens, what):
    with pytest.raises(InputError, match=what):
        path_second_moment(reference(3), 2, tokens)


def test_unknown_algorithms_and_no_particles_are_refused():
    with pytest.raises(InputError, match=r"algorithm: 'dmc' is not known"):
        relative_variance(reference(3), 2, "dmc")
    with pytest.raises(InputError, match=r"n_particles: 0"):
        relative_variance(reference(3), 0)
