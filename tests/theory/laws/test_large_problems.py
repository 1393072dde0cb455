"""Passes for many edges against those for few, on problems small enough for both."""

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.errors import InputError, TooLargeError
from simulator.problem import forward_backward, linear_passes_kernel
from simulator.problem.families.constrained import constrained
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.model import TabularModel
from simulator.problem.ngrams.constraint import Constraint
from simulator.problem.ngrams.counts import count_ngrams
from simulator.problem.prms import ExactPRM
from simulator.problem.problem import Problem
from simulator.problem.target import target_kernel, target_paths
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from theory.criteria import Criteria, _squared_gap
from theory.laws import density_sums_kernel
from theory.laws.density_sums import DensitySum
from theory.laws.first_order import first_order_law
from theory.laws.sigma import sigma

FAMILIES = ("smc", "smc-rs", "sis")
SMALL = {
    "constrained": lambda: constrained(pattern="[a-c]+(ab|c)", horizon=5, prm="noisy"),
    "mask": lambda: constrained(pattern="[a-c]+(ab|c)", horizon=5),
    "automaton": lambda: random_automaton(horizon=6, seed=3, prm="noisy"),
    "steep": lambda: steep(),
}
NAMES = ("log_forward", "log_forward_alive", "log_value_alive", "log_z_hat", "target_marginal")


def steep():
    """Numbers of one level that no float holds side by side: a step up has probability e^-400."""
    tiny, horizon = 1e-174, 4
    probs = [[[1 - tiny, tiny]] * (h + 1) for h in range(horizon)]
    moves = [[[k, k + 1] for k in range(h + 1)] for h in range(horizon)]
    reward = [-2000.0, -np.inf, -900.0, -900.0, 0.0]
    return Problem.from_log(TabularModel(probs, moves), reward, ExactPRM())


def same(one, two):
    one, two = np.asarray(one), np.asarray(two)
    assert (np.isfinite(one) == np.isfinite(two)).all()
    ok = np.isfinite(one)
    assert one[ok] == pytest.approx(two[ok], rel=1e-12, abs=1e-12)


def both(monkeypatch, make):
    few = make()
    monkeypatch.setattr(forward_backward, "MANY", 1)
    return few, make()


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_linear_passes_lose_nothing(monkeypatch, make):
    few, many = both(monkeypatch, make)
    assert many.tables.linear_args is not None
    same(many.log_value_flat, few.log_value_flat)
    for name in NAMES:
        same(getattr(many.forward_backward, name), getattr(few.forward_backward, name))


def test_without_the_second_look_small_numbers_are_lost(monkeypatch):
    few, _ = both(monkeypatch, steep)
    tables = few.tables
    everywhere = np.zeros(few.log_value_flat.size)
    monkeypatch.setattr(linear_passes_kernel, "TINY", -1.0)
    lost = linear_passes_kernel.forward.py_func(*tables.linear_args, everywhere)
    assert np.isneginf(lost).sum() > np.isneginf(few.forward_backward.log_forward).sum()


@settings(max_examples=30)
@given(problems(edges=False, lossy=False))
def test_the_law_of_states_is_that_of_edges(problem):
    f = np.arange(1.0, 1 + problem.log_reward.size)
    for family in FAMILIES:
        few, many = sigma(problem, family), DensitySum(problem, family)
        same(many.mean(f), few.mean(f))
        same(many.mean(np.ones_like(f)), few.mean(np.ones_like(f)))
        same(many.limits(), few.limits())


@pytest.mark.parametrize("sampler", [SMC(2), SMCRejection(2), SIS(2)], ids=repr)
def test_the_constant_agrees_with_the_exact_one(monkeypatch, sampler):
    few, many = both(monkeypatch, SMALL["automaton"])
    with monkeypatch.context() as patch:
        patch.setattr(forward_backward, "MANY", 10**8)
        exact = first_order_law(few, sampler).constant
    # fails falsely with probability 1e-9, and would catch a constant off by a tenth
    found = first_order_law(many, sampler, n_draws=20_000, confidence=1 - 1e-9).constant
    assert exact.low == exact.high
    assert found.low <= exact.value <= found.high
    assert found.high - found.low < 0.3 * exact.value


def test_a_mutant_of_the_sum_is_found():
    problem = SMALL["automaton"]()
    few, many = sigma(problem, "smc"), DensitySum(problem, "smc")
    one = np.ones(problem.log_reward.size)
    a, b, c, d, end = many._logs
    for logs in ((a + 0.01, b, c, d, end), (a, b, c, d, 1.0), (a, b, c, d + 0.01, end)):
        t, fb = problem.tables, problem.forward_backward
        mean = density_sums_kernel.sums(
            t.n_actions, t.state_start, t.table_start, t.log_prob, t.next_state, t.prob,
            problem.log_value_flat, fb.target_marginal, *logs, one,
        )[0]  # fmt: skip
        assert abs(mean / few.mean(one) - 1) > 1e-3


def test_draws_by_rows_are_those_of_the_kernel(monkeypatch):
    few, many = both(monkeypatch, SMALL["automaton"])
    paths = target_paths(many, 3000, 4)
    monkeypatch.setattr(forward_backward, "MANY", 10**8)
    assert (paths == target_paths(few, 3000, 4)).mean() > 0.999
    assert target_kernel(few).shape[1] == few.model.n_actions


@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_criteria_are_those_of_single_edges(make):
    problem = make()
    c, e, fb = Criteria(problem), problem.forward_backward.edges, problem.forward_backward
    value, prm = problem.log_value_flat, problem.log_prm_flat
    alive = np.isfinite(fb.log_forward_alive)
    ok = np.isfinite(e.log_prob) & alive[e.source]
    level = np.repeat(np.arange(problem.horizon), np.diff(e.start))
    with np.errstate(invalid="ignore"):
        step = np.where(ok, e.log_factor + prm[e.target] - prm[e.source], -np.inf)
        pair = e.log_factor + value[e.target] - prm[e.source]
    for h in range(problem.horizon):
        here = ok & (level == h)
        assert c._forward_backward.log_prm_steps[h] == step[here].max()
        mass = (fb.log_forward_alive + prm)[e.source] - fb.log_z_hat[h] + e.log_prob
        gaps = _squared_gap(mass[here], pair[here] + fb.log_z_hat[h] - problem.log_z)
        assert c.proposal_chi2[h] == pytest.approx(gaps.sum(), rel=1e-9)


def test_what_needs_all_edges_at_once_is_refused(monkeypatch):
    monkeypatch.setattr(forward_backward, "EDGES", 5)
    with pytest.raises(TooLargeError, match="are more than 5, and this needs them all at once"):
        _ = product(4).forward_backward.edges


def test_edge_rewards_are_refused():
    model = TabularModel.tree([[[0.5, 0.5]]])
    problem = Problem(model, [1.0, 2.0], "exact", edge_reward=[[[1.0, 2.0]]])
    with pytest.raises(InputError, match="without edge rewards"):
        DensitySum(problem, "smc")


@pytest.mark.parametrize("horizon", [1, 2, 3, 7, 40])
def test_reach_repeats_itself_only_where_tables_do(horizon):
    made = Constraint(count_ngrams("abcd abdc bcd", 2), "(a|bc?d)*", horizon)
    fb = made.problem().forward_backward
    assert (fb.reached == np.isfinite(fb.log_forward)).all()
    assert fb.reached.any()
