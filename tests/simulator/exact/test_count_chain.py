"""The chain of counts against the law of paths summed to states, and against clouds (T0)."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.exact import cloud, count_chain
from simulator.exact.cloud_steps import Work
from simulator.exact.count_chain import count_law, count_transitions
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.prms import NoisyPRM
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.problem.unfold import unfold
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems

SMALL = problems(max_leaves=9, max_horizon=3, tree=False)


def by_paths(problem, sampler):
    """Law of the terminal state, as a sum over paths."""
    whole = unfold(problem)
    law = sampler.exact_law(whole.problem).law
    return np.bincount(whole.terminal, law, int(problem.model.n_states[-1]))


@settings(max_examples=60)
@given(SMALL, st.integers(1, 3))
def test_it_is_the_law_of_paths_summed_to_states(problem, n):
    paths = SMC(n).exact_law(problem)
    found = count_law(problem, n, Work(1e6))
    assert found.law == pytest.approx(by_paths(problem, SMC(n)), abs=1e-12)
    assert found.moments[0] == pytest.approx(1 - paths.failure, abs=1e-12)
    assume(not np.isneginf(problem.forward_backward.log_z_alive))
    assert found.moments[1] == pytest.approx(1, abs=1e-10)
    assert found.moments[2] - 1 == pytest.approx(paths.relative_variance, rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(SMALL, st.integers(1, 3), st.sampled_from([SMC, SMCRejection]))
def test_both_engines_give_the_same_law(problem, n, kind):
    assume(not problem.is_tree)
    laws = []
    for fewer in (0.0, np.inf):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cloud, "count_transitions", lambda *_, fewer=fewer: fewer)
            laws.append(kind(n).exact_law(problem, "states"))
    a, b = laws
    for name in ("law", "weighted", "target"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-12)
    for name in ("tv", "failure", "mean_w_over_z"):
        assert getattr(a, name) == pytest.approx(getattr(b, name), abs=1e-10)
    assert a.relative_variance == pytest.approx(b.relative_variance, rel=1e-8, abs=1e-9)


def test_other_schemes_are_left_to_the_clouds(monkeypatch):
    def never(*_):
        raise AssertionError

    monkeypatch.setattr(cloud, "count_law", never)
    problem = random_automaton(n_states=2, horizon=3, seed=1)
    for sampler in (
        SMC(2, "systematic"), SMC(2, ess_threshold=0.5), SMC(2, select="best"), SMC(2, block=2)
    ):  # fmt: skip
        law = sampler.exact_law(problem, "states").law
        ends = np.zeros(2)
        paths = sampler.exact_law(problem)
        for tokens, chance in zip(paths.tokens, paths.law, strict=True):
            state = 0
            for h, token in enumerate(tokens):
                state = problem.model.next_state[h][state, token]
            ends[state] += chance
        assert law == pytest.approx(ends, abs=1e-12)
    SMC(2).exact_law(problem, "states", shortfall=True)


def test_it_reaches_further_than_clouds(monkeypatch):
    first, later = np.array([[0.5, 0.5]]), np.array([[0.3, 0.7], [0.6, 0.4]])
    moves = [np.array([[0, 1]]), *[np.array([[0, 1], [0, 1]])] * 199]
    model = TabularModel([first, *[later] * 199], moves)
    problem = Problem(model, [1.0, 2.0], NoisyPRM(0.3, seed=1))
    smc = SMC(12)
    assert count_transitions(problem, 12, np.inf) < 2e6
    law = smc.exact_law(problem, "states")
    assert law.law.sum() == pytest.approx(1, abs=1e-10)
    assert law.mean_w_over_z == pytest.approx(1, abs=1e-9)
    assert law.weighted == pytest.approx(law.target, abs=1e-9)
    assert 0 < law.tv < 0.1
    monkeypatch.setattr(cloud, "count_transitions", lambda *_: np.inf)
    with pytest.raises(TooLargeError, match=r"about [\d.e+]+ cloud transitions"):
        list(cloud.cloud_chain(problem, smc, limit=2e6))


def test_beyond_its_reach_the_size_is_told():
    problem = random_automaton(n_states=8, horizon=64, seed=3)
    with pytest.raises(TooLargeError, match=r"exact law: about [\d.e+]+ transitions or more"):
        SMC(200).exact_law(problem, "states")
    with pytest.raises(TooLargeError, match=r"exact law: about [\d.e+]+ cloud transitions or more"):
        SMC(200, "systematic").exact_law(problem, "states")
    with pytest.raises(TooLargeError, match="more than 10 cloud"):
        count_law(problem, 3, Work(10))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_transitions_are_counted_beforehand(n):
    for problem in (random_automaton(n_states=3, horizon=5, seed=1), two_branch(6), product(4)):
        for sampled in (problem, fully_adapted(problem)):
            work = Work(1e9)
            count_law(sampled, n, work)
            assert work.done <= count_transitions(sampled, n, np.inf)


@pytest.mark.parametrize("mutant", ["a level unweighted", "states swapped"])
def test_mutants_fail(mutant, monkeypatch):
    problem = random_automaton(n_states=2, horizon=3, seed=1, edge_sigma=1.0)
    want = by_paths(problem, SMC(3))
    right = count_chain._Spreads.of

    def wrong(self, counts):
        chance, weights = right(self, counts)
        if self._step.level != 1:
            return chance, weights
        return chance, weights[:, ::-1] if mutant == "states swapped" else np.sign(weights)

    assert count_law(problem, 3, Work(1e6)).law == pytest.approx(want, abs=1e-12)
    monkeypatch.setattr(count_chain._Spreads, "of", wrong)
    assert abs(count_law(problem, 3, Work(1e6)).law - want).max() > 1e-3
