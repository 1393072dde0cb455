"""SIS, best-of-N, action-level importance sampling, beam and greedy against brute force.

T0 and T1 share no code with the package (`brute_baselines`); random tests state their
false-failure rates.
"""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud import exact_law
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.baselines.beam import Beam, Greedy
from simulator.samplers.baselines.best_of_n import BestOfN
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.baselines.whole_paths import whole_path_filter
from simulator.samplers.runs import KEEP
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute import smc
from tests.support.brute_baselines import (
    BEAM_MUTANTS,
    BEST_MUTANTS,
    SIS_MUTANTS,
    beam,
    best_of_n,
    sis,
)
from tests.support.laws import frequencies, l1_radius
from tests.support.prefixes import Tree

SAMPLERS = [SIS(3), BestOfN(3), ActionImportanceSampling(3), Beam(3), Greedy()]
N_RUNS = 100_000
every = pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda s: type(s).__name__)
small = {"max_leaves": 9, "max_horizon": 3}
close = {"rel": 0, "abs": 1e-11}


def lossy():
    """V^ = 0 at half of level 2 although V* > 0, ties, and no reward at half of the leaves."""
    tree = TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(3)])
    reward = [1.0, 0, 2, 0, 0, 1, 2, 0]
    return Problem(tree, reward, [[0.5], [1.0, 0.5], [1.0, 0, 0.5, 1.0], reward])


def tiny_edges():
    """Paths that share one state, and an edge reward of zero at the first step."""
    model = TabularModel([[[0.25, 0.75]]] * 3, [[[0, 0]]] * 3)
    edges = [[[0.0, 1.0]], None, [[0.5, 1.5]]]
    return Problem(model, [2.0], [[1.0], [3.0], [1.0], [2.0]], edge_reward=edges)


def at(exact, tree):
    """Places of the paths of the brute force in the exact law."""
    seen = {tuple(t): i for i, t in enumerate(exact.tokens.tolist())}
    return [seen[y] for y in tree.paths]


def assert_law(exact, naive, tree):
    where = at(exact, tree)
    assert exact.law[where] == pytest.approx([naive.law[y] for y in tree.paths], **close)
    assert exact.law.sum() == pytest.approx(exact.law[where].sum(), **close)
    assert exact.failure == pytest.approx(naive.failure, **close)
    assert exact.tv == pytest.approx(naive.tv(tree), **close)


def distance(exact, naive, tree):
    law = np.abs(exact.law[at(exact, tree)] - [naive.law[y] for y in tree.paths]).max()
    mean = 0.0
    if exact.mean_w_over_z is not None:
        mean = abs(naive.mean / float(tree.z) - exact.mean_w_over_z)
    return max(law, mean)


# ---- SIS


@pytest.mark.slow
@settings(max_examples=150)
@given(problem=problems(**small), n=st.integers(1, 3))
def test_sis_has_the_law_of_all_draws(problem, n):
    tree = Tree(problem)
    naive, exact = sis(tree, n), SIS(n).exact_law(problem, shortfall=True)
    assert_law(exact, naive, tree)
    z = float(tree.z)
    assert exact.mean_w_over_z == pytest.approx(naive.mean / z, **close)
    assert exact.weighted[at(exact, tree)] == pytest.approx(
        [naive.first[y] / z for y in tree.paths], **close
    )
    assert exact.relative_variance == pytest.approx(naive.mean_square / z**2 - 1, abs=1e-10)
    assert exact.shortfall == pytest.approx(naive.shortfall, **close)


@pytest.mark.parametrize("mutant", SIS_MUTANTS)
def test_a_wrong_sis_is_caught(mutant):
    problem = reference(3)
    tree, exact = Tree(problem), SIS(2).exact_law(problem)
    assert distance(exact, sis(tree, 2), tree) < 1e-12
    assert distance(exact, sis(tree, 2, mutant), tree) > 1e-3


@settings(max_examples=60)
@given(problem=problems(max_leaves=16, lossy=False), n=st.integers(1, 3))
def test_sis_is_smc_that_never_resamples_where_v_hat_kills_nothing_of_worth(problem, n):
    a, b = SIS(n).exact_law(problem), SMC(n, ess_threshold=0).exact_law(problem)
    assert a.law == pytest.approx(b.law, **close)
    assert a.tv == pytest.approx(b.tv, **close)


def test_sis_does_not_see_the_zeros_of_v_hat():
    problem = lossy()
    assert problem.forward_backward.lost_mass > 0
    blind = SIS(2).exact_law(problem)
    assert blind.mean_w_over_z == pytest.approx(1.0)
    assert blind.law == pytest.approx(SIS(2).exact_law(problem.with_prm("exact")).law, **close)
    assert SMC(2, ess_threshold=0).exact_law(problem).mean_w_over_z < 0.9


@given(
    problem=problems(max_leaves=16), n=st.integers(1, 6), on=st.sampled_from(["paths", "states"])
)
def test_sis_on_states_and_paths_are_one_law(on, problem, n):
    exact = SIS(n).exact_law(problem, on)
    assert exact.law.sum() + exact.failure == pytest.approx(1, abs=1e-11)
    assert exact.target.sum() == pytest.approx(1)
    merged = SIS(n).exact_law(problem, "states")
    assert exact.tv >= merged.tv - 1e-12
    if on == "paths":
        ends = np.zeros(merged.law.size)
        for tokens, p in zip(exact.tokens, exact.law, strict=True):
            if tokens.min() >= 0:
                state = 0
                for h, a in enumerate(tokens):
                    state = int(problem.model.next_state[h][state, a])
                ends[state] += p
        assert merged.law == pytest.approx(ends, **close)


def test_sis_with_many_particles_has_an_exact_law():
    exact = SIS(10_000).exact_law(reference(5))
    assert 0 < exact.tv < 0.5 * math.sqrt(exact.relative_variance)
    # delta method: the error of order 1/N halves when N doubles
    assert SIS(20_000).exact_law(reference(5)).tv == pytest.approx(exact.tv / 2, rel=1e-3)


def test_sis_refuses_what_is_too_large():
    with pytest.raises(TooLargeError, match="token paths"):
        SIS(2).exact_law(product(30))
    with pytest.raises(TooLargeError, match="integrand"):
        SIS(2).exact_law(reference(3), limit=100)
    with pytest.raises(TooLargeError, match="cloud transitions"):
        SIS(300).exact_law(reference(6), shortfall=True, limit=1e4)


# ---- best-of-N


@pytest.mark.slow
@settings(max_examples=150)
@given(problem=problems(**small), n=st.integers(1, 3))
def test_best_of_n_has_the_law_of_all_draws(problem, n):
    tree, exact = Tree(problem), BestOfN(n).exact_law(problem)
    assert_law(exact, best_of_n(tree, n), tree)
    assert exact.mean_w_over_z is None
    assert exact.weighted is None


@pytest.mark.parametrize("mutant", BEST_MUTANTS)
def test_a_wrong_best_of_n_is_caught(mutant):
    problem = reference(3)
    tree, exact = Tree(problem), BestOfN(2).exact_law(problem)
    assert distance(exact, best_of_n(tree, 2), tree) < 1e-12
    assert distance(exact, best_of_n(tree, 2, mutant), tree) > 1e-3


@settings(max_examples=60)
@given(problem=problems(max_leaves=8), n=st.integers(1, 4))
def test_best_of_n_is_what_the_clouds_give(problem, n):
    best = whole_path_filter(problem.horizon, n, "best")
    clouds = exact_law(problem, best, rewrite=best.as_plain)
    assert BestOfN(n).exact_law(problem).law == pytest.approx(clouds.law, **close)


def test_best_of_very_many_is_the_best_and_worse_than_the_target():
    problem = reference(3)
    exact = BestOfN(10**6).exact_law(problem)
    pi_ref = Problem(problem.model, np.ones(8), "exact").target[-1]
    top = np.where(problem.reward == problem.reward.max(), pi_ref, 0.0)
    assert exact.law == pytest.approx(top / top.sum())
    assert exact.tv > 0.5


def test_rewards_within_a_relative_billionth_are_ties():
    def odds(gap):
        tree = TabularModel.tree([[[0.25, 0.75]]])
        return BestOfN(2).exact_law(Problem(tree, [1.0, 1.0 + gap], "exact")).law.tolist()

    assert odds(1e-10) == pytest.approx([0.25, 0.75])
    assert odds(1e-8) == pytest.approx([0.0625, 0.9375])


# ---- beam and greedy


@pytest.mark.slow
@settings(max_examples=150)
@given(problem=problems(max_leaves=27), n=st.integers(1, 5))
def test_beam_finds_what_sorting_all_children_finds(problem, n):
    tree, sampler = Tree(problem), Beam(n)
    path, extended = beam(tree, n)
    runs, exact = sampler.run(problem, 2, rng=0, keep=("tokens",)), sampler.exact_law(problem)
    assert (runs.model_calls == extended).all()
    assert (runs.prm_evaluations == extended * problem.model.n_actions).all()
    if path is None:
        assert runs.failed.all()
        assert exact.failure == 1
        assert exact.tv == pytest.approx(1)
        return
    assert runs.tokens.tolist() == [list(path)] * 2
    assert (runs.states == tree.state[path]).all()
    assert exact.failure == 0
    assert [tuple(y) for y in exact.tokens[exact.law == 1].tolist()] == [path]
    assert exact.law.sum() == 1
    assert exact.tv == pytest.approx(1 - float(tree.target(path)), **close)
    states = sampler.exact_law(problem, "states").law
    assert states[tree.state[path]] == states.sum() == 1


def test_wrong_beams_are_caught():
    ties = Problem(TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2]), [1.0] * 4, "exact")
    found = dict.fromkeys(BEAM_MUTANTS, 0)
    for problem in (reference(3), reference(4), ties):
        tree = Tree(problem)
        for n in (1, 2, 3):
            right, _ = beam(tree, n)
            tokens = Beam(n).run(problem, 1, rng=0, keep=("tokens",)).tokens[0]
            assert tuple(tokens.tolist()) == right
            for mutant in BEAM_MUTANTS:
                found[mutant] += beam(tree, n, mutant) != beam(tree, n)
    assert min(found.values()) > 0, found


def test_ties_up_to_rounding_go_to_the_first_prefix():
    third = [[1 / 3, 1 / 3 + 1e-13, 1 / 3 - 1e-13]]
    tied = Problem(TabularModel.tree([third]), [1.0, 1.0, 1.0], "exact")
    assert Greedy().exact_law(tied).law.tolist() == [1, 0, 0]
    clear = Problem(TabularModel.tree([[[0.33, 0.34, 0.33]]]), [1.0, 1.0, 1.0], "exact")
    assert Greedy().exact_law(clear).law.tolist() == [0, 1, 0]


def test_beam_keeps_paths_apart_that_share_a_state():
    problem = tiny_edges()
    runs = Beam(8).run(problem, 1, rng=0, keep=("tokens",))
    assert runs.tokens.tolist() == [[1, 1, 1]]
    assert runs.model_calls[0] == 1 + 1 + 2  # the token of edge reward zero is not kept
    assert runs.prm_evaluations[0] == 8


@given(problem=problems(max_leaves=27))
def test_greedy_is_beam_with_one_prefix(problem):
    a, b = Greedy().exact_law(problem), Beam(1).exact_law(problem)
    assert a.law.tolist() == b.law.tolist()


def test_greedy_keeps_one_prefix_only():
    with pytest.raises(InputError, match=r"\An_particles: 2, but greedy keeps 1"):
        Greedy(2)


def test_a_wide_beam_finds_the_mode_of_the_target_and_greedy_may_not():
    model = TabularModel.tree([[[0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]])
    problem = Problem(model, [1.0, 0.0, 0.1, 1.1], [[1.0], [0.5, 1.0], [1.0, 0.0, 0.1, 1.1]])
    assert Beam(4).exact_law(problem).law.argmax() == problem.target[-1].argmax() == 0
    assert Greedy().exact_law(problem).law.argmax() == 3


# ---- action-level importance sampling


@settings(max_examples=60)
@given(problem=problems(**small), n=st.integers(1, 3))
def test_action_is_has_the_law_of_one_path_among_candidates(problem, n):
    tree = Tree(problem)
    exact = ActionImportanceSampling(n).exact_law(problem, shortfall=True)
    naive = smc(tree, n, "single")
    assert_law(exact, naive, tree)
    assert exact.shortfall == pytest.approx(naive.shortfall, **close)
    z = float(tree.z)
    assert exact.mean_w_over_z == pytest.approx(naive.mean / z, **close)
    assert exact.weighted[at(exact, tree)] == pytest.approx(
        [naive.first[y] / z for y in tree.paths], **close
    )
    square = naive.mean_square / naive.mean**2 - 1 if naive.mean > 0 else np.inf
    assert exact.relative_variance == pytest.approx(square, abs=1e-10)


@given(problem=problems(max_leaves=16, tree=False), n=st.integers(1, 9))
def test_action_is_on_states_adds_up_its_paths(problem, n):
    sampler = ActionImportanceSampling(n)
    paths, states = (sampler.exact_law(problem, on) for on in ("paths", "states"))
    assert states.failure == pytest.approx(paths.failure, **close)
    ends = np.zeros(states.law.size)
    for tokens, p in zip(paths.tokens, paths.law, strict=True):
        state = 0
        for h, a in enumerate(tokens):
            state = int(problem.model.next_state[h][state, a])
        ends[state] += p
    assert states.law == pytest.approx(ends, **close)


@pytest.mark.parametrize("mutant", ["absolute", "uniform draw", "late"])
def test_a_wrong_action_is_is_caught(mutant):
    problem = reference(3)
    tree, exact = Tree(problem), ActionImportanceSampling(2).exact_law(problem)
    assert distance(exact, smc(tree, 2, "single"), tree) < 1e-11
    assert distance(exact, smc(tree, 2, "single", mutant=mutant), tree) > 1e-3


def test_action_is_goes_to_the_law_of_tokens_drawn_by_v_hat():
    # one path, tokens ∝ pi_ref V^: for a perfect PRM that is the target
    problem = reference(2).with_prm("exact")
    errors = [ActionImportanceSampling(n).exact_law(problem).tv for n in (1, 4, 16, 10_000)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2] > errors[3] > 0
    assert errors[3] < 1e-4
    biased = reference(2)
    tokens = [
        q * v.reshape(q.shape) for q, v in zip(biased.model.probs, biased.prm[1:], strict=True)
    ]
    first, second = (x / x.sum(axis=1, keepdims=True) for x in tokens)
    law = (first.T * second).ravel()
    assert ActionImportanceSampling(10**6).exact_law(biased).law == pytest.approx(law, abs=1e-5)
    assert np.abs(law - biased.target[-1]).sum() > 0.1


# ---- what a run gives


@settings(max_examples=40)
@given(problem=problems(max_leaves=27), n=st.integers(1, 6), seed=st.integers(0, 2**32))
def test_runs_are_those_of_the_plain_twin(problem, n, seed):
    def compare(runs, twin, names):
        for name in names:
            np.testing.assert_array_equal(getattr(runs, name), getattr(twin, name), err_msg=name)

    names = ("states", "failed", "tokens")
    kept = SIS(n).run(problem, 5, rng=seed, keep=KEEP)
    twin = run_plain(problem, whole_path_filter(problem.horizon, n, "sample"), 5, seed)
    compare(kept, twin, (*names, "cloud_states"))
    np.testing.assert_allclose(kept.log_w, twin.log_w, rtol=1e-11, atol=1e-11)
    best = BestOfN(n).run(problem, 5, rng=seed, keep=("tokens",))
    compare(best, run_plain(problem, whole_path_filter(problem.horizon, n, "best"), 5, seed), names)
    assert best.log_w is None
    sampler = ActionImportanceSampling(n)
    runs = sampler.run(problem, 5, rng=seed, keep=KEEP)
    compare(runs, run_plain(problem, SMC(n, "single"), 5, seed), (*names, "genealogy"))


@pytest.mark.slow
@pytest.mark.parametrize("problem", [reference(3), lossy(), tiny_edges()], ids=str)
@pytest.mark.parametrize("sampler", SAMPLERS[:3], ids=lambda s: type(s).__name__)
def test_output_has_the_exact_law(sampler, problem):
    # false failure 1e-9 a case; a law at twice the radius is missed with that probability
    exact = sampler.exact_law(problem)
    runs = sampler.run(problem, N_RUNS, rng=3, keep=("tokens",))
    gap = np.abs(frequencies(exact, runs) - np.append(exact.law, exact.failure)).sum()
    assert gap < l1_radius(exact.law.size + 1, N_RUNS)


def test_one_of_these_for_another_would_fail_the_comparison_of_laws():
    laws = [s.exact_law(reference(3)).law for s in (*SAMPLERS, SIS(2), BestOfN(2), SMC(3))]
    radius = l1_radius(9, N_RUNS)
    for i, a in enumerate(laws):
        for b in laws[:i]:
            same = np.array_equal(a, b)  # beam and greedy agree here
            assert same or np.abs(a - b).sum() > 2 * radius


@every
@pytest.mark.parametrize("problem", [reference(4), lossy(), tiny_edges()], ids=str)
def test_costs(sampler, problem):
    runs = sampler.run(problem, 200, rng=1)
    n, horizon, a = sampler.n_particles, problem.horizon, problem.model.n_actions
    if isinstance(sampler, ActionImportanceSampling):
        smc_runs = SMC(n, "single").run(problem, 200, rng=1)
        assert (runs.prm_evaluations == smc_runs.prm_evaluations).all()
        assert (runs.model_calls * n == runs.prm_evaluations).all()
        assert runs.model_calls.max() == horizon
    elif isinstance(sampler, Beam):
        assert (runs.prm_evaluations == a * runs.model_calls).all()
        assert (runs.model_calls == beam(Tree(problem), n)[1]).all()
    else:
        assert (runs.prm_evaluations == n).all()
        assert (runs.model_calls == n * horizon).all()


@every
def test_the_same_seed_gives_the_same_draws_for_any_threads_and_calls(sampler):
    problem = two_branch(50) if isinstance(sampler, SIS) else reference(5)
    one, two = (sampler.run(problem, 3000, rng=9, keep=("tokens",), n_threads=k) for k in (1, 2))
    later = sampler.run(problem, 100, rng=9, first_block=1, keep=("tokens",))
    for name in ("states", "failed", "tokens", "prm_evaluations", "model_calls"):
        a, b, c = (getattr(runs, name) for runs in (one, two, later))
        assert np.array_equal(a, b)
        assert np.array_equal(a[1024:1124], c)
    other = sampler.run(problem, 3000, rng=10)
    assert np.array_equal(one.states, other.states) == isinstance(sampler, Beam)


@every
def test_more_particles_change_the_law(sampler):
    if not isinstance(sampler, Greedy):
        less = dataclasses.replace(sampler, n_particles=1).exact_law(reference(3)).law
        more = dataclasses.replace(sampler, n_particles=2).exact_law(reference(3)).law
        assert np.abs(less - more).sum() > 0.01


@every
def test_only_what_can_be_kept_is_offered(sampler):
    offered = KEEP if sampler.properly_weighted else ("tokens",)
    for name in KEEP:
        if name in offered:
            sampler.run(reference(2), 3, rng=1, keep=(name,))
        else:
            with pytest.raises(InputError, match=rf"\Akeep: '{name}' is not offered"):
                sampler.run(reference(2), 3, rng=1, keep=(name,))


@every
def test_bad_arguments_are_refused_by_name(sampler):
    for name, value in (("n_runs", 0), ("rng", -1), ("n_threads", 0), ("first_block", -1)):
        arguments = {"n_runs": 2, "rng": 1} | {name: value}
        with pytest.raises(InputError, match=rf"\A{name}: "):
            sampler.run(reference(2), arguments.pop("n_runs"), **arguments)
    with pytest.raises(InputError, match=r"\Aon: 'path'"):
        sampler.exact_law(reference(2), "path")
    for n in (0, 1.5, True):
        with pytest.raises(InputError, match=r"\An_particles: "):
            type(sampler)(n)


@pytest.mark.slow
@every
@settings(max_examples=40)
@given(problem=problems(max_leaves=9, max_horizon=3))
def test_proper_weighting_is_claimed_where_it_holds(sampler, problem):
    assume(problem.forward_backward.lost_mass == 0)
    exact = sampler.exact_law(problem)
    assert sampler.properly_weighted == (not isinstance(sampler, (Beam, BestOfN)))
    if sampler.properly_weighted:
        assert exact.weighted == pytest.approx(exact.target, abs=1e-11)
        assert exact.mean_w_over_z == pytest.approx(1)
    else:
        assert exact.weighted is None
        assert exact.relative_variance is None
