"""Passes for many edges against those for few, on problems small enough for both."""

import numpy as np
import pytest
from hypothesis import given, settings

from simulator.errors import InputError, TooLargeError
from simulator.problem import forward_backward, linear_passes, linear_passes_kernel, tables
from simulator.problem.families.all_or_nothing import all_or_nothing
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
from simulator.streams import threads
from simulator.streams.threads import share_of_threads
from theory.criteria import Criteria, _squared_gap
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
EDGED = {
    **SMALL,
    "edge rewards": lambda: all_or_nothing(4),
    "lossy": lambda: lossy(),
}
NAMES = ("log_forward", "log_forward_alive", "log_value_alive", "log_z_hat", "target_marginal")


def steep():
    """Numbers of one level that no float holds side by side: a step up has probability e^-400."""
    tiny, horizon = 1e-174, 4
    probs = [[[1 - tiny, tiny]] * (h + 1) for h in range(horizon)]
    moves = [[[k, k + 1] for k in range(h + 1)] for h in range(horizon)]
    reward = [-2000.0, -np.inf, -900.0, -900.0, 0.0]
    return Problem.from_log(TabularModel(probs, moves), reward, ExactPRM())


def lossy():
    """V^ = 0 at a state of each inner level, where pi* goes."""
    problem = random_automaton(horizon=5, seed=2, prm="noisy")
    judged = [level.copy() for level in problem.prm]
    for level in judged[1:-1]:
        level[0] = 0.0
    return problem.with_prm(judged)


def same(one, two):
    one, two = np.asarray(one), np.asarray(two)
    assert (np.isfinite(one) == np.isfinite(two)).all()
    ok = np.isfinite(one)
    assert one[ok] == pytest.approx(two[ok], rel=1e-12, abs=1e-12)


def both(monkeypatch, make):
    few = make()
    for name in NAMES:  # now, by the passes for few edges
        _ = getattr(few.forward_backward, name)
    monkeypatch.setattr(tables, "MANY", 1)
    return few, make()


@pytest.mark.slow
@pytest.mark.parametrize("make", SMALL.values(), ids=SMALL)
def test_linear_passes_lose_nothing(monkeypatch, make):
    few, many = both(monkeypatch, make)
    assert many.tables.many
    same(many.log_value_flat, few.log_value_flat)
    for name in NAMES:
        same(getattr(many.forward_backward, name), getattr(few.forward_backward, name))


def test_without_the_second_look_small_numbers_are_lost(monkeypatch):
    few, _ = both(monkeypatch, steep)
    everywhere = np.zeros(few.log_value_flat.size)
    monkeypatch.setattr(linear_passes_kernel, "TINY", -1.0)
    monkeypatch.setattr(linear_passes_kernel, "forward", linear_passes_kernel.forward.py_func)
    lost = linear_passes.forward(few.tables, everywhere)
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
        patch.setattr(tables, "MANY", 10**8)
        exact = first_order_law(few, sampler).constant
    # fails falsely with probability 1e-9, and would catch a constant off by a tenth
    found = first_order_law(many, sampler, n_draws=20_000, confidence=1 - 1e-9).constant
    assert exact.low == exact.high
    assert found.low <= exact.value <= found.high
    assert found.high - found.low < 0.3 * exact.value


@pytest.mark.parametrize("family", FAMILIES)
def test_a_mutant_of_the_sum_is_found(family):
    problem = SMALL["automaton"]()
    one = np.ones(problem.log_reward.size)
    right = sigma(problem, family).mean(one)
    a, b, relative, end = DensitySum(problem, family)._densities
    for wrong in ((a + 0.01, b + 0.01, relative, end + 0.01), (a, b, not relative, end),
                  (np.where(a > -np.inf, a, 0.0), b, relative, end + 1)):  # fmt: skip
        mutant = DensitySum(problem, family)
        vars(mutant)["_densities"] = wrong
        assert abs(mutant.mean(one) / right - 1) > 1e-3


NUMBERS = (
    "level_action_coverage", "pair_spread", "proposal_chi2", "level_bellman_ratio", "chi2",
    "prm_step", "sequence_chi2", "level_spread",
)  # fmt: skip


def everything(make):
    problem = make()
    c = Criteria(problem)
    laws = [
        number
        for family in FAMILIES
        for one in [DensitySum(problem, family)]
        for f in (np.ones_like(problem.log_reward), np.arange(1.0, 1 + problem.log_reward.size))
        for number in (one.mean(f), *one.limits())
    ]
    return [
        *(np.ravel(getattr(c, name)) for name in NUMBERS),
        problem.log_value_flat, problem.forward_backward.log_forward, laws,
        target_paths(problem, 500, 1),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["constrained", "automaton"])
def test_threads_change_nothing(monkeypatch, name):
    """A level cut into single states, on three threads, gives the same bits as one thread."""
    monkeypatch.setattr(tables, "MANY", 1)
    with share_of_threads(1):
        alone = everything(SMALL[name])
    monkeypatch.setattr(threads, "SMALL", 1)
    monkeypatch.setattr(threads, "PART", 1)
    monkeypatch.setattr(threads, "available_threads", lambda: 3)
    for one, other in zip(alone, everything(SMALL[name]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_draws_by_rows_are_those_of_the_kernel(monkeypatch):
    few, many = both(monkeypatch, SMALL["automaton"])
    paths = target_paths(many, 3000, 4)
    monkeypatch.setattr(tables, "MANY", 10**8)
    assert (paths == target_paths(few, 3000, 4)).mean() > 0.999
    assert target_kernel(few).shape[1] == few.model.n_actions


@pytest.mark.slow
@pytest.mark.parametrize("edges", [1, 10**8], ids=["many", "few"])
@pytest.mark.parametrize("make", EDGED.values(), ids=EDGED)
def test_criteria_are_those_of_single_edges(monkeypatch, make, edges):
    monkeypatch.setattr(tables, "MANY", edges)
    problem = make()
    c, e, fb = Criteria(problem), problem.forward_backward.edges, problem.forward_backward
    value, prm = problem.log_value_flat, problem.log_prm_flat
    taken = np.isfinite(e.log_prob)
    alive = np.isfinite(fb.log_forward_alive)
    ok = taken & alive[e.source]
    target = taken & np.isfinite(fb.log_forward + value)[e.source]
    level = np.repeat(np.arange(problem.horizon), np.diff(e.start))
    with np.errstate(invalid="ignore"):
        step = np.where(ok, e.log_factor + prm[e.target] - prm[e.source], -np.inf)
        own = np.where(target, e.log_factor + value[e.target] - value[e.source], -np.inf)
        pair = e.log_factor + value[e.target] - prm[e.source]
    for h in range(problem.horizon):
        here = ok & (level == h)
        found = fb.edge_levels
        pairs = (
            (fb.log_prm_steps[h], step[level == h].max()),
            (found.log_value_step[h], own[level == h].max()),
            (found.log_least_pair[h], pair[here].min(initial=np.inf)),
            (found.log_most_pair[h], pair[here].max(initial=-np.inf)),
        )
        for one, other in pairs:
            if problem.tables.many:
                same(one, other)
            else:
                assert one == other
        with np.errstate(under="ignore"):
            means = np.bincount(e.source[here], np.exp((e.log_prob + step)[here]))
        means = means[np.unique(e.source[here])]
        least, most = (x[h] for x in c.level_bellman_ratio)
        assert least == pytest.approx(means.min(initial=np.inf), rel=1e-12)
        assert most == pytest.approx(means.max(initial=0.0), rel=1e-12)
        if h >= c._first_lost or not here.any():
            continue
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
