"""Lookahead SMC: all systems of particles (prefix, G), the plain twin, and its limits."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.delayed import delayed
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.lookahead.transform import extended, looked_ahead
from simulator.samplers.runs import KEEP
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute_baselines import LOOKAHEAD_MUTANTS, lookahead, unpruned
from tests.support.laws import frequencies, l1_radius
from tests.support.prefixes import Tree

N_RUNS = 100_000
close = {"rel": 0, "abs": 1e-11}
SUMS = ("log_w", "ess", "cloud_log_weights")  # equal up to the order of rounding


def twin(problem, sampler, n_runs, seed):
    return run_plain(
        looked_ahead(problem, sampler.depth) if sampler.rollouts == 0 else problem,
        sampler.filter, n_runs, seed, depth=sampler.depth, rollouts=sampler.rollouts,
    )  # fmt: skip


def differs(a, b, names=None):
    out = []
    for name in names or a.__dataclass_fields__:
        x, y = getattr(a, name), getattr(b, name)
        equal = np.allclose(x, y, rtol=1e-10, atol=1e-10) if name in SUMS else np.array_equal(x, y)
        if not equal:
            out.append(name)
    return out


def agree(exact, naive, tree):
    seen = {tuple(t): i for i, t in enumerate(exact.tokens.tolist())}
    at, z = [seen[y] for y in tree.paths], float(tree.z)
    gaps = [
        np.abs(exact.law[at] - [naive.law[y] for y in tree.paths]).max(),
        np.abs(exact.weighted[at] - [naive.first[y] / z for y in tree.paths]).max(),
        abs(exact.failure - naive.failure),
        abs(exact.mean_w_over_z - naive.mean / z),
        abs(exact.shortfall - naive.shortfall),
    ]
    if naive.mean > 0:
        gaps.append(abs(exact.relative_variance + 1 - naive.mean_square / naive.mean**2))
    return max(gaps)


# ---- all systems


@settings(max_examples=60)
@given(
    problem=problems(max_leaves=8, max_horizon=3),
    n=st.integers(1, 2),
    depth=st.integers(0, 2),
    rollouts=st.integers(0, 2),
    options=st.sampled_from([("multinomial", 1), ("systematic", 1), ("multinomial", 0.75)]),
)
def test_the_law_is_that_of_all_systems(problem, n, depth, rollouts, options):
    big = problem.horizon * (problem.model.n_actions ** (1 + depth * rollouts)) ** n
    assume(big <= 1100)
    tree = Tree(problem)
    exact = Lookahead(n, depth, rollouts, *options).exact_law(problem, shortfall=True)
    naive = lookahead(tree, unpruned(tree), n, depth, rollouts, *options)
    assert agree(exact, naive, tree) < 1e-11


@pytest.mark.slow
@pytest.mark.parametrize("mutant", LOOKAHEAD_MUTANTS)
def test_a_wrong_lookahead_is_caught(mutant):
    problem = reference(3)
    tree, hat = Tree(problem), unpruned(Tree(problem))
    exact = Lookahead(2, 1, 1).exact_law(problem, shortfall=True)
    assert agree(exact, lookahead(tree, hat, 2, 1, 1), tree) < 1e-11
    assert agree(exact, lookahead(tree, hat, 2, 1, 1, mutant=mutant), tree) > 1e-3


@settings(max_examples=40)
@given(
    problem=problems(max_leaves=9, max_horizon=3),
    depth=st.integers(0, 2),
    rollouts=st.integers(0, 2),
)
def test_w_is_unbiased_unless_all_rollouts_may_be_zero(problem, depth, rollouts):
    sampler = Lookahead(2, depth, rollouts)
    try:
        exact = sampler.exact_law(problem, limit=1e6)
    except TooLargeError:
        assume(False)
    core = sampler._transform(problem)
    assert exact.mean_w_over_z == pytest.approx(1 - core.forward_backward.lost_mass, abs=1e-11)
    assert (exact.weighted <= exact.target + 1e-11).all()
    if core.forward_backward.lost_mass == 0:
        assert exact.weighted == pytest.approx(exact.target, abs=1e-11)


def test_sparse_rewards_lose_paths_to_few_rollouts_and_none_to_the_exact_mean():
    tree = TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(3)])
    problem = Problem(tree, [1.0, 0, 0, 0, 1.0, 0, 0, 0], "exact")
    kept = [Lookahead(2, 2, m).exact_law(problem).mean_w_over_z for m in (1, 2, 4, 0)]
    assert 0 < kept[0] < kept[1] < kept[2] < kept[3] == pytest.approx(1)


@settings(max_examples=60)
@given(problem=problems(max_leaves=16), depth=st.integers(0, 3), rollouts=st.integers(1, 3))
def test_the_extended_problem_has_the_target_and_the_mean_of_g(problem, depth, rollouts):
    big = extended(problem, depth, rollouts)
    assert big.log_z == pytest.approx(problem.log_z, abs=1e-12)
    assert big.target[-1] == pytest.approx(problem.target[-1], abs=1e-12)
    mean = looked_ahead(problem, depth)
    reach = np.exp(big.forward_backward.log_forward)  # E_ref[edge rewards 1{extended state}]
    levels = zip(big.model.split(reach), big.prm, strict=True)
    split = problem.model.split(np.exp(problem.forward_backward.log_forward))
    for h, (p, g) in enumerate(levels):
        assert p.sum() == pytest.approx(split[h].sum())
        assert p @ g == pytest.approx(split[h] @ mean.prm[h], abs=1e-12)


def test_too_many_outcomes_are_refused():
    with pytest.raises(TooLargeError, match=r"\Aexact law: "):
        Lookahead(2, 6, 40).exact_law(delayed(horizon=8))


# ---- limits and a late PRM


@settings(max_examples=40)
@given(problem=problems(max_leaves=9, max_horizon=3), m=st.integers(0, 3))
def test_without_depth_it_is_smc(problem, m):
    a, b = Lookahead(2, 0, m), SMC(2)
    assert a.exact_law(problem).law == pytest.approx(b.exact_law(problem).law, **close)
    runs, same = a.run(problem, 20, rng=1, keep=KEEP), b.run(problem, 20, rng=1, keep=KEEP)
    assert differs(runs, same) == []


@pytest.mark.parametrize("n", [1, 2, 4])
def test_one_step_ahead_a_late_prm_is_perfect(n):
    late = delayed(horizon=3)
    perfect = late.with_prm("exact")
    ahead = Lookahead(n, 1, 0).exact_law(late)
    assert ahead.law == pytest.approx(SMC(n).exact_law(perfect).law, abs=1e-12)
    if n > 1:
        assert ahead.tv < SMC(n).exact_law(late).tv - 0.01


def test_one_rollout_already_sees_what_a_late_prm_hides():
    # below level H-1 all children of x have V^ = V*(x): any rollout is exact
    late = delayed(horizon=3)
    errors = [Lookahead(2, 1, m).exact_law(late).tv for m in (1, 2, 3, 0)]
    assert SMC(2).exact_law(late).tv > errors[0] > errors[1] > errors[2] > errors[3]


def test_one_step_too_far_is_not_the_same():
    late = delayed(horizon=4)
    one, two, far = (Lookahead(2, k, 0).exact_law(late) for k in (1, 2, 9))
    assert np.abs(two.law - one.law).max() < 1e-12  # V* already: its mean ahead is V* again
    assert np.abs(far.law - one.law).max() < 1e-12
    other = reference(4)
    one, two = (Lookahead(2, k, 0).exact_law(other) for k in (1, 2))
    assert np.abs(two.law - one.law).max() > 1e-4


# ---- options


@pytest.mark.parametrize(
    "changed",
    [
        {"n_particles": 2}, {"depth": 2}, {"rollouts": 2}, {"rollouts": 0},
        {"resampling": "systematic"}, {"ess_threshold": 0.5}, {"select": "best"},
    ],
    ids=str,
)  # fmt: skip
def test_each_option_has_an_effect(changed):
    problem, base = reference(3), {"n_particles": 3, "depth": 1, "rollouts": 1}
    if "depth" in changed or "rollouts" in changed:
        base["n_particles"] = 2
    a, b = Lookahead(**base), Lookahead(**(base | changed))
    assert np.abs(a.exact_law(problem).law - b.exact_law(problem).law).sum() > 1e-3
    assert differs(a.run(problem, 200, rng=1), b.run(problem, 200, rng=1), ["states"])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("n_particles", 0), ("depth", -1), ("depth", 1.0), ("rollouts", -1), ("rollouts", True),
        ("resampling", "none"), ("ess_threshold", 2), ("select", "worst"),
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_name(option, value):
    with pytest.raises(InputError, match=rf"\A{option}: [^\n]*\Z"):
        Lookahead(**({"n_particles": 2} | {option: value}))


def test_it_is_properly_weighted_unless_the_best_is_taken():
    assert Lookahead(2).properly_weighted
    assert not Lookahead(2, select="best").properly_weighted


# ---- runs


@pytest.mark.slow
@pytest.mark.parametrize("resampling", SCHEMES)
@pytest.mark.parametrize("threshold", [0.0, 0.6, 1.0])
@settings(max_examples=6)
@given(
    problem=problems(max_leaves=27),
    n=st.integers(1, 6),
    depth=st.integers(0, 4),
    rollouts=st.integers(1, 4),
    select=st.sampled_from(["sample", "best"]),
    seed=st.integers(0, 2**32),
)
def test_kernel_equals_twin(resampling, threshold, problem, n, depth, rollouts, select, seed):
    sampler = Lookahead(n, depth, rollouts, resampling, threshold, select)
    runs = sampler.run(problem, 3, rng=seed, keep=KEEP)
    assert differs(runs, twin(problem, sampler, 3, seed)) == []
    for keep in ((), ("tokens",), ("clouds",)):
        names = ("states", "log_w", "failed", "prm_evaluations", "model_calls")
        assert differs(runs, sampler.run(problem, 3, rng=seed, keep=keep), names) == []


def test_kernel_equals_twin_over_many_levels_and_extreme_values():
    steps = np.random.default_rng(1).choice([-600.0, -290.0, 0.5, 290.0, 600.0], size=60)
    log_prm = np.concatenate([[0.0], np.cumsum(steps)])
    model = TabularModel([np.array([[0.5, 0.5]])] * 60, [np.array([[0, 0]])] * 60)
    problem = Problem.from_log(model, log_prm[-1:], log_prm)
    for sampler in (Lookahead(5, 2, 2), Lookahead(5, 2, 2, "systematic", 0.0)):
        runs = sampler.run(problem, 3, rng=2, keep=KEEP)
        assert differs(runs, twin(problem, sampler, 3, 2)) == []
        assert runs.log_w == pytest.approx(log_prm[-1])


def values_at_the_start(problem, tables, h, state, steps, rng):
    log_edges, _ = smc_plain._descend(problem, tables, h, state, steps, rng)
    return log_edges + float(problem.log_prm[h][state])


# name: (function of the twin, the wrong one made of the right one)
WRONG = {
    "G of the parent's place": (
        "_inherit",
        lambda right: lambda p, ancestors: right(p, ancestors)._replace(log_g=p.log_g),
    ),
    "one step too many": (
        "_steps_ahead", lambda right: lambda depth, h, horizon: right(depth + 1, h, horizon)
    ),
    "V^ of the level itself": ("_rollout", lambda right: values_at_the_start),
    "sum for mean": ("_log_mean_exp", lambda right: lambda x: right(x) + math.log(len(x))),
    "largest for mean": ("_log_mean_exp", lambda right: lambda x: max(x) - math.log(len(x))),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    function, wrong = WRONG[name]
    problem, sampler = reference(4), Lookahead(4, 1, 3)
    kernel = sampler.run(problem, 40, rng=1, keep=KEEP)
    assert differs(kernel, twin(problem, sampler, 40, 1)) == []
    monkeypatch.setattr(smc_plain, function, wrong(getattr(smc_plain, function)))
    assert differs(kernel, twin(problem, sampler, 40, 1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "sampler",
    [Lookahead(2), Lookahead(2, 1, 2), Lookahead(3, 2, 0), Lookahead(2, 1, 1, "systematic", 0.98),
     Lookahead(2, 2, 1, select="best")],
    ids=str,
)  # fmt: skip
def test_output_has_the_exact_law(sampler):
    # false failure 1e-9 a case; a law at twice the radius is missed with that probability
    problem = reference(3)
    exact = sampler.exact_law(problem)
    runs = sampler.run(problem, N_RUNS, rng=5, keep=("tokens",))
    gap = np.abs(frequencies(exact, runs) - np.append(exact.law, exact.failure)).sum()
    radius = l1_radius(exact.law.size + 1, N_RUNS)
    assert gap < radius
    # power: plain SMC with the same options is further off than twice the radius
    assert np.abs(exact.law - sampler.filter.exact_law(problem).law).sum() > 2 * radius


def test_costs_count_rollouts_and_their_steps():
    runs = Lookahead(3, 2, 5).run(reference(4), 2, rng=1)  # steps ahead: 2, 2, 1, 0
    assert (runs.prm_evaluations == 3 * (5 + 5 + 5 + 1)).all()
    assert (runs.model_calls == 3 * (4 + 5 * (2 + 2 + 1))).all()
    runs = Lookahead(3, 2, 0).run(reference(4), 2, rng=1)
    assert (runs.prm_evaluations == 3 * (4 + 4 + 2 + 1)).all()
    assert (runs.model_calls == 3 * (4 + 3 + 3 + 1)).all()
    runs = Lookahead(3, 0, 5).run(reference(4), 2, rng=1)
    assert (runs.prm_evaluations == 12).all()
    assert (runs.model_calls == 12).all()


def test_a_run_that_fails_costs_what_it_did():
    dead = Problem(
        TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(3)]), [1.0] * 8,
        [[1.0], [1.0] * 2, [0.0] * 4, [1.0] * 8],
    )  # fmt: skip
    runs = Lookahead(2, 1, 3).run(dead, 4, rng=1)
    assert runs.failed.all()
    assert (runs.prm_evaluations == 6).all()
    assert (runs.model_calls == 2 + 6).all()
    assert not Lookahead(2, 2, 3).run(dead, 4, rng=1).failed.any()


def test_a_cost_beyond_counting_is_refused():
    with pytest.raises(InputError, match=r"\Adepth: "):
        Lookahead(2, 100, 0).run(product(200), 1, rng=1)


@pytest.mark.parametrize("rollouts", [0, 2])
def test_the_same_seed_gives_the_same_draws_for_any_threads_and_calls(rollouts):
    sampler, problem = Lookahead(5, 2, rollouts), reference(5)
    one, two = (sampler.run(problem, 3000, rng=9, keep=("tokens",), n_threads=k) for k in (1, 2))
    names = ("states", "log_w", "tokens")
    assert differs(one, two, names) == []
    later = sampler.run(problem, 100, rng=9, first_block=1)
    assert np.array_equal(one.states[1024:1124], later.states)
    assert differs(one, sampler.run(problem, 3000, rng=10), ["states"])
