"""Clouds are enumerated once for the law and the bounds that go through them (T0)."""

import numpy as np
import pytest

from simulator.errors import TooLargeError
from simulator.exact import cloud as clouds
from simulator.exact import replay as kept
from simulator.exact.cloud import cloud_chain, cloud_transitions
from simulator.exact.replay import replay
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.exact import rejection_chain
from theory.registry import BOUNDS
from theory.verdict import check


@pytest.fixture
def steps(monkeypatch):
    """Levels that are enumerated, counted."""
    seen, advance = [], clouds.advance

    def counted(*arguments):
        seen.append(1)
        return advance(*arguments)

    monkeypatch.setattr(clouds, "advance", counted)
    return seen


def test_the_law_and_the_stepwise_bounds_share_one_enumeration(steps):
    problem = reference(4)
    found = check(problem, SMC(3), bounds=["T", "TJ"])
    assert len(steps) == problem.horizon - 1
    fresh = [BOUNDS[name].value(reference(4), SMC(3)) for name in ("T", "TJ")]
    assert [v.value for v in found.verdicts] == fresh
    assert found.error.high == SMC(3).exact_law(reference(4)).tv


def test_other_clouds_are_enumerated_anew():
    samplers = [SMC(2), SMC(3), SMC(2, "stratified"), SMC(2, ess_threshold=0.5), SMC(2)]
    one = random_tree(n_actions=2, horizon=3, seed=3)
    for sampler in samplers:
        other = random_tree(n_actions=2, horizon=3, seed=3)
        for a, b in zip(cloud_chain(one, sampler), cloud_chain(other, sampler), strict=True):
            assert np.array_equal(a.states, b.states)
            assert np.array_equal(a.weights, b.weights)
            assert np.array_equal(a.probability, b.probability)
            assert np.array_equal(a.second, b.second)


@pytest.mark.parametrize("chain", [cloud_chain, lambda p, s: rejection_chain(p, s.n_particles)])
def test_clouds_of_both_algorithms_are_the_same_when_they_take_turns(chain):
    problem = reference(3)
    first = [c.probability for c in chain(problem, SMC(3))]
    for other in (cloud_chain(problem, SMC(3)), rejection_chain(problem, 3)):
        list(other)
        assert all(
            np.array_equal(p, c.probability)
            for p, c in zip(first, chain(problem, SMC(3)), strict=True)
        )


def test_a_chain_that_was_left_early_is_not_taken_for_whole():
    problem = reference(4)
    next(cloud_chain(problem, SMC(2)))
    assert [c.level for c in cloud_chain(problem, SMC(2))] == [0, 1, 2, 3]


def test_what_is_known_still_counts_as_work():
    problem, sampler = reference(4), SMC(3)
    sampler.exact_law(problem)
    enough = cloud_transitions(problem, sampler)
    assert sampler.exact_law(problem, limit=enough).tv == sampler.exact_law(reference(4)).tv
    with pytest.raises(TooLargeError):
        sampler.exact_law(problem, limit=enough - 1)
    list(cloud_chain(problem, sampler))
    work = clouds.Work(1.0)
    with pytest.raises(TooLargeError, match="more than 1 cloud"):
        list(clouds._chain(problem, clouds._scheme(sampler), work, joint=False))


def test_clouds_that_are_kept_cannot_be_changed():
    level = next(cloud_chain(reference(2), SMC(2)))
    with pytest.raises(ValueError, match="read-only"):
        level.probability[0] = 2.0


def test_large_chains_are_not_kept_and_small_ones_no_longer_than_their_problem(monkeypatch):
    monkeypatch.setattr(kept, "ROOM", 10)
    problem = reference(1)
    for sizes, known in (([5, 5], True), ([5, 6], False), ([11, 1], False)):
        key = str(sizes)
        assert list(replay(problem, key, iter(sizes), int)) == sizes
        assert list(replay(problem, key, iter([]), int)) == (sizes if known else [])
    before = len(kept._LAST)
    del problem
    assert len(kept._LAST) == before - 1
