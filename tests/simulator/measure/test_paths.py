"""Draws from pi*, walks and conditional SMC: kernels against twins, and against exact laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.exact.lumped import product_tv
from simulator.exact.second_moments import path_second_moment
from simulator.measure.confidence import clopper_pearson, mean_interval
from simulator.measure.density_ratio import (
    conditional_log_w,
    conditional_log_w_plain,
    density_ratio,
    paths_within_reach,
)
from simulator.measure.error import bracket
from simulator.measure.tally import Ruler, Tally, edge_scores
from simulator.measure.walk_kernel import count_law
from simulator.problem.library import open_problem
from simulator.problem.target import target_kernel, target_paths, target_paths_plain
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree, real


@settings(max_examples=30)
@given(problems(max_leaves=27))
def test_target_paths_equal_their_twin_and_stay_on_the_target(problem):
    tokens = target_paths(problem, 20, 3)
    assert (tokens == target_paths_plain(problem, 20, 3)).all()
    tree = Tree(problem, real)
    assert all(tree.target(tuple(y)) > 0 for y in tokens.tolist())
    assert (
        target_paths(problem, 3, 3, first_block=1) == target_paths(problem, 1027, 3)[1024:]
    ).all()


def test_target_paths_have_the_law_of_the_target():
    # 8 intervals at 1e-10 each: false failures below 1e-9; sees a shift of 0.01 of any path
    problem, n = open_problem("reference:horizon=3"), 200_000
    tokens = target_paths(problem, n, 1)
    hits = np.bincount(tokens @ [4, 2, 1], minlength=8)
    for k, p in zip(hits, problem.target[-1], strict=True):
        low, high = clopper_pearson(int(k), n, 1e-10)
        assert low <= p <= high
        assert high - low < 0.02


@settings(max_examples=30)
@given(problems(max_leaves=27), st.integers(0, 2**31))
def test_tally_counts_what_a_loop_counts(problem, seed):
    rng = np.random.default_rng(seed)
    model, t = problem.model, problem.tables
    score = rng.normal(size=t.log_prob.size)
    tokens = target_paths(problem, 12, seed)
    tokens[[3, 7]] = -1
    tally = Tally.empty(problem, True, Ruler(score, np.array([-0.5, 0.5])))
    scores = tally.add_paths(tokens)
    visits, edges = np.zeros_like(tally.visits), np.zeros_like(tally.edges)
    counts, bins = np.zeros_like(tally.counts), np.zeros(3, dtype=int)
    for y, got in zip(tokens, scores, strict=True):
        if y[0] < 0:
            assert np.isnan(got)
            continue
        s, total = 0, 0.0
        visits[0] += 1
        for h, a in enumerate(y):
            e = t.table_start[h] + s * model.n_actions + a
            edges[e] += 1
            total += score[e]
            s = model.next_state[h][s, a]
            visits[model.state_start[h + 1] + s] += 1
        for a in range(model.n_actions):
            counts[a, (y == a).sum()] += 1
        bins[int(total > -0.5) + int(total > 0.5)] += 1
        assert got == pytest.approx(total)
    assert (tally.n, tally.failed) == (12, 2)
    for mine, theirs in ((visits, tally.visits), (edges, tally.edges), (counts, tally.counts)):
        assert (mine == theirs).all()
    assert (bins == tally.bins).all()


@settings(max_examples=30)
@given(problems(max_leaves=27))
def test_law_of_token_counts_against_all_sequences(problem):
    tree, t = Tree(problem, real), problem.tables
    for token in range(problem.model.n_actions):
        law = count_law(
            target_kernel(problem), t.n_actions, t.state_start, t.table_start, t.next_state, token
        )
        want = np.zeros(problem.horizon + 1)
        for y in tree.paths:
            want[y.count(token)] += tree.target(y)
        assert law == pytest.approx(want, abs=1e-12)


def test_scores_of_shared_tables_point_the_right_way():
    problem = open_problem("product:horizon=50")
    tally = Tally.empty(problem, True)
    tally.add(SMC(1).run(problem, 2_000, rng=0, keep=("tokens",)))
    zero, one = edge_scores(tally)  # SMC(1) draws fair bits, pi* has ones with 2/3
    assert zero == pytest.approx(np.log(1.5), abs=0.05)
    assert one == pytest.approx(np.log(0.75), abs=0.05)


@settings(max_examples=15)
@given(problems(max_leaves=9, lossy=False), st.integers(1, 4))
def test_conditional_smc_equals_its_twin(problem, n):
    tokens = target_paths(problem, 3, 0)
    got = conditional_log_w(problem, n, tokens, 2, 5)
    assert got == pytest.approx(conditional_log_w_plain(problem, n, tokens, 2, 5), abs=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_conditional_smc_gives_the_exact_law_and_the_exact_second_moment(n):
    # 48 intervals at 1e-11 each: false failures below 1e-9
    problem, repeats = open_problem("reference:horizon=3"), 30_000
    exact = SMC(n).exact_law(problem)
    ratio = np.exp(conditional_log_w(problem, n, exact.tokens, repeats, 9) - problem.log_z)
    step = max(
        float(np.max(b) / np.min(a)) for a, b in zip(problem.prm, problem.prm[1:], strict=False)
    )
    for y in range(8):
        forced = np.exp(problem.log_reward[y] - problem.log_z) / n**3
        m = path_second_moment(problem, n, exact.tokens[y : y + 1])[0]
        moment = mean_interval(ratio[y], 1 - 1e-11, 0.0, step**3)
        law = mean_interval(1 / ratio[y], 1 - 1e-11, 0.0, 1 / forced)
        assert moment.low <= m <= moment.high
        assert law.low - 1e-9 <= exact.law[y] / exact.target[y] <= law.high + 1e-9
        assert law.high - law.low < 0.12  # power: at N = 2 the ratios run from 0.7 to 1.3


@pytest.mark.slow
def test_density_ratio_brackets_the_error():
    problem, sampler = open_problem("reference:horizon=4"), SMC(8)
    exact = sampler.exact_law(problem).tv
    d = density_ratio(problem, sampler, 2_000, rng=2, confidence=1 - 1e-9, repeats=32)
    # normal at 6 standard errors: false failures below 1e-8... each side one-sided 1e-9
    assert d.low - 6 * d.low_error <= exact <= d.high + 6 * d.high_error
    assert exact <= d.upper < exact + 0.1
    assert d.low < d.high
    perfect = density_ratio(open_problem("product:horizon=1"), SMC(1), 50, rng=0)
    assert perfect.low <= 1 / 6 + 0.2


def test_density_ratio_is_refused_where_it_does_not_hold():
    problem = open_problem("reference:horizon=3")
    for sampler in (SMC(4, "systematic"), SMC(4, block=2), SMC(4, select="best")):
        with pytest.raises(InputError, match="multinomial"):
            density_ratio(problem, sampler, 10, rng=0)


def test_few_particles_on_a_long_horizon_have_a_sharp_upper_limit():
    """Conditional runs bring the limit nearer than the shortfall; right beyond 1 - 1e-9."""
    problem = open_problem("product:horizon=64")
    found = bracket(problem, SMC(8), 1_000, rng=1, confidence=1 - 1e-9)
    exact = product_tv(64, 8)
    assert found.low <= exact <= found.high
    assert found.certificates["density ratio"] < 0.8 * found.certificates["shortfall"]
    assert paths_within_reach(problem, SMC(1), 1_000)[0] == 0
    repeats = [paths_within_reach(problem, SMC(n), 1_000)[1] for n in (2, 8, 64)]
    assert repeats == [64, 32, 16]
