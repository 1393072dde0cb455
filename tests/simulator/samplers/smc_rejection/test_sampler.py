"""SMC by rejection: equal to its twin, its law is the exact one, its proposals are counted."""

import math
import tracemalloc
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud import cloud_chain
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.samplers.smc_rejection.exact import (
    expected_proposals,
    log_step_means,
    rejection_chain,
)
from simulator.samplers.smc_rejection.plain import run_rejection_plain
from simulator.samplers.smc_rejection.sampler import METHODS, SMCRejection
from simulator.strategies import problems
from tests.support.brute import rejection
from tests.support.prefixes import Tree

KEEPS = SMCRejection.keeps


FALSE_FAILURE = 1e-9
N_RUNS = 100_000
SUMS = ("log_w", "cloud_log_weights")
methods = pytest.mark.parametrize("method", METHODS)
seeds = st.integers(0, 2**32)


def assert_same(a, b, without=()):
    for name in (f.name for f in fields(a) if f.name not in without):
        x, y = getattr(a, name), getattr(b, name)
        if name in SUMS and x is not None:
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11, err_msg=name)
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)


def coverage(problem):
    return math.exp(problem.forward_backward.log_prm_coverage)


def lossy():
    """V^ = 0 at half of level 2 although V* > 0."""
    tree = TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(3)])
    reward = [1.0, 0, 2, 0, 0, 1, 0, 0]
    return Problem(tree, reward, [[0.5], [1.0, 0.5], [1.0, 0, 0.5, 1.0], reward])


def dead_end(level, horizon=4):
    """V^ is zero on all of one level: every run fails when it looks there."""
    log_prm = np.zeros(horizon + 1)
    log_prm[level] = -np.inf
    model = TabularModel([[[0.5, 0.5]]] * horizon, [[[0, 0]]] * horizon)
    return Problem.from_log(model, [0.0], log_prm)


# ---- equal to the twin


@settings(max_examples=60)
@given(problem=problems(max_leaves=27), n=st.integers(1, 9), seed=seeds, loose=st.booleans())
def test_kernel_equals_twin_in_all_fields(problem, n, seed, loose):
    sampler = SMCRejection(n, eta=(1.7 * coverage(problem) or 1.0) if loose else "auto")
    kernel = sampler.run(problem, 4, rng=seed, keep=KEEPS)
    assert_same(kernel, run_rejection_plain(problem, sampler, 4, seed), ["ess"])


@settings(max_examples=40)
@given(problem=problems(max_leaves=27), n=st.integers(1, 9), seed=seeds)
def test_enumeration_is_smc_that_looks_ahead(problem, n, seed):
    runs = SMCRejection(n, "enumerate").run(problem, 4, rng=seed, keep=KEEPS)
    twin = run_plain(fully_adapted(problem), SMC(n), 4, seed)
    names = ("states", "failed", "tokens", "log_w")
    assert_same(runs, twin, [f.name for f in fields(runs) if f.name not in names])


@methods
def test_log_scales_of_extreme_weights_cancel(method):
    log_prm = np.cumsum([0.0, 700.0, -600.0, 350.0, 5.0])
    model = TabularModel([[[0.5, 0.5]]] * 4, [[[0, 0]]] * 4)
    problem = Problem.from_log(model, log_prm[-1:], log_prm)
    sampler = SMCRejection(3, method)
    # levels whose weight is far below eta can accept nothing in 10^4 proposals
    if method == "rejection":
        with pytest.raises(TooLargeError, match="level 2"):
            SMCRejection(3, max_proposals=10_000).run(problem, 1, rng=1)
        return
    runs = sampler.run(problem, 5, rng=1)
    np.testing.assert_allclose(runs.log_w, log_prm[-1], rtol=1e-12)


@methods
def test_log_scale_of_a_growing_value(method):
    log_prm = 400.0 * np.arange(5)
    model = TabularModel([[[0.5, 0.5]]] * 4, [[[0, 0]]] * 4)
    problem = Problem.from_log(model, log_prm[-1:], log_prm)
    runs = SMCRejection(3, method).run(problem, 5, rng=1)
    np.testing.assert_allclose(runs.log_w, log_prm[-1], rtol=1e-12)
    assert (runs.prm_evaluations == (12 if method == "rejection" else 24)).all()


# ---- the law, without randomness


@settings(max_examples=60)
@given(problem=problems(max_leaves=9, max_horizon=3), n=st.integers(1, 3))
def test_the_law_is_that_of_the_algorithm(problem, n):
    tree = Tree(problem)
    brute, z = rejection(tree, n), float(tree.z)
    exact = SMCRejection(n).exact_law(problem, shortfall=True)
    for y, p, w in zip(exact.tokens.tolist(), exact.law, exact.weighted, strict=True):
        assert p == pytest.approx(brute.law[tuple(y)], abs=1e-12)
        if tuple(y) in tree.v:
            assert w == pytest.approx(float(tree.p[tuple(y)] * tree.hat[tuple(y)]) / z, abs=1e-12)
    assert exact.failure == pytest.approx(brute.failure, abs=1e-12)
    assert exact.shortfall == pytest.approx(brute.shortfall, abs=1e-12)
    assert exact.mean_w_over_z == pytest.approx(brute.mean / z, abs=1e-12)
    assert exact.tv == pytest.approx(brute.tv(tree), abs=1e-12)
    if tree.z_alive > 0:
        v = brute.mean_square / brute.mean**2 - 1
        assert exact.relative_variance == pytest.approx(v, abs=1e-11)


@pytest.mark.parametrize(
    ("horizon", "n", "tv", "variance"),
    [
        (3, 2, 0.175344688431, 0.354040130030),
        (3, 3, 0.120880372029, 0.230409137708),
        (4, 2, 0.220929100172, 0.554280084329),
        (4, 4, 0.130605774914, 0.262185242523),
    ],
)
def test_the_reference_table_comes_out(horizon, n, tv, variance):
    exact = SMCRejection(n).exact_law(reference(horizon))
    assert exact.tv == pytest.approx(tv, abs=1e-10)
    assert exact.relative_variance == pytest.approx(variance, abs=1e-10)


@pytest.mark.slow
@given(problem=problems(max_leaves=16, prm="perfect"), n=st.integers(1, 4))
def test_with_a_perfect_prm_every_number_of_particles_is_exact(problem, n):
    samplers = [SMCRejection(n), SMCRejection(n, "enumerate"), DiffusionMonteCarlo(n, False)]
    samplers += [DiffusionMonteCarlo(n), ActionLevelRejection()]
    for sampler in samplers:
        exact = sampler.exact_law(problem)
        assert exact.tv < 1e-12
        assert exact.relative_variance < 1e-12
    assert SMC(1).exact_law(reference(3).with_prm("exact")).tv > 0.1  # SMC is not


@pytest.mark.slow
@given(problem=problems(max_leaves=16))
def test_one_particle_draws_tokens_in_proportion_to_the_value(problem):
    tree = Tree(problem)
    for sampler in (ActionLevelRejection(), SMCRejection(1), DiffusionMonteCarlo(1, False)):
        exact = sampler.exact_law(problem)
        for y, p in zip(exact.tokens.tolist(), exact.law, strict=True):
            want = 1.0
            for h in range(len(y)):
                x = tuple(y[:h])
                shares = {c: q * tree.hat[c] for q, c in tree.kernel.get(x, [])}
                total = sum(shares.values())
                want *= float(shares.get((*x, y[h]), 0) / total) if total else 0.0
            assert p == pytest.approx(want, abs=1e-12)


@pytest.mark.slow
@given(problem=problems(max_leaves=27), n=st.integers(1, 3))
def test_the_chain_of_clouds_is_that_of_smc_that_looks_ahead(problem, n):
    ratio, start = log_step_means(problem), problem.model.state_start
    assume(np.isfinite(ratio[0]))

    def law(states, probability):
        out = Counter()
        for cloud, p in zip(np.sort(states, axis=1).tolist(), probability, strict=True):
            if cloud[-1] >= 0:
                out[tuple(cloud)] += p
        return {cloud: p for cloud, p in out.items() if p > 1e-14}

    for cloud, other in zip(
        rejection_chain(problem, n), cloud_chain(fully_adapted(problem), SMC(n)), strict=True
    ):
        hopeful = np.isfinite(ratio[start[cloud.level] + cloud.states])
        want = law(other.states, other.probability)
        assert law(np.where(hopeful, cloud.states, -1), cloud.probability) == pytest.approx(want)


# ---- proposals


def proposals(tree, n, eta):
    """E[N eta/W_h] of each level, by following ordered clouds."""
    out, clouds = [0.0] * tree.horizon, {((),) * n: 1.0}
    for h in range(tree.horizon):
        after = {}
        for cloud, p in clouds.items():
            mu = {}
            for x in cloud:
                for q, c in tree.kernel[x]:
                    mu[c] = mu.get(c, 0.0) + float(q * tree.hat[c] / tree.hat[x]) / n
            w = sum(mu.values())
            if w == 0:
                continue
            out[h] += p * n * eta / w
            moved = {(): p}
            for _ in range(n):
                moved = {(*m, c): v * g / w for m, v in moved.items() for c, g in mu.items() if g}
            for m, v in moved.items():
                after[m] = after.get(m, 0.0) + v
        clouds = after
    return out


@settings(max_examples=50)
@given(problem=problems(max_leaves=8, max_horizon=3), n=st.integers(1, 3))
def test_expected_proposals_are_n_eta_over_w(problem, n):
    eta = 2 * coverage(problem) or 1.0
    want = proposals(Tree(problem), n, eta)
    assert expected_proposals(problem, n, math.log(eta)) == pytest.approx(want, rel=1e-10)


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_proposals_are_negative_binomial_with_a_perfect_prm(factor):
    # W_h = 1 whatever the cloud: the sum over runs is exactly NB(R H N, 1/eta) beyond R H N;
    # false failure 1e-9; power: a mean that is off by 2 % is 9 standard deviations away
    problem, n, runs = reference(3).with_prm("exact"), 5, 4000
    eta = factor * coverage(problem)
    total = int(SMCRejection(n, eta=eta).run(problem, runs, rng=3).prm_evaluations.sum())
    size = 3 * n * runs
    low, high = nbinom.ppf([FALSE_FAILURE / 2, 1 - FALSE_FAILURE / 2], size, 1 / eta) + size
    assert low <= total <= high
    assert high - low < 0.04 * size * eta


def test_proposals_of_a_biased_prm_have_their_mean_given_the_clouds():
    # given all clouds the counts are NB(N, W_h/eta); Chernoff, false failure 1e-9 in all
    problem, n, runs = reference(4), 4, 8000
    sampler = SMCRejection(n, eta=5.0)
    done = sampler.run(problem, runs, rng=5, keep=("clouds",))
    ratio, start = log_step_means(problem), problem.model.state_start
    parents = [np.zeros((runs, n), dtype=int)]
    parents += [start[h] + done.cloud_states[:, h - 1] for h in range(1, 4)]
    w = np.array([np.exp(ratio[x]).mean(axis=1) for x in parents])
    np.testing.assert_allclose(
        done.log_w, problem.log_prm_flat[0] + np.log(w).sum(axis=0), rtol=1e-12, atol=1e-12
    )
    p, total = w / 5.0, done.prm_evaluations.sum()
    mean = (n / p).sum()

    def tail(t, x):
        """Log of E[e^(tK)] e^(-tx) of the sum K of NB(n, p) trials."""
        return (n * (np.log(p) + t - np.log1p(-(1 - p) * np.exp(t)))).sum() - t * x

    t = np.linspace(1e-4, 0.02, 200)
    for sign, edge in ((1, 1.02 * mean), (-1, 0.98 * mean)):
        assert min(tail(sign * s, edge) for s in t) < math.log(FALSE_FAILURE / 2)
    assert 0.98 * mean < total < 1.02 * mean
    exact = runs * expected_proposals(problem, n, math.log(5.0)).sum()
    assert total == pytest.approx(exact, rel=0.05)
    assert (done.model_calls == done.prm_evaluations).all()


@given(problem=problems(max_leaves=27), n=st.integers(1, 4), seed=seeds)
def test_enumeration_pays_for_all_children_of_all_parents(problem, n, seed):
    runs = SMCRejection(n, "enumerate").run(problem, 20, rng=seed, keep=("clouds",))
    born = (runs.cloud_states >= 0).any(axis=2).sum(axis=1)
    levels = np.where(runs.failed, born + 1, problem.horizon)
    assert (runs.model_calls == n * levels).all()
    assert (runs.prm_evaluations == problem.model.n_actions * n * levels).all()


# ---- eta and the cap


def test_eta_below_the_coverage_is_refused_with_the_reason():
    problem = reference(3)
    c = coverage(problem)
    for call in (
        lambda s: s.run(problem, 1, rng=1),
        lambda s: s.exact_law(problem),
    ):
        with pytest.raises(InputError, match=r"\Aeta: [^\n]*C\^_act[^\n]*\Z"):
            call(SMCRejection(2, eta=0.999 * c))
        call(SMCRejection(2, eta=c))


@settings(max_examples=50)
@given(problem=problems(max_leaves=27))
def test_automatic_eta_is_the_largest_ratio_that_a_particle_can_meet(problem):
    tree = Tree(problem)
    ratios = [
        tree.hat[c] / tree.hat[x]
        for level in tree.levels[:-1] for x in level for _, c in tree.kernel[x] if tree.hat[x] > 0
    ]  # fmt: skip
    assert coverage(problem) == pytest.approx(float(max(ratios)), rel=1e-12)


def test_values_that_no_particle_meets_do_not_raise_eta():
    tree = TabularModel.tree([[[1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]])
    problem = Problem(tree, [1.0, 2.0, 50.0, 50.0], [[1.0], [2.0, 90.0], [1.0, 2.0, 50.0, 50.0]])
    assert coverage(problem) == pytest.approx(2.0)
    assert SMCRejection(2).exact_law(problem).failure == 0


def test_a_larger_eta_takes_more_proposals():
    problem = reference(3)
    few, many = (SMCRejection(3, eta=e).run(problem, 500, rng=1) for e in ("auto", 20.0))
    assert many.prm_evaluations.mean() > 5 * few.prm_evaluations.mean()


@pytest.mark.parametrize("threads", [1, 2])
def test_the_cap_ends_the_call_in_one_line(threads):
    # a child is accepted with probability 1e-9 or less: no proposal of 3 x 1000 is, in any run
    problem, sampler = reference(3), SMCRejection(2, eta=1e12, max_proposals=1000)
    with pytest.raises(TooLargeError, match=r"\Amax_proposals: [^\n]*level 1 in 1000[^\n]*\Z"):
        sampler.run(problem, 100_000, rng=1, n_threads=threads)


def test_the_cap_is_on_the_proposals_of_one_particle():
    problem = reference(3).with_prm("exact")
    SMCRejection(50, max_proposals=100).run(problem, 100, rng=1)
    with pytest.raises(TooLargeError):
        SMCRejection(50, max_proposals=1).run(problem, 100, rng=1)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_particles", 0), ("n_particles", True), ("method", "guess"), ("eta", 0.0), ("eta", -1),
        ("eta", "big"), ("eta", math.inf), ("eta", math.nan), ("eta", True),
        ("max_proposals", 0), ("max_proposals", 1e3),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=rf"\A{option}: [^\n]*\Z"):
        SMCRejection(**{"n_particles": 2} | {option: value})


def test_enumeration_has_no_eta_and_alrs_one_particle():
    with pytest.raises(InputError, match=r"\Aeta: "):
        SMCRejection(2, "enumerate", eta=3.0)
    with pytest.raises(InputError, match=r"\An_particles: ALRS has one particle, not 2\Z"):
        ActionLevelRejection(2)
    with pytest.raises(InputError, match=r"\Akeep: 'ess' is not offered"):
        SMCRejection(2).run(reference(3), 1, rng=1, keep=("ess",))


@methods
def test_alrs_is_smc_rs_with_one_particle_run_by_run(method):
    one, other = ActionLevelRejection(method=method), SMCRejection(1, method)
    problem = reference(4)
    assert_same(*(s.run(problem, 50, rng=2, keep=KEEPS) for s in (one, other)))
    assert one.exact_law(problem).law.tolist() == other.exact_law(problem).law.tolist()


# ---- failure


@methods
@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_run_that_finds_no_child_fails_cleanly(method, level):
    problem, sampler = dead_end(level), SMCRejection(5, method)
    runs = sampler.run(problem, 3, rng=1, keep=KEEPS)
    assert runs.failed.all()
    assert np.isneginf(runs.log_w).all()
    assert (runs.tokens == -1).all()
    for x in (runs.cloud_states, runs.genealogy):
        assert (x[:, : level - 1] >= 0).all()
        assert (x[:, level - 1 :] == -1).all()
    assert (runs.cloud_log_weights == np.where(runs.cloud_states < 0, -np.inf, 0.0)).all()
    paid = 10 * level if method == "enumerate" else 5 * (level - 1)
    assert (runs.prm_evaluations == paid).all()
    exact = sampler.exact_law(problem, shortfall=True)
    assert exact.failure == 1
    assert exact.tv == pytest.approx(1, abs=1e-15)
    assert exact.mean_w_over_z == 0


# ---- the law of the draws


def frequencies(exact, runs):
    base = (exact.tokens.max() + 1) ** np.arange(exact.tokens.shape[1])
    keys = exact.tokens @ base
    order = np.argsort(keys)
    found = order[np.searchsorted(keys[order], runs.tokens @ base) % keys.size]
    ours = np.where(runs.failed, keys.size, found)
    return np.bincount(ours, minlength=keys.size + 1) / len(runs)


def l1_radius(n_outcomes):
    """Bretagnolle-Huber-Carol: P(sum |f - p| >= x) <= 2^K exp(-n x^2/2)."""
    return math.sqrt(2 * (n_outcomes * math.log(2) - math.log(FALSE_FAILURE)) / N_RUNS)


@methods
@pytest.mark.parametrize("name", ["reference:horizon=3", "two-branch:horizon=3", "lossy"])
def test_draws_have_the_exact_law_and_weight(method, name):
    # false failure 1e-9 for the law; SMC's law is further away (next test). The mean of W^ is
    # within 8 standard errors of Z_e: Bernstein with W <= 10 Z gives less than 1e-9
    problem = lossy() if name == "lossy" else open_problem(name)
    sampler = SMCRejection(3, method)
    exact = sampler.exact_law(problem)
    runs = sampler.run(problem, N_RUNS, rng=17, keep=("tokens",))
    gap = np.abs(frequencies(exact, runs) - np.append(exact.law, exact.failure)).sum()
    assert gap < l1_radius(exact.law.size + 1)
    ratio = np.exp(runs.log_w - problem.log_z)
    assert ratio.max() < 10
    error = math.sqrt(exact.relative_variance / N_RUNS) * exact.mean_w_over_z
    assert ratio.mean() == pytest.approx(exact.mean_w_over_z, abs=8 * error + 1e-12)


def test_smc_and_other_numbers_of_particles_would_fail_that_comparison():
    problem = reference(3)
    law = SMCRejection(3).exact_law(problem).law
    for other in (SMC(3), SMCRejection(2), SMCRejection(4)):
        assert np.abs(other.exact_law(problem).law - law).sum() > 1.5 * l1_radius(9)


# ---- seeds, threads, blocks


@methods
def test_threads_and_blocks_do_not_change_the_runs(method):
    problem, sampler = open_problem("two-branch:horizon=16"), SMCRejection(16, method)
    one, two = (sampler.run(problem, 1500, rng=5, keep=KEEPS, n_threads=k) for k in (1, 2))
    assert_same(one, two)
    late = sampler.run(problem, 476, rng=5, keep=KEEPS, first_block=1)
    for f in fields(late):
        if getattr(late, f.name) is not None:
            np.testing.assert_array_equal(getattr(late, f.name), getattr(one, f.name)[1024:])


@methods
def test_another_seed_gives_other_runs(method):
    a, b = (SMCRejection(16, method).run(reference(4), 50, rng=s) for s in (1, 2))
    assert (a.log_w != b.log_w).any()


@methods
def test_twenty_thousand_levels_neither_overflow_nor_vanish(method):
    problem = open_problem("product:horizon=20000")
    runs = SMCRejection(4, method).run(problem, 2, rng=1)
    np.testing.assert_allclose(runs.log_w, problem.log_z, rtol=0, atol=1e-7)


def test_a_chain_on_a_wide_tree_holds_only_what_its_clouds_reach():
    """A table of all pairs (parent, child) alone would hold 8 * 1000 * 10000 bytes."""
    a, horizon = 10, 4
    probs = [np.full((a**h, a), 1 / a) for h in range(horizon)]
    reward = 1.0 + np.random.default_rng(1).random(a**horizon)
    problem = Problem(TabularModel.tree(probs), reward, "exact")
    tracemalloc.start()
    try:
        *_, last = rejection_chain(problem, 1)
        assert tracemalloc.get_traced_memory()[1] < 4e7
    finally:
        tracemalloc.stop()
    assert len(last.states) == 1000
    assert last.probability == pytest.approx(problem.target[3], abs=1e-15)


def test_a_cloud_whose_chance_is_beyond_floats_is_refused_and_has_not_failed():
    """One branch goes on with chance 1e-300 only, to V^ = e^-470 of that of the other branch."""
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5], [1e-300, 1.0]]])
    leaves = [0.0, 0.0, -470.0, -np.inf]
    far = Problem.from_log(model, leaves, [0.0, 0.0, 0.0, *leaves])
    with pytest.raises(TooLargeError, match="no child was accepted at level 2"):
        SMCRejection(1, "rejection", max_proposals=5).run(far, 20, rng=1)
