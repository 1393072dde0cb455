"""The accuracy law against all clouds of small trees, in fractions (T0)."""

import math

import numpy as np
import pytest
from scipy.stats import binom

from simulator.errors import InputError
from simulator.measure.accuracy_law import pass_upper, vote_limits, weighted_law
from simulator.measure.answers import cloud_scores
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.base import TEXT_KEEP, Sampler
from simulator.samplers.registry import SAMPLERS, make_sampler
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.text.tabular import as_language_model
from tests.support.prefixes import Tree
from tests.support.right_answers import CASES, chances, moments, random_problem, random_tree
from tests.support.systems import levels

ROUNDING = 1e-9


@pytest.fixture(scope="module")
def passes():
    return {case: chances(*case) for case in CASES}


def test_no_tree_passes_more_often_than_the_law_allows(passes):
    for (seed, n, horizon), (hit, a) in passes.items():
        assert float(hit) <= pass_upper(float(a), n) + ROUNDING, (seed, n, horizon)
        if horizon == 1:  # then proposals are iid
            assert float(hit) == pytest.approx(pass_upper(float(a), n), abs=ROUNDING)
    strict = sum(
        float(hit) < pass_upper(float(a), n) - 1e-3 for (_, n, _), (hit, a) in passes.items()
    )
    assert strict > 20


@pytest.mark.parametrize(
    "wrong",
    [lambda a, n: pass_upper(a, n - 1), lambda a, n: pass_upper(a * a, n)],
    ids=["N-1", "a^2"],
)
def test_wrong_laws_of_passing_are_violated(passes, wrong):
    assert any(float(hit) > wrong(float(a), n) + 1e-3 for (_, n, _), (hit, a) in passes.items())


@pytest.fixture(scope="module")
def votes():
    return {case: moments(*case) for case in CASES}


def test_the_vote_of_every_tree_keeps_its_law(votes):
    signs = set()
    for case, (up, down, first, second, d) in votes.items():
        assert first == d, case  # clouds are weighted properly
        low, high = vote_limits(float(d), float(second))
        assert low - ROUNDING <= float(up) <= high + ROUNDING, case
        if d < 0:  # the stronger form of the docstring
            assert float(down) >= 1 - high - ROUNDING, case
        signs.add((d > 0) - (d < 0))
    assert signs >= {-1, 1}


def test_laws_of_the_vote_without_a_square_are_violated(votes):
    held = [(float(u), abs(float(d)), float(s)) for u, _, _, s, d in votes.values() if d > 0]
    assert any(u < d / s - 1e-3 for u, d, s in held)
    assert any(u < d * d / (s - d * d) - 1e-3 for u, d, s in held if s > d * d)  # variance alone


def test_estimates_are_exact_where_runs_are_all_there_is():
    """Each cloud as often as it is likely: then the averages are the exact ones."""
    for seed in range(6):
        tree, right = random_tree(seed, 2)
        *_, last = levels(tree, 2)
        often = math.lcm(*(p.denominator for p in last.values()))
        share, log_w, times = [], [], []
        for (nu, w), p in last.items():
            share.append(float(sum(s for x, s in nu if x in right)))
            log_w.append(math.log(w) if w > 0 else -math.inf)
            times.append(int(p * often))
        found = weighted_law(np.repeat(share, times), np.repeat(log_w, times))
        _, _, _, second, d = moments(seed, 2, 2)
        assert found.target == pytest.approx(float(sum(tree.target(y) for y in right)), abs=1e-12)
        want = vote_limits(float(d), float(second))
        assert (found.vote_low, found.vote_high) == pytest.approx(want, abs=1e-12)


@pytest.mark.slow
def test_estimates_are_those_of_the_runs_of_a_sampler():
    """Within 6 standard errors, each missed with probability 2e-9."""
    problem, right = random_problem(3, 2)
    tree = Tree(problem)
    runs = SMC(2, select="best").run(
        as_language_model(problem), 20_000, rng=1, keep=("clouds", "genealogy")
    )
    paths = list(map(tuple, runs.cloud_tokens.reshape(-1, 2).tolist()))
    hits = np.array([y in right for y in paths]).reshape(-1, 2)
    answers = np.array([tree.paths.index(y) for y in paths]).reshape(-1, 2)
    scores = cloud_scores(runs, hits, answers)
    hit, a = chances(3, 2, 2)
    up, *_ = moments(3, 2, 2)
    near = 6 * 0.5 / math.sqrt(len(runs))
    assert scores.passed.mean() == pytest.approx(float(hit), abs=near)
    assert scores.share.mean() == pytest.approx(float(a), abs=near)
    assert scores.majority.mean() == pytest.approx(float(up), abs=near)
    exact = float(sum(tree.target(y) for y in right))
    w = np.exp(runs.log_w) / float(tree.z)
    near = 6 * (w * (scores.sampled - exact)).std() / math.sqrt(len(runs))
    found = weighted_law(scores.sampled, runs.log_w)
    assert found.target == pytest.approx(exact, abs=near)
    assert near < 0.03


@pytest.mark.slow
def test_dependent_offspring_break_the_law_and_are_not_declared_independent():
    """Right particles weigh little; residual resampling gives the others their whole copies first.

    What is left is drawn among few places, of which the right ones have a larger share.
    """
    n, p, w, runs = 16, 0.6, 0.0282, 4000
    model = TabularModel.tree([[[p, 1 - p]], [[1.0, 0.0]] * 2])
    problem = as_language_model(Problem(model, [w, w, 1.0, 1.0], "exact"))
    k = np.arange(n + 1)
    share, other = k * w / (k * w + n - k), 1 / (k * w + n - k)
    left = n - (n - k) * np.floor(n * other)  # draws beside the whole copies of the others
    chance = binom.pmf(k, n, p)
    one = np.where(k == n, 1.0, n * share / np.maximum(left, 1))
    exact = {"residual": float(chance @ (1 - (1 - one) ** left)),
             "multinomial": float(chance @ (1 - (1 - share) ** n))}  # fmt: skip
    law = pass_upper(float(chance @ share), n)
    assert exact["multinomial"] < law < exact["residual"] - 0.03
    for scheme, hit in exact.items():
        sampler = SMC(n, resampling=scheme)
        assert sampler.independent_proposals == (scheme == "multinomial")
        found = sampler.run(problem, runs, rng=5, keep=("clouds",)).cloud_tokens[:, :, 0] == 0
        # 6 standard errors, 2e-9
        assert found.any(axis=1).mean() == pytest.approx(hit, abs=3 / math.sqrt(runs))


def test_which_samplers_are_independent():
    iid = {name for name in SAMPLERS if made(name).independent_proposals}
    assert iid == {"smc", "smc-rs", "alrs", "lookahead", "sis", "best-of-n", "action-is"}
    for options in ({"resampling": "ssp"}, {"ess_threshold": 0.5}, {"resampling": "killing"}):
        assert not SMC(3, **options).independent_proposals
        assert SMC(1, **options).independent_proposals
    assert SMC(3, ess_threshold=0.0, resampling="ssp").independent_proposals


def test_which_samplers_weigh_their_clouds():
    weighted = {name for name in SAMPLERS if made(name).weighted_clouds}
    assert weighted == {"smc", "smc-rs", "quasi-smc", "alrs", "lookahead", "sis", "action-is"}
    problem = as_language_model(random_problem(1, 2)[0])
    a, b = (
        SMC(3, select=select).run(problem, 20, rng=1, keep=("clouds",))
        for select in ("sample", "best")
    )  # what is picked at the end does not touch the cloud
    assert (a.cloud_tokens == b.cloud_tokens).all()
    assert (a.cloud_log_weights == b.cloud_log_weights).all()
    assert (a.log_w == b.log_w).all()


OPTIONS = {"smc-restart": {"accuracy": 8.0}, "smc-rs": {"eta": 8.0}, "alrs": {"eta": 8.0},
           "dmc": {"z_bound": 50.0}}  # fmt: skip


def made(name):
    return make_sampler(name, **OPTIONS.get(name, {}))


@pytest.mark.parametrize(
    "name", [n for n, c in SAMPLERS.items() if c.on_text is not Sampler.on_text]
)
def test_samplers_declare_what_they_keep_on_texts(name):
    problem = as_language_model(reference(2))
    runs = made(name).on_text(problem, [Xoshiro(w.tolist()) for w in run_seeds(1, 3)])
    kept = [k for k, fields in TEXT_KEEP.items()
            if all(getattr(runs, field) is not None for field in fields)]  # fmt: skip
    assert tuple(kept) == made(name).text_keeps


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: pass_upper(1.5, 2), "chance"),
        (lambda: pass_upper(0.5, 0), "n_particles"),
        (lambda: vote_limits(1.0, 0.5), "second_moment"),
        (lambda: vote_limits(math.nan, 0.5), "second_moment"),
        (lambda: weighted_law([0.5], [0.0, 0.0]), "shape"),
        (lambda: weighted_law([1.5], [0.0]), "outside"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(InputError, match=named):
        call()


def test_edges():
    assert pass_upper(0.0, 3) == 0.0
    assert pass_upper(1.0, 3) == 1.0
    assert vote_limits(0.0, 0.5) == (0.0, 1.0)
    assert weighted_law([0.0, 0.0], [-math.inf, -math.inf]) is None
    # weights beyond the range of floats
    assert weighted_law([1.0, 0.0], [2000.0, 1000.0]).target == pytest.approx(1.0)
