"""Resampling where the largest weight is large: kernel, twin, exact law, wrong rules."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.resampling.schemes import SCHEMES
from simulator.resampling.when import Rule
from simulator.runs.shard import read_sampler
from simulator.samplers.contract import check_sampler
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.runs import KEEP
from simulator.samplers.smc import plain as smc_plain
from simulator.samplers.smc.plain import run_plain
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute import smc as brute
from tests.support.laws import frequencies, l1_radius
from tests.support.prefixes import Tree

SUMS = ("log_w", "ess", "cloud_log_weights")


def differs(a, b):
    exact = ("states", "failed", "prm_evaluations", "tokens", "genealogy", "cloud_states")
    return [k for k in exact if not np.array_equal(getattr(a, k), getattr(b, k))] + [
        k for k in SUMS if not np.allclose(getattr(a, k), getattr(b, k), rtol=1e-11, atol=1e-11)
    ]


def by_largest(n, t=1.0, resampling="multinomial", **options):
    return SMC(n, resampling, t, resample_when="max_weight", **options)


@pytest.mark.parametrize("resampling", SCHEMES)
@settings(max_examples=10)
@given(
    problem=problems(max_leaves=27), n=st.integers(1, 9), seed=st.integers(0, 2**32),
    t=st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.0]),
)  # fmt: skip
def test_kernel_equals_twin(resampling, problem, n, seed, t):
    sampler = by_largest(n, t, resampling)
    runs = sampler.run(problem, 4, rng=seed, keep=KEEP)
    assert differs(runs, run_plain(problem, sampler, 4, seed)) == []
    bare = sampler.run(problem, 4, rng=seed)
    assert np.array_equal(bare.states, runs.states)


WRONG = {
    "compares with t, not tN": ("_is_low", lambda right: lambda size, t, n: right(size, t, 1)),
    "resamples where weights are even": (
        "_is_low", lambda right: lambda size, t, n: size > t * n
    ),
    "the mean of the weights for the largest": (
        "_inverse_largest", lambda right: lambda w, total: float(len(w))
    ),
    "the effective sample size": (
        "_inverse_largest", lambda right: lambda w, total: total**2 / float((w * w).sum())
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_in_the_twin_shows_on_the_same_draws(name, monkeypatch):
    function, wrong = WRONG[name]
    problem, sampler = random_tree(horizon=4, seed=1), by_largest(4, 0.6)
    kernel = sampler.run(problem, 60, rng=1, keep=KEEP)
    assert differs(kernel, run_plain(problem, sampler, 60, 1)) == []
    monkeypatch.setattr(smc_plain, function, wrong(getattr(smc_plain, function)))
    assert differs(kernel, run_plain(problem, sampler, 60, 1))


# ---- the exact law


def distance(problem, outcome, exact):
    """Largest difference in E[W]/Z, its second moment, and the law."""
    z = float(Tree(problem).z)
    law = [
        abs(outcome.law[tuple(y)] - p)
        for y, p in zip(exact.tokens.tolist(), exact.law, strict=True)
    ]
    second = (exact.relative_variance + 1) * exact.mean_w_over_z**2
    return max(
        abs(outcome.mean / z - exact.mean_w_over_z), abs(outcome.mean_square / z**2 - second), *law
    )


def low(n, t, count=True):
    """N max W > 1/t, in fractions."""
    return lambda w: (n if count else 1) * max(w) * t > sum(w)


T = Fraction(4, 5)


@pytest.mark.slow
@pytest.mark.parametrize("resampling", ["multinomial", "systematic", "ssp", "killing"])
@pytest.mark.parametrize("n", [2, 3])
def test_the_exact_law_is_that_of_all_particle_systems(resampling, n):
    problem = reference(3)
    exact = by_largest(n, float(T), resampling).exact_law(problem)
    right = brute(Tree(problem), n, resampling, low=low(n, T))
    assert distance(problem, right, exact) < 1e-12
    wrong = {
        "t for 1/t": low(n, 1 / T), "no N": low(n, T, count=False),
        "inverted": lambda w: not low(n, T)(w), "every level": lambda w: True,
    }  # fmt: skip
    for name, rule in wrong.items():
        off = distance(problem, brute(Tree(problem), n, resampling, low=rule), exact)
        # two particles with t = 4/5: N max W > 5/4 or > 4/5, and the second is always
        assert off > 1e-6, name


@settings(max_examples=25)
@given(problems(max_leaves=9, max_horizon=3, lossy=False, prm="biased"), st.integers(2, 3))
def test_w_is_unbiased_and_the_draw_properly_weighted(problem, n):
    law = by_largest(n, 0.7).exact_law(problem)
    assert law.mean_w_over_z == pytest.approx(1, abs=1e-11)
    np.testing.assert_allclose(law.weighted, law.target, rtol=0, atol=1e-11)


@pytest.mark.slow
def test_draws_have_the_exact_law():
    """False failure at most 1e-9; the ESS rule and every level are farther than the radius."""
    problem, runs, sampler = random_tree(horizon=3, seed=2), 2_000_000, by_largest(4, 0.8)
    exact = sampler.exact_law(problem)
    seen = frequencies(exact, sampler.run(problem, runs, rng=1, keep=("tokens",)))
    law, radius = np.append(exact.law, exact.failure), l1_radius(exact.law.size + 1, runs, 1e-9)
    assert np.abs(seen - law).sum() < radius
    for other in (SMC(4, ess_threshold=0.3), SMC(4)):
        assert np.abs(other.exact_law(problem).law - exact.law).sum() > 2 * radius


# ---- what t = 1 and t = 0 mean


@pytest.mark.parametrize("resampling", SCHEMES)
def test_at_one_every_level_is_resampled_by_either_rule(resampling):
    problem = random_tree(horizon=4, seed=3)
    one, other = SMC(3, resampling), by_largest(3, 1.0, resampling)
    runs = [s.run(problem, 50, rng=2, keep=KEEP) for s in (one, other)]
    assert differs(*runs) == []
    small = reference(2)
    assert np.array_equal(one.exact_law(small).law, other.exact_law(small).law)
    assert one.facts(problem) == other.facts(problem)


def test_to_keep_equal_weights_is_another_law():
    """So t = 1 is not "N max W > 1": with V^ = 1 before the end all weights are equal."""
    tree = reference(2)
    flat = type(tree)(tree.model, tree.reward, [[1.0], [1.0, 1.0], tree.reward])
    every = by_largest(2).exact_law(flat)
    kept = brute(Tree(flat), 2, low=low(2, 1))
    assert distance(flat, brute(Tree(flat), 2), every) < 1e-12
    assert distance(flat, kept, every) > 1e-3
    # a t next to 1 keeps them
    assert distance(flat, kept, by_largest(2, 0.999).exact_law(flat)) < 1e-12


def test_at_zero_nothing_is_resampled():
    problem = reference(3)
    a, b = by_largest(3, 0.0).exact_law(problem), SMC(3, ess_threshold=0).exact_law(problem)
    assert np.array_equal(a.law, b.law)


def test_it_keeps_the_contract():
    check_sampler(by_largest(3, 0.7))


# ---- facts and options


def test_what_an_adaptive_filter_declares():
    problem = reference(3)
    fact = by_largest(4, 0.5).facts(problem)
    assert (fact.family, fact.adaptive) == ("other", Rule("max_weight", 0.5))
    assert SMC(4, ess_threshold=0.5).facts(problem).adaptive.name == "ess"
    none = (
        SMC(4), SMC(4, ess_threshold=0), SMC(4, "ssp", 0.5),
        SMC(4, ess_threshold=0.5, block=2), SMC(4, ess_threshold=0.5, proposal="optimal"),
        SMCRestart(4, ess_threshold=0.5), Lookahead(4, ess_threshold=0.5),
    )  # fmt: skip
    assert all(s.facts(problem).adaptive is None for s in none)
    assert Lookahead(4, 0, ess_threshold=0.5).facts(problem).adaptive is not None
    one = SMC(1, ess_threshold=0.5).facts(problem)  # true of one particle too
    assert (one.family, one.adaptive) == ("smc", Rule("ess", 0.5))


def test_a_sweep_reads_it_as_text():
    spec = "smc:ess_threshold=0.5,resample_when=max_weight"
    assert read_sampler(spec, 4) == by_largest(4, 0.5)


@pytest.mark.parametrize("kind", [SMC, SMCRestart, Lookahead])
def test_filters_made_of_smc_hand_the_rule_on(kind):
    problem = random_tree(horizon=3, seed=2)
    laws = [
        kind(3, ess_threshold=0.6, resample_when=when).exact_law(problem).relative_variance
        for when in ("ess", "max_weight")
    ]
    assert abs(laws[0] - laws[1]) > 1e-4
    with pytest.raises(InputError, match=r"\Aresample_when: [^\n]*\Z"):
        kind(3, resample_when="weights")
