"""Accuracy, reward, diversity, LPD, divergences and log Z error against plain sums."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.errors import InputError
from simulator.measure.divergence import intermediate_kl, sequence_kl
from simulator.measure.diversity import diversity
from simulator.measure.log_normalising_constant import log_z_error
from simulator.measure.lpd import log_probability_discrepancy
from simulator.measure.outputs import accuracy, expected_reward
from simulator.problem.families.product import product
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree, real

SURE = 1 - 1e-10
PROBLEM = open_problem("reference:horizon=3")
EXACT = SMC(2).exact_law(PROBLEM)
RUNS = SMC(2).run(PROBLEM, 40_000, rng=1, keep=("tokens",))


@settings(max_examples=40)
@given(problems(max_leaves=27))
def test_divergences_against_all_sequences(problem):
    tree = Tree(problem, real)
    goal = {x: tree.target(x) for x in tree.nodes() if tree.v[x] > 0}
    want = sum(q * math.log(q / tree.p[y]) for y, q in goal.items() if y in tree.paths)
    assert sequence_kl(problem) == pytest.approx(want, abs=1e-10)
    got = intermediate_kl(problem)
    for h, level in enumerate(tree.levels):
        on = [x for x in level if x in goal]
        if any(tree.hat[x] == 0 for x in on):
            assert got[h] == math.inf
        else:
            hat = {x: tree.p[x] * tree.hat[x] / tree.z_hat[h] for x in on}
            want = sum(goal[x] * math.log(goal[x] / hat[x]) for x in on)
            assert got[h] == pytest.approx(want, abs=1e-10)


@pytest.mark.parametrize("on", ["accuracy", "reward", "lpd", "collision", "entropy"])
def test_intervals_from_runs_hold_the_exact_value(on):
    # confidence 1 - 1e-10 each; power: each is narrower than the gap to pi* or to SMC(1)
    def measure(outputs):
        if on == "accuracy":
            return accuracy(PROBLEM.reward > 2.5, outputs, SURE)
        if on == "reward":
            return expected_reward(PROBLEM, outputs, SURE)
        if on == "lpd":
            return log_probability_discrepancy(PROBLEM, outputs, SURE)
        n = 2 if outputs is EXACT else None
        return getattr(diversity(PROBLEM, outputs, n, SURE), on)

    exact, got = measure(EXACT), measure(RUNS)
    assert exact.low == exact.value == exact.high
    assert exact.confidence == 1.0
    assert got.low <= exact.value <= got.high
    assert got.low <= got.value <= got.high
    widest = {"accuracy": 0.04, "reward": 0.06, "lpd": 0.3, "collision": 0.04, "entropy": 0.7}
    assert got.high - got.low < widest[on]


def test_exact_measures_against_plain_sums():
    law, reward = EXACT.law, PROBLEM.reward
    assert accuracy(reward > 1.5, EXACT).value == pytest.approx(law[reward > 1.5].sum())
    assert expected_reward(PROBLEM, EXACT).value == pytest.approx(law @ reward)
    d = diversity(PROBLEM, EXACT, n=2)
    pairs = list(itertools.product(range(8), repeat=2))
    assert d.collision.value == pytest.approx(sum(law[i] * law[j] for i, j in pairs if i == j))
    assert d.distinct.value == pytest.approx(sum(law[i] * law[j] * len({i, j}) for i, j in pairs))
    assert d.entropy.value == pytest.approx(-(law * np.log(law)).sum())


def test_lpd_against_all_sequences():
    tree = Tree(PROBLEM, real)
    assert EXACT.tokens.tolist() == [list(y) for y in tree.paths]
    gap = {y: p - tree.target(y) for y, p in zip(tree.paths, EXACT.law, strict=True)}
    total = 0.0
    for h in range(3):
        for weight in (tree.p.get, tree.target):
            total += abs(
                sum(g * math.log(weight(y[: h + 1]) / weight(y[:h])) for y, g in gap.items())
            )
    assert log_probability_discrepancy(PROBLEM, EXACT).value == pytest.approx(total)


def test_log_z_error_is_a_quantile_with_exact_limits():
    # N = 1: W^ = r, so that |log W^ - log Z| has three values; false failures below 1e-10
    runs = SMC(1).run(PROBLEM, 10_000, rng=0)
    tree = Tree(PROBLEM, real)
    off = np.array([abs(math.log(tree.v[y]) - PROBLEM.log_z) for y in tree.paths])
    order = np.argsort(off)
    probability = np.array([tree.p[y] for y in tree.paths])
    median = off[order][np.searchsorted(np.cumsum(probability[order]), 0.5)]
    error = log_z_error(PROBLEM, runs, confidence=SURE)
    assert error.low - 1e-9 <= median <= error.high + 1e-9
    tiny = log_z_error(PROBLEM, SMC(1).run(PROBLEM, 4, rng=0), confidence=SURE)
    assert (tiny.low, tiny.high) == (0.0, math.inf)


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(InputError, match="truth values"):
        accuracy([1, 0], EXACT)
    with pytest.raises(InputError, match="shape"):
        accuracy([True], EXACT)
    with pytest.raises(InputError, match="edge rewards"):
        expected_reward(product(3), EXACT)
    with pytest.raises(InputError, match="tokens"):
        log_probability_discrepancy(PROBLEM, SMC(2).run(PROBLEM, 4, rng=0))
    with pytest.raises(InputError, match="n is needed"):
        diversity(PROBLEM, EXACT)
    with pytest.raises(InputError, match="quantile"):
        log_z_error(PROBLEM, RUNS, quantile=1.0)
