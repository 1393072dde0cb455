"""Scores of last clouds, against loops over their particles (T0)."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure.answers import cloud_scores
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.registry import make_sampler
from simulator.samplers.runs import Runs
from simulator.text.tabular import as_language_model


def runs_of(weights, *, failed=None, genealogy=None):
    """Runs of one level whose particles weigh so much."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(weights, dtype=float))[:, None]
    bad = np.zeros(len(logs), dtype=bool) if failed is None else np.asarray(failed)
    ones = np.ones(len(logs), dtype=np.int64)
    return Runs(
        np.where(bad, -1, 0), np.where(bad, -np.inf, 0.0), bad, ones, ones,
        cloud_log_weights=logs, cloud_tokens=np.zeros((*logs[:, 0].shape, 1), dtype=np.int32),
        genealogy=genealogy,
    )  # fmt: skip


def by_loops(weights, right, answers, rewards):
    """sampled, vote, majority, best of one cloud, in fractions."""
    total = sum(weights)
    if total == 0:
        return 0, 0, 0, 0
    shares = [Fraction(w, total) for w in weights]
    sampled = sum(s for s, hit in zip(shares, right, strict=True) if hit)
    sums = {}
    for s, a in zip(shares, answers, strict=True):
        sums[a] = sums.get(a, 0) + s
    winners = [a for a in sums if sums[a] == max(sums.values())]
    good = {a for a, hit in zip(answers, right, strict=True) if hit}
    vote = Fraction(sum(a in good for a in winners), len(winners))
    live = [i for i, w in enumerate(weights) if w > 0]
    top = max(rewards[i] for i in live)
    best = [right[i] for i in live if rewards[i] == top]
    return sampled, vote, int(sampled > Fraction(1, 2)), Fraction(sum(best), len(best))


def test_every_cloud_of_three_particles():
    rows, want = [], []
    for weights in itertools.product((0, 1, 2, 3), repeat=3):
        for answers in itertools.product((0, 1, 2), repeat=3):
            for rewards in ((1, 1, 1), (1, 2, 2), (3, 2, 1)):
                right = [a == 0 for a in answers]
                rows.append((weights, right, answers, rewards))
                want.append(by_loops(weights, right, answers, rewards))
    weights, right, answers, rewards = (np.array(column) for column in zip(*rows, strict=True))
    found = cloud_scores(
        runs_of(weights, failed=weights.sum(axis=1) == 0), right, answers, np.log(rewards)
    )
    sampled, vote, majority, best = np.array(want, dtype=float).T
    assert found.sampled == pytest.approx(sampled, abs=1e-12)
    assert found.vote == pytest.approx(vote, abs=1e-12)
    assert found.majority == pytest.approx(majority, abs=1e-12)
    assert found.best == pytest.approx(best, abs=1e-12)
    assert found.share == pytest.approx(right.mean(axis=1))
    assert found.passed == pytest.approx(right.any(axis=1).astype(float))
    # each of them is something else
    for a, b in itertools.combinations(("sampled", "vote", "majority", "best", "passed"), 2):
        assert (np.abs(getattr(found, a) - getattr(found, b)) > 0.1).any(), (a, b)
    # if right answers outweigh all others, they win the vote
    assert (found.vote[found.majority == 1] == 1).all()


def test_a_run_that_ended_before_the_last_level_has_no_right_particle():
    """Of weight zero are both: one has proposals at the last level, the other has not."""
    genealogy = np.array([[[0, 0]], [[-1, -1]]], dtype=np.int32)
    runs = runs_of([[0, 0], [0, 0]], failed=[True, True], genealogy=genealogy)
    found = cloud_scores(runs, np.ones((2, 2), dtype=bool), np.zeros((2, 2), dtype=int))
    assert found.passed.tolist() == [1.0, 0.0]
    assert found.share.tolist() == [1.0, 0.0]
    assert found.sampled.tolist() == found.vote.tolist() == [0.0, 0.0]
    assert found.best is None


@pytest.mark.parametrize("name", ["smc", "smc-rs", "lookahead"])
def test_samplers_mark_runs_that_ended_early(name):
    """V^ is 0 behind token 1 and later below the rest: all runs fail at level 1 or 2."""
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2, [[0.5, 0.5]] * 4])
    prm = [[1.0], [1.0, 0.0], [0.0] * 4, [1.0] * 8]
    problem = as_language_model(Problem(model, [1.0] * 8, prm))
    options = {"method": "enumerate"} if name == "smc-rs" else {}
    runs = make_sampler(name, 2, **options).run(problem, 20, rng=1, keep=("clouds", "genealogy"))
    assert runs.failed.all()
    assert np.isneginf(runs.cloud_log_weights[:, -1]).all()
    hits = np.ones((20, 2), dtype=bool)
    assert cloud_scores(runs, hits, hits.astype(int)).passed.sum() == 0


def test_bad_input_is_named():
    runs = runs_of([[1, 1]])
    yes, answers = np.ones((1, 2), dtype=bool), np.zeros((1, 2), dtype=int)
    with pytest.raises(InputError, match="right: shape"):
        cloud_scores(runs, yes[:, :1], answers)
    with pytest.raises(InputError, match="log_rewards: shape"):
        cloud_scores(runs, yes, answers, np.zeros(2))
    with pytest.raises(InputError, match="both right and wrong"):
        cloud_scores(runs, np.array([[True, False]]), answers)
    one = np.ones(1, dtype=np.int64)
    with pytest.raises(InputError, match="no clouds"):
        cloud_scores(Runs(one, np.zeros(1), one > 1, one, one), yes, answers)
    assert math.isclose(float(cloud_scores(runs, yes, answers).sampled[0]), 1.0)
