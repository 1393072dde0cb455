"""The exact law of SMC against the enumeration of all ordered particle systems (T0, T1)."""

import itertools
import math
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from simulator.errors import InputError, TooLargeError
from simulator.exact import cloud
from simulator.exact.cloud import cloud_chain, cloud_transitions
from simulator.exact.cloud_steps import Work
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.brute import SCHEMES, smc
from tests.support.prefixes import Tree

THRESHOLDS = (0, 0.4, 0.75, 1)

samplers = st.builds(
    SMC,
    st.integers(1, 4),
    resampling=st.sampled_from(SCHEMES),
    ess_threshold=st.sampled_from(THRESHOLDS),
    select=st.sampled_from(["sample", "best"]),
)


def fitting(problem, sampler, limit=1e5):
    """The sampler with as many particles as can be enumerated quickly."""
    tree = unfold(problem).problem
    n = sampler.n_particles
    while n > 1 and cloud_transitions(tree, sampler) > limit:
        n -= 1
        sampler = SMC(n, sampler.resampling, sampler.ess_threshold, sampler.select)
    return sampler


def agree(problem, sampler):
    """Compare everything that `ExactLaw` says with the enumeration of systems."""
    tree = Tree(problem)
    naive = smc(
        tree, sampler.n_particles, sampler.resampling, sampler.ess_threshold, sampler.select
    )
    exact = sampler.exact_law(problem, shortfall=True)
    z = float(tree.z)
    seen = {tuple(t): i for i, t in enumerate(exact.tokens.tolist())}
    at = [seen[y] for y in tree.paths]
    close = {"rel": 0, "abs": 1e-12}
    assert exact.law[at] == pytest.approx([naive.law[y] for y in tree.paths], **close)
    assert exact.law.sum() == pytest.approx(exact.law[at].sum(), **close)
    assert exact.failure == pytest.approx(naive.failure, **close)
    assert exact.tv == pytest.approx(naive.tv(tree), **close)
    assert exact.mean_w_over_z == pytest.approx(naive.mean / z, **close)
    assert exact.weighted[at] == pytest.approx([naive.first[y] / z for y in tree.paths], **close)
    assert exact.target[at] == pytest.approx([float(tree.target(y)) for y in tree.paths], **close)
    assert exact.shortfall == pytest.approx(naive.shortfall, **close)
    if naive.mean > 0:
        second = naive.mean_square / naive.mean**2
        assert exact.relative_variance + 1 == pytest.approx(second, rel=1e-12)
    else:
        assert exact.relative_variance == np.inf


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("threshold", THRESHOLDS)
@pytest.mark.parametrize("select", ["sample", "best"])
@pytest.mark.parametrize("n", [2, 3])
def test_the_law_is_that_of_all_particle_systems_on_the_reference_tree(
    scheme, threshold, select, n
):
    agree(reference(3), SMC(n, scheme, threshold, select))


@pytest.mark.slow
@given(
    problems(max_leaves=9),
    samplers.filter(lambda s: s.n_particles <= 3),
)
@settings(max_examples=120)
def test_the_law_is_that_of_all_particle_systems_on_random_problems(problem, sampler):
    agree(problem, sampler)


@pytest.mark.slow
def test_edge_rewards_of_zero_kill_a_path():
    model = TabularModel([[[0.5, 0.5]]] * 3, [[[0, 0]]] * 3)
    problem = Problem(
        model, [1.0], [[1.0]] * 4, edge_reward=[[[1.0, 2.0]], [[0.0, 1.0]], [[3.0, 1.0]]]
    )
    for scheme, threshold in itertools.product(SCHEMES, THRESHOLDS):
        agree(problem, SMC(3, scheme, threshold))


@pytest.mark.slow
@given(problems(), samplers)
@settings(max_examples=100)
def test_w_is_unbiased_for_every_scheme_and_threshold(problem, sampler):
    sampler = fitting(problem, sampler)
    exact = sampler.exact_law(problem)
    tree = Tree(problem)
    assert exact.law.min() >= 0
    assert exact.law.sum() + exact.failure == pytest.approx(1, abs=1e-10)
    assert exact.mean_w_over_z == pytest.approx(float(tree.z_alive / tree.z), abs=1e-10)
    if sampler.select == "sample":  # lemma C.2
        want = {y: float(tree.p[y] * tree.hat[y] / tree.z) for y in tree.paths}
        got = [want.get(tuple(t), 0.0) for t in exact.tokens.tolist()]
        assert exact.weighted == pytest.approx(got, abs=1e-10)


@given(problems(max_leaves=16), samplers)
@settings(max_examples=60)
def test_the_law_on_states_sums_the_law_on_paths(problem, sampler):
    sampler = fitting(problem, sampler)
    paths = sampler.exact_law(problem, shortfall=True)
    states = sampler.exact_law(problem, on="states", shortfall=True)
    terminal = Tree(problem).state
    end = [terminal.get(tuple(t), 0) for t in paths.tokens.tolist()]  # unreached: mass 0
    for name in ("law", "weighted", "target"):
        summed = np.bincount(end, getattr(paths, name), len(states.law))
        assert getattr(states, name) == pytest.approx(summed, abs=1e-11)
    for name in ("failure", "mean_w_over_z", "relative_variance", "shortfall"):
        assert getattr(states, name) == pytest.approx(getattr(paths, name), rel=1e-9, abs=1e-11)
    assert states.tokens is None
    assert states.tv <= paths.tv + 1e-12


@given(problems(max_leaves=16), samplers)
@settings(max_examples=60)
def test_every_level_of_the_chain_estimates_its_intermediate_target(problem, sampler):
    # E[(W^_h / Z^_h) nu^_h(s)] = pi^_h(s): arXiv 2603.07887, C.2
    sampler = fitting(problem, sampler)
    tree = Tree(problem)
    reachable = sum(z > 0 for z in tree.z_hat)
    for level in itertools.islice(cloud_chain(problem, sampler), reachable):
        want = np.zeros(int(problem.model.n_states[level.level]))
        for x in tree.levels[level.level]:
            want[tree.state[x]] += tree.p[x] * tree.hat[x] / tree.z_hat[level.level]
        share = level.first[:, None] * level.weights
        share /= level.weights.sum(axis=1, keepdims=True)
        live = level.states >= 0
        assert not level.weights[~live].any()
        got = np.bincount(level.states[live], share[live], len(want))
        assert got == pytest.approx(want, abs=1e-10)
        assert level.probability.sum() + level.failure == pytest.approx(1, abs=1e-10)


# tab:reference of paper/sections/experiments.tex: H, N, log Z, tv, relative variance of SMC
REFERENCE = [
    (3, 2, 0.587786664902, 0.167576191303, 0.260515676192),
    (3, 3, 0.587786664902, 0.133395806144, 0.212465283739),
    (4, 2, 0.490622916448, 0.162223977367, 0.406448357492),
    (4, 4, 0.490622916448, 0.110959947614, 0.271274912392),
]


@pytest.mark.parametrize(("horizon", "n", "log_z", "tv", "variance"), REFERENCE)
def test_the_tabulated_values_come_out(horizon, n, log_z, tv, variance):
    problem = reference(horizon)
    exact = SMC(n).exact_law(problem)
    assert problem.log_z == pytest.approx(log_z, abs=1e-12)
    assert exact.tv == pytest.approx(tv, abs=1e-12)
    assert exact.relative_variance == pytest.approx(variance, abs=1e-11)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_scale_of_the_prm_changes_nothing(scheme):
    problem = reference(3)
    tiny = [v * (1e-300 if 0 < h < 3 else 1) for h, v in enumerate(problem.prm)]
    sampler = SMC(2, scheme, 0.75)
    a, b = sampler.exact_law(problem), sampler.exact_law(problem.with_prm(tiny))
    # A factor of a whole level multiplies all weights alike.
    assert b.law == pytest.approx(a.law, abs=1e-12)
    assert b.relative_variance == pytest.approx(a.relative_variance, abs=1e-11)


class Counted(Work):
    """Remembers all that count, of which one goes through the whole law."""

    made: ClassVar = []

    def __init__(self, limit):
        super().__init__(limit)
        Counted.made.append(self)

    @classmethod
    def most(cls):
        """Return the largest number, and forget all."""
        done = max(work.done for work in cls.made)
        cls.made.clear()
        return done


@pytest.mark.slow
@given(problems(max_leaves=16), samplers)
@settings(max_examples=80)
def test_the_announced_number_of_transitions_is_never_passed(problem, sampler):
    sampler = fitting(problem, sampler)
    tree = unfold(problem).problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cloud, "Work", Counted)
        patch.setattr(cloud, "count_transitions", lambda *_: math.inf)  # clouds on states too
        sampler.exact_law(tree)
        assert 0 < Counted.most() <= cloud_transitions(tree, sampler)
        if sampler.select == "sample" and cloud_transitions(problem, sampler) < 1e6:
            sampler.exact_law(problem, "states")
            assert 0 < Counted.most() <= cloud_transitions(problem, sampler)


@pytest.mark.parametrize(("horizon", "n"), [(2, 3), (3, 3), (4, 4)])
def test_it_is_attained_on_a_full_tree(monkeypatch, horizon, n):
    monkeypatch.setattr(cloud, "Work", Counted)
    SMC(n).exact_law(reference(horizon))
    assert Counted.most() == cloud_transitions(reference(horizon), SMC(n))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("threshold", [0.5, 1])
def test_what_is_too_large_is_refused_before_work_begins(monkeypatch, scheme, threshold):
    def work(*args, **kwargs):
        raise AssertionError("the enumeration has begun")

    monkeypatch.setattr(cloud, "_chain", work)
    sampler = SMC(64, scheme, threshold)
    for problem, on in ((product(12), "paths"), (reference(8), "states")):
        with pytest.raises(TooLargeError, match=r"\A.*the limit is \S+\Z"):
            sampler.exact_law(problem, on=on)
    with pytest.raises(TooLargeError, match=r"\Aexact law: .*\Z"):
        next(cloud_chain(reference(8), sampler))


def test_more_paths_than_the_limit_are_refused():
    with pytest.raises(TooLargeError, match=r"\A.* token paths, the limit is .*\Z"):
        SMC(1).exact_law(product(64))


def test_the_limit_of_the_caller_holds():
    needed = cloud_transitions(reference(3), SMC(3))
    SMC(3).exact_law(reference(3), limit=needed)
    with pytest.raises(TooLargeError, match=r"the limit is"):
        SMC(3).exact_law(reference(3), limit=needed - 1)


def test_the_limit_also_ends_the_joint_law_which_may_need_more():
    needed = cloud_transitions(reference(4), SMC(3))
    with pytest.raises(TooLargeError, match=r"\A.*more than .* cloud transitions\Z"):
        SMC(3).exact_law(reference(4), limit=needed, shortfall=True)


def test_unknown_outcomes_are_refused_in_one_line():
    with pytest.raises(InputError, match=r"\Aon: 'words' is not known.*\Z"):
        SMC(2).exact_law(reference(3), on="words")


@pytest.mark.slow
def test_many_particles_on_few_outcomes_are_enumerated_beyond_the_range_of_factorials():
    # one level, two leaves, V^ = V*: E[X/(X + 3(n - X))] with X ~ Bin(n, 1/2), by hand
    coin = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    for n in (170, 171, 1500):
        x = np.arange(n + 1)
        want = (binom.pmf(x, n, 0.5) * x / (x + 3 * (n - x))).sum()
        # beyond 170 the logarithm of n!, about 9500 for n = 1500, is rounded at 1e-12
        assert SMC(n).exact_law(coin).law[0] == pytest.approx(want, abs=1e-10)
    with pytest.raises(TooLargeError, match=r"\A100000 particles in 2 kinds: .*\Z"):
        SMC(100_000).exact_law(coin)
