"""The recursion over shares against clouds, counts, fractions and closed forms (T0)."""

from fractions import Fraction
from itertools import product as tuples
from math import factorial, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.exact import share_chain, share_kernel
from simulator.exact.cloud_steps import Work
from simulator.exact.count_chain import count_law
from simulator.exact.lumped import product_one_probability, two_branch_bias
from simulator.exact.share_chain import PRECISION, share_law
from simulator.exact.share_kernel import draw_laws
from simulator.exact.simplex_polynomials import simplex_polynomials
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems

WORK = 3e8
SMALL = problems(max_leaves=9, max_horizon=3, tree=False)
AUTOMATA = st.builds(
    random_automaton,
    n_states=st.integers(1, 3),
    n_actions=st.integers(2, 3),
    horizon=st.integers(1, 6),
    seed=st.integers(0, 10**6),
    zero_rewards=st.sampled_from([0.0, 0.5]),
    edge_sigma=st.sampled_from([0.0, 1.0, 4.0]),
    prm=st.sampled_from(["noisy", "exact"]),
    sigma=st.sampled_from([0.3, 2.0]),
)


def same(found, counted, abs_=1e-12):
    """Whether all numbers are those of the chain of counts."""
    assert found.law == pytest.approx(counted.law, abs=abs_)
    assert found.weighted == pytest.approx(counted.weighted, abs=1e-10)
    assert found.moments[:2] == pytest.approx(counted.moments[:2], abs=abs_ + 1e-10)
    assert found.moments[2] == pytest.approx(counted.moments[2], rel=1e-8)


@settings(max_examples=30)
@given(SMALL, st.integers(1, 3))
def test_it_is_the_law_of_paths_summed_to_states(problem, n):
    whole = unfold(problem)
    paths = SMC(n).exact_law(whole.problem)
    found = share_law(problem, n, Work(WORK))
    ends = np.bincount(whole.terminal, paths.law, found.law.size)
    assert found.law == pytest.approx(ends, abs=1e-12)
    assert 1 - found.moments[0] == pytest.approx(paths.failure, abs=1e-12)
    assert found.degree in (n, 0)  # 0 where nothing is alive
    assert found.precision <= 1e-12


@settings(max_examples=30)
@given(AUTOMATA, st.integers(1, 6))
def test_few_particles_are_exact(problem, n):
    same(share_law(problem, n, Work(WORK)), count_law(problem, n, Work(1e9)))


@pytest.mark.slow
@settings(max_examples=25)
@given(
    st.builds(
        random_automaton,
        n_states=st.just(2),
        n_actions=st.just(2),
        horizon=st.integers(3, 30),
        seed=st.integers(0, 10**6),
        edge_sigma=st.sampled_from([0.0, 1.0, 3.0]),
        zero_rewards=st.sampled_from([0.0, 0.5]),
        prm=st.sampled_from(["noisy", "exact"]),
    ),
    st.integers(12, 40),
)
def test_the_error_of_a_low_degree_is_within_what_is_said(problem, n):
    counted, found = count_law(problem, n, Work(1e9)), share_law(problem, n, Work(WORK))
    off = np.abs(found.law - counted.law).sum() + abs(found.moments[0] - counted.moments[0])
    assert off <= found.precision <= PRECISION
    same(found, counted, PRECISION)


@pytest.mark.slow
def test_closed_forms_at_a_thousand_levels():
    for n in (8, 64):
        for s in (0.5, 0.9):
            found = share_law(two_branch(1000, s=s), n, Work(WORK))
            assert abs(found.law[0] - 0.5 - two_branch_bias(1000, n, s)) <= found.precision
            assert found.moments[0] == pytest.approx(1, abs=1e-9)
    assert found.degree < 40


@pytest.mark.parametrize("n", [5, 64, 10_000])
def test_the_last_bit_of_the_product_instance(n):
    # as states: the last bit is 1 with probability p_N of the lumped chain
    last = [[[0.5, 0.5]], [[0.5, 0.5]] * 2]
    problem = Problem(
        TabularModel(last, [[[0, 1]], [[0, 1]] * 2]), [1.0, 2.0], "exact",
        edge_reward=[[[1.0, 2.0]], np.ones((2, 2))],
    )  # fmt: skip
    found = share_law(problem, n, Work(WORK))
    assert found.law[1] == pytest.approx(product_one_probability(n), abs=PRECISION)
    assert share_law(product(300), n, Work(WORK)).law.tolist() == pytest.approx([1.0])


@pytest.mark.slow
def test_the_sampler_uses_it_where_the_rest_is_too_large():
    problem = random_automaton(n_states=2, horizon=300)
    for sampler in (SMC(200), SMC(200, proposal="optimal"), SMCRejection(200)):
        law = sampler.exact_law(problem, "states")
        assert 0 < law.precision <= PRECISION
        assert law.law.sum() == pytest.approx(1, abs=1e-9)
        assert law.failure == 0
        assert law.mean_w_over_z == pytest.approx(1, abs=1e-9)
        assert law.weighted == pytest.approx(law.target, abs=1e-9)
        assert 0 < law.relative_variance < 1
        assert 0 < law.tv < 0.05
    assert SMC(2).exact_law(random_automaton(n_states=2, horizon=3), "states").precision == 0


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.9, 1.02, 1.2])
def test_selection_at_every_level(gain):
    """V^ = 1 and one branch that gains by a factor a level: f_h has a boundary layer."""
    first, later = [[0.7, 0.3]], [[1.0, 0.0]] * 2
    model = TabularModel([first] + [later] * 39, [[[0, 1]]] + [[[0, 0], [1, 0]]] * 39)
    gains = [[[1.0, 1.0]]] + [[[1.0, 1.0], [gain, 1.0]]] * 39
    values = [[1.0]] + [[1.0, 1.0]] * 40
    problem = Problem(model, [1.0, 1.0], values, edge_reward=gains)
    found, counted = share_law(problem, 100, Work(WORK)), count_law(problem, 100, Work(WORK))
    assert np.abs(found.law - counted.law).sum() <= found.precision <= PRECISION


@pytest.mark.slow
def test_selection_that_is_too_sharp_is_refused():
    model = TabularModel([[[0.7, 0.3]]] + [[[1.0, 0.0]] * 2] * 39,
                         [[[0, 1]]] + [[[0, 0], [1, 0]]] * 39)  # fmt: skip
    gains = [[[1.0, 1.0]]] + [[[1.0, 1.0], [0.5, 1.0]]] * 39
    problem = Problem(model, [1.0, 1.0], [[1.0]] + [[1.0, 1.0]] * 40, edge_reward=gains)
    with pytest.raises(TooLargeError, match=r"degree 51 .* the limit is 45: .* too sharply"):
        share_law(problem, 1000, Work(WORK))


@pytest.mark.slow
def test_many_particles_come_near_the_target():
    problem = random_automaton(n_states=3, horizon=12)
    errors = [SMC(n).exact_law(problem, "states").tv * n for n in (10**3, 10**4, 10**5)]
    assert errors[1:] == pytest.approx([errors[2]] * 2, rel=1e-2)  # N D_TV tends to a limit
    assert errors[0] == pytest.approx(errors[2], rel=0.1)


def test_what_is_too_large_is_refused_by_name():
    problem = random_automaton(n_states=3, horizon=64, seed=3)
    with pytest.raises(TooLargeError, match=r"about [\d.e+]+ transitions .* degree 5, .* 1e\+04$"):
        share_law(problem, 100, Work(1e4))
    # three degrees are always needed: that they are too much is known before the first
    for limit, degree, begun in ((1e6, 9, False), (3e6, 11, True)):
        work = Work(limit)
        with pytest.raises(TooLargeError, match=rf"at degree {degree}, the limit is"):
            share_law(problem, 100, work)
        assert (work.done > 0) == begun
        assert work.done < limit
    with pytest.raises(TooLargeError, match="5001 levels, the limit is 5000"):
        share_law(random_automaton(n_states=2, horizon=5001), 100, Work(WORK))


def test_a_run_that_always_fails():
    problem = random_automaton(n_states=2, horizon=4)
    values = [[1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 1.0], problem.reward]
    blind = Problem(problem.model, problem.reward, values)
    found = share_law(blind, 9, Work(WORK))
    assert found.law.tolist() == [0, 0]
    assert found.moments.tolist() == [0, 0, 0]


def test_draws_from_the_next_cloud_in_fractions():
    """Sum over all kinds of three particles, three states, two draws; one child without weight."""
    parent, child = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 2, -1])
    weight, chance = np.array([1.0, 2.0, 0.25, 4.0, 0.0]), np.array([0.5, 0.25, 0.25, 0.5, 0.5])
    share, n = (Fraction(1, 4), Fraction(3, 4)), 3
    table = simplex_polynomials(3, 2)
    want, alive = [Fraction(0)] * len(table.counts), Fraction(0)
    for kinds in tuples(range(5), repeat=n):
        p = prod(share[parent[k]] * Fraction(chance[k]) for k in kinds)
        w = [sum(Fraction(weight[k]) for k in kinds if child[k] == c) for c in (0, 1, 2)]
        if sum(w) == 0:
            continue
        alive += p
        for i, alpha in enumerate(table.counts.astype(int).tolist()):
            ways = Fraction(2, prod(factorial(a) for a in alpha))
            want[i] += p * ways * prod((x / sum(w)) ** a for x, a in zip(w, alpha, strict=True))
    laws, found, _, complete = draw_laws(
        n, share_chain._spacing(2), table.lower, table.size, parent, child, weight, chance,
        np.array([[0.25, 0.75]]),
    )  # fmt: skip
    assert complete
    assert found[0] == pytest.approx(float(alive), rel=1e-14)
    assert laws[0] == pytest.approx([float(x) for x in want], rel=1e-12)


def test_weights_far_apart_are_met_on_the_second_way():
    """A heavy child, rarely drawn: with chance p one of N has all the weight, else all are even."""
    p, n = 1e-6, 4
    table = simplex_polynomials(2, 3)
    moves = np.zeros(2, dtype=np.int64), np.array([0, 1]), np.array([1.0, 1e200])
    laws, _, _, complete = draw_laws(
        n, share_chain._spacing(3), table.lower, table.size, *moves, np.array([1 - p, p]),
        np.ones((1, 1)),
    )  # fmt: skip
    assert complete
    assert laws[0][[0, 3]] == pytest.approx([(1 - p) ** n, -np.expm1(n * np.log1p(-p))], rel=1e-10)


@pytest.mark.parametrize("mutant", ["weights", "one particle less", "coarse rule", "low degree"])
def test_mutants_fail(mutant, monkeypatch):
    problem, n = random_automaton(n_states=2, horizon=12, seed=1, edge_sigma=1.0), 12
    want = count_law(problem, n, Work(1e9)).law
    assert abs(share_law(problem, n, Work(WORK)).law - want).max() < PRECISION
    right = share_kernel.draw_laws

    def wrong(n, step, lower, size, parent, child, weight, chance, shares):
        if mutant == "weights":
            weight = np.sqrt(weight)
        if mutant == "coarse rule":
            step *= 4
        n -= mutant == "one particle less"
        return right(n, step, lower, size, parent, child, weight, chance, shares)

    monkeypatch.setattr(share_kernel, "draw_laws", wrong)
    if mutant == "low degree":
        monkeypatch.setattr(share_chain, "_beyond", lambda *_: 0.0)
    if mutant == "coarse rule":
        with pytest.raises(TooLargeError, match="too far apart"):
            share_law(problem, n, Work(WORK))
        return
    assert abs(share_law(problem, n, Work(WORK)).law - want).max() > PRECISION
