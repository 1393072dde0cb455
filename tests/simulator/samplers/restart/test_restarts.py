"""Samplers that start again: equal to their twin, law given acceptance, cap, counts."""

import itertools
import math
from collections import Counter, defaultdict
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import binom, nbinom

from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.restart.plain import run_restarts_plain
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.runs import KEEP, concatenate
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support import brute
from tests.support.prefixes import Tree
from theory.criteria import criteria

KEEPS = SMCRejection.keeps


FALSE_FAILURE = 1e-9
BOTH = (SMCRestart, DiffusionMonteCarlo)
both = pytest.mark.parametrize("kind", BOTH)


def assert_same(a, b, names=None):
    for name in names or [f.name for f in fields(a)]:
        x, y = getattr(a, name), getattr(b, name)
        if name in ("ess", "cloud_log_weights") and x is not None:
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11, err_msg=name)
        else:
            np.testing.assert_array_equal(x, y, err_msg=name)


def infinite():
    """V* = 0 at a node with V^ > 0."""
    tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    return Problem(tree, [1.0, 3.0, 0.0, 0.0], [[1.0], [2.0, 1.0], [1.0, 3.0, 0.0, 0.0]])


def hopeless():
    """V^ = 0 on the only path of positive reward."""
    tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    return Problem(tree, [0.0, 1.0, 0.0, 0.0], [[1.0], [0.0, 1.0], [0.0, 1.0, 0.0, 0.0]])


# ---- equal to the twin

VARIANTS = [
    SMCRestart(3),
    SMCRestart(4, "systematic", 0.5),
    SMCRestart(3, "ssp", block=2, accuracy=5.0),
    SMCRestart(2, proposal="optimal"),
    SMCRestart(1, accuracy=20.0, max_restarts=3),
]


@pytest.mark.parametrize("sampler", VARIANTS, ids=str)
def test_smc_with_restart_equals_its_twin(sampler):
    problem = reference(4)
    runs = sampler.run(problem, 12, rng=3, keep=KEEP)
    twin = run_restarts_plain(
        problem, sampler.smc, sampler.log_bound(problem), sampler.max_restarts, 12, 3
    )
    assert_same(runs, twin)
    assert runs.restarts.max() > 0
    assert runs.failed.any() == (sampler.max_restarts == 3)


def test_dmc_equals_its_twin():
    problem, sampler = reference(4), DiffusionMonteCarlo(3)
    runs = sampler.run(problem, 12, rng=3, keep=KEEPS)
    twin = run_restarts_plain(
        fully_adapted(problem), SMC(3), sampler.log_bound(problem), 100_000, 12, 3
    )  # fmt: skip
    assert_same(runs, twin, ["states", "failed", "tokens", "genealogy", "restarts"])
    assert (runs.model_calls == 12 * (1 + runs.restarts)).all()
    assert (runs.prm_evaluations == 24 * (1 + runs.restarts)).all()


@both
def test_threads_and_blocks_do_not_change_the_runs(kind):
    one, two = (kind(4).run(reference(4), 1500, rng=5, keep=KEEPS, n_threads=k) for k in (1, 2))
    assert_same(one, two)
    late = kind(4).run(reference(4), 476, rng=5, keep=KEEPS, first_block=1)
    for f in fields(late):
        if getattr(late, f.name) is not None:
            np.testing.assert_array_equal(getattr(late, f.name), getattr(one, f.name)[1024:])


def test_dmc_without_restart_is_smc_rs_by_enumeration_run_by_run():
    ours, other = DiffusionMonteCarlo(4, restart=False), SMCRejection(4, "enumerate")
    assert_same(*(s.run(reference(4), 100, rng=1, keep=KEEPS) for s in (ours, other)))
    assert ours.exact_law(reference(4)).law.tolist() == other.exact_law(reference(4)).law.tolist()
    assert ours.properly_weighted
    assert not DiffusionMonteCarlo(4).properly_weighted


# ---- the law, without randomness


class Joint(brute.Outcome):
    """Also keeps the joint law of the output and W^_H."""

    def add(self, p, w, z, shares):
        super().add(p, w, z, shares)
        self.joint = getattr(self, "joint", defaultdict(float))
        for y, share in shares:
            self.joint[y, w] += p * float(share)


def joint_law(monkeypatch, problem, n, algorithm, **options):
    """{(path, W^_H): probability} by following ordered particle systems."""
    monkeypatch.setattr(brute, "Outcome", Joint)
    return getattr(getattr(brute, algorithm)(Tree(problem), n, **options), "joint", {})


def conditional(joint, accept):
    """Law given acceptance, and its probability, if W^ is accepted with chance accept(W)."""
    law = Counter()
    for (y, w), p in joint.items():
        law[y] += p * accept(w)
    total = sum(law.values())
    return {y: p / total for y, p in law.items()} if total > 0 else {}, total


def accuracy(problem):
    return criteria(problem).prm_accuracy


def gap(exact, law, acceptance):
    each = [
        abs(p - law.get(tuple(y), 0.0))
        for y, p in zip(exact.tokens.tolist(), exact.law, strict=True)
    ]
    return max(abs(exact.acceptance - acceptance), *each)


@pytest.mark.slow
@settings(max_examples=50)
@given(problem=problems(max_leaves=9, max_horizon=3), n=st.integers(1, 3))
def test_the_law_is_that_of_the_accepted_run(problem, n):
    c, root = accuracy(problem), problem.prm[0][0]
    assume(math.isfinite(c))
    with pytest.MonkeyPatch.context() as patch:
        for sampler, algorithm, bound in (
            (SMCRestart(n), "smc", 2 * c * root),
            (SMCRestart(n, accuracy=1.0), "smc", 2 * root),
            (DiffusionMonteCarlo(n), "rejection", c * root),
            (DiffusionMonteCarlo(n, z_bound=0.3), "rejection", 0.3),
        ):
            joint = joint_law(patch, problem, n, algorithm)
            law, a = conditional(joint, lambda w, b=bound: min(float(w) / b, 1.0))
            assert gap(sampler.exact_law(problem), law, a) < 1e-11


@pytest.mark.parametrize("resampling", ["systematic", "residual", "single"])
def test_every_scheme_can_be_started_again(monkeypatch, resampling):
    problem, sampler = reference(3), SMCRestart(3, resampling, 0.8)
    joint = joint_law(monkeypatch, problem, 3, "smc", scheme=resampling, threshold=0.8)
    bound = 2 * accuracy(problem) * problem.prm[0][0]
    law, a = conditional(joint, lambda w: min(float(w) / bound, 1.0))
    assert gap(sampler.exact_law(problem), law, a) < 1e-12


def test_restarts_make_both_algorithms_better():
    problem = reference(4)
    for restarted, once in ((SMCRestart(4), SMC(4)), (DiffusionMonteCarlo(4), SMCRejection(4))):
        better, worse = (s.exact_law(problem) for s in (restarted, once))
        assert better.tv < worse.tv / 10
        assert better.relative_variance == pytest.approx(worse.relative_variance)  # of any run


@pytest.mark.slow
@both
@given(problem=problems(max_leaves=16, prm="perfect"), n=st.integers(1, 3))
def test_weights_below_the_bound_make_the_law_the_target(kind, problem, n):
    # with accuracy or Z~ above all weights nothing is cut off: acceptance W/bound is exact
    big = {"accuracy": 1e4} if kind is SMCRestart else {"z_bound": 1e4 * problem.prm[0][0]}
    assert kind(n, **big, max_restarts=10**9).exact_law(problem).tv < 1e-11


def test_dmc_with_a_perfect_prm_accepts_every_run():
    exact = DiffusionMonteCarlo(1).exact_law(reference(4).with_prm("exact"))
    assert exact.tv < 1e-12
    assert exact.acceptance == pytest.approx(1, abs=1e-12)


# ---- mutants, without randomness


@pytest.mark.parametrize("algorithm", ["smc", "rejection"])
@pytest.mark.parametrize(
    "mutant", ["", "no cap", "no root", "other bound", "all or nothing", "not conditioned"]
)
def test_a_wrong_acceptance_is_caught(monkeypatch, algorithm, mutant):
    problem = reference(3)
    root = 0.5 * problem.prm[0][0]  # so that V^(root) is not Z, and some weights pass the bound
    problem = problem.with_prm([[root], *problem.prm[1:]])
    if algorithm == "smc":
        sampler, bound = SMCRestart(2, accuracy=1.0), 2 * root
    else:
        sampler, bound = DiffusionMonteCarlo(2, z_bound=1.7 * root), 1.7 * root
    joint = joint_law(monkeypatch, problem, 2, algorithm)
    accept = {
        "no cap": lambda w: w / bound,
        "no root": lambda w: min(w / root / bound, 1.0),
        "other bound": lambda w: min(w / (2 * bound), 1.0),
        "all or nothing": lambda w: float(w >= bound),
    }.get(mutant, lambda w: min(w / bound, 1.0))
    law, a = conditional(joint, lambda w: accept(float(w)))
    if mutant == "not conditioned":
        law, _ = conditional(joint, lambda w: 1.0)
    found = gap(sampler.exact_law(problem), law, a)
    assert found > 1e-3 if mutant else found < 1e-12


def rejection_joint(problem, n, mutant=""):
    """Joint law of (path, W^_H) of SMC-RS or a wrong one, by the loop's own probabilities."""
    tree, eta = Tree(problem), 8
    hat, out = tree.hat, Counter()
    clouds = {(((),) * n, 1.0 if mutant == "no root" else float(hat[()])): 1.0}
    for h in range(1, tree.horizon + 1):
        after = Counter()
        for (cloud, w), p in clouds.items():
            chance, mean = Counter(), 0.0
            for x in cloud:
                for q, c in tree.kernel[x]:
                    ratio = hat[c] / hat[x]
                    if mutant == "no ratio":
                        ratio = hat[c]
                    if mutant == "one level late":
                        ratio = hat[x] / hat[x[:-1]] if x else 1
                    if mutant == "eta at the child":  # V^(child)/V^(parent) against eta V^(child)
                        ratio = 1 / (eta * hat[x])
                    chance[c] += float(q * min(ratio / eta, 1)) / n
                    mean += float(q * hat[c] / hat[x]) / n
            accepted = sum(chance.values())
            if mutant == "weight of acceptance":
                mean = accepted
            for children in itertools.product(chance, repeat=1 if h == tree.horizon else n):
                share = p * math.prod(chance[c] / accepted for c in children)
                if h < tree.horizon:
                    after[children, w * mean] += share
                else:
                    out[children[0], w * mean] += share
        clouds = after
    return out


@pytest.mark.parametrize(
    "mutant",
    ["", "no ratio", "one level late", "eta at the child", "no root", "weight of acceptance"],
)
def test_a_wrong_rejection_is_caught(mutant):
    problem = reference(3)
    problem = problem.with_prm([3.0 * problem.prm[0], *problem.prm[1:]])
    joint, exact = rejection_joint(problem, 2, mutant), SMCRejection(2).exact_law(problem)
    law, mean = Counter(), 0.0
    for (y, w), p in joint.items():
        law[y] += p
        mean += p * w / math.exp(problem.log_z)
    gaps = [abs(law[tuple(y)] - p) for y, p in zip(exact.tokens.tolist(), exact.law, strict=True)]
    found = max(abs(mean - exact.mean_w_over_z), *gaps)
    assert found < 1e-12 if not mutant else found > 0.01


# ---- the cap on restarts


@both
def test_the_cap_on_restarts_is_part_of_the_law(kind):
    # every number below is exact; the count of failed runs is binomial, false failure 1e-9
    problem, n_runs = reference(4), 20_000
    free, capped = kind(2).exact_law(problem), kind(2, max_restarts=2).exact_law(problem)
    failure = (1 - free.acceptance) ** 3
    assert free.failure < 1e-300
    assert capped.failure == pytest.approx(failure, rel=1e-12)
    np.testing.assert_allclose(capped.law, free.law * (1 - failure), rtol=1e-12)
    assert capped.tv == pytest.approx(np.maximum(free.target - capped.law, 0).sum(), rel=1e-12)
    runs = kind(2, max_restarts=2).run(problem, n_runs, rng=7, keep=KEEPS)
    low, high = binom.ppf([FALSE_FAILURE / 2, 1 - FALSE_FAILURE / 2], n_runs, failure)
    assert low <= runs.failed.sum() <= high
    assert (runs.restarts[runs.failed] == 2).all()
    assert (runs.restarts <= 2).all()
    assert (runs.tokens[runs.failed] == -1).all()
    assert (runs.cloud_states[runs.failed] == -1).all()
    assert np.isneginf(runs.cloud_log_weights[runs.failed]).all()
    assert (runs.tokens[~runs.failed] >= 0).all()


@both
def test_a_run_that_cannot_be_accepted_is_tried_once(kind):
    option = {"accuracy": 2.0} if kind is SMCRestart else {"z_bound": 1.0}
    runs = kind(3, **option).run(hopeless(), 5, rng=1)
    assert runs.failed.all()
    assert (runs.restarts == 0).all()
    exact = kind(3, **option).exact_law(hopeless())
    assert (exact.acceptance, exact.failure, exact.tv) == (0, 1, 1)


# ---- the draws


@both
def test_restarts_are_negative_binomial_and_draws_have_the_law(kind):
    # false failure 1e-9 each; power: the laws of single runs are twice the radius away
    problem, n_runs = reference(3), 100_000
    sampler = kind(2)
    exact = sampler.exact_law(problem)
    runs = sampler.run(problem, n_runs, rng=11)
    interval = [FALSE_FAILURE / 2, 1 - FALSE_FAILURE / 2]
    low, high = nbinom.ppf(interval, n_runs, exact.acceptance)
    assert low <= runs.restarts.sum() <= high
    radius = math.sqrt(2 * (9 * math.log(2) - math.log(FALSE_FAILURE)) / n_runs)
    found = np.bincount(runs.states, minlength=8) / n_runs
    assert np.abs(found - exact.law).sum() < radius
    once = (SMC if kind is SMCRestart else SMCRejection)(2).exact_law(problem).law
    assert np.abs(once - exact.law).sum() > 2 * radius
    assert runs.log_w is None
    assert not runs.failed.any()


@both
def test_costs_add_up_over_restarts(kind):
    runs = kind(3).run(reference(4), 500, rng=1)
    each = 12 if kind is SMCRestart else 24
    assert (runs.prm_evaluations == each * (1 + runs.restarts)).all()
    assert (runs.model_calls == 12 * (1 + runs.restarts)).all()
    assert len(concatenate([runs, runs])) == 1000


# ---- options


@both
def test_an_infinite_accuracy_is_refused_with_the_reason_but_a_number_will_do(kind):
    name = "accuracy" if kind is SMCRestart else "z_bound"
    for call in (lambda s: s.run(infinite(), 1, rng=1), lambda s: s.exact_law(infinite())):
        with pytest.raises(InputError, match=rf"\A{name}: [^\n]*C_inf is infinite[^\n]*\Z"):
            call(kind(2))
        call(kind(2, **{name: 2.0}))


@pytest.mark.parametrize(
    ("kind", "option", "value"),
    [
        (SMCRestart, "n_particles", 0), (SMCRestart, "resampling", "magic"),
        (SMCRestart, "accuracy", 0.5), (SMCRestart, "accuracy", "high"),
        (SMCRestart, "accuracy", math.inf), (SMCRestart, "max_restarts", -1),
        (DiffusionMonteCarlo, "n_particles", 0), (DiffusionMonteCarlo, "z_bound", 0.0),
        (DiffusionMonteCarlo, "z_bound", math.nan), (DiffusionMonteCarlo, "restart", 1),
        (DiffusionMonteCarlo, "max_restarts", 1.5),
    ],
)  # fmt: skip
def test_options_out_of_range_are_refused_by_name(kind, option, value):
    with pytest.raises(InputError, match=rf"\A{option}: [^\n]*\Z"):
        kind(**{"n_particles": 2} | {option: value})


def test_a_bound_without_restart_is_refused():
    with pytest.raises(InputError, match=r"\Az_bound: only restart=True"):
        DiffusionMonteCarlo(2, restart=False, z_bound=2.0)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (SMCRestart(3), SMCRestart(3, accuracy=1.0)),
        (SMCRestart(3), SMCRestart(3, "systematic")),
        (SMCRestart(3), SMCRestart(3, ess_threshold=0.3)),
        (SMCRestart(3), SMCRestart(3, block=2)),
        (SMCRestart(3), SMCRestart(3, proposal="uniform")),
        (SMCRestart(3), SMCRestart(3, max_restarts=0)),
        (DiffusionMonteCarlo(3), DiffusionMonteCarlo(3, z_bound=1.0)),
        (DiffusionMonteCarlo(3), DiffusionMonteCarlo(3, restart=False)),
        (DiffusionMonteCarlo(3), DiffusionMonteCarlo(3, max_restarts=0)),
    ],
    ids=str,
)
def test_every_option_has_an_effect(a, b):
    laws = [s.exact_law(reference(4)) for s in (a, b)]
    assert np.abs(laws[0].law - laws[1].law).max() > 1e-5
    states = [s.run(reference(4), 60, rng=1).states for s in (a, b)]
    assert (states[0] != states[1]).any()
