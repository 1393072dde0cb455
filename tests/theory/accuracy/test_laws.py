"""Laws A1 to A4: each step in fractions, the limits on random problems, and wrong variants (T0)."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.exact.second_moments import path_second_moment
from simulator.measure.accuracy_law import pass_upper
from simulator.measure.cloud_accuracy import SELECT, exact_accuracy
from simulator.problem.events import chance_ahead, earning, shortened
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.beam import Beam
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.right_answers import CASES, chances, random_problem
from tests.support.systems import final_weights, levels
from theory.accuracy import path_means
from theory.accuracy.answers import Draws
from theory.accuracy.highest import blocks_of_scores, highest_accuracy
from theory.accuracy.hits import Hits
from theory.accuracy.laws import accuracy_limits
from theory.accuracy.passed import passed_accuracy
from theory.accuracy.path_means import inverse_means
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.voted import voted_accuracy

ROUNDING = 1e-9
SMALL = [c for c in CASES if c[2] == 2][::4]


def output_law(tree, n):
    """P(output = y), in fractions."""
    *_, last = levels(tree, n)
    law = dict.fromkeys(tree.paths, Fraction(0))
    for (nu, _), p in last.items():
        for y, share in nu:
            law[y] += p * share
    return law


def mean_weight(tree, n, y):
    """m(y), in fractions."""
    return sum(w * p for w, p in final_weights(tree, n, y).items()) / tree.z_alive


def event_of(problem, right):
    return np.array([y in right for y in Tree(problem).paths])


@pytest.mark.parametrize("case", SMALL)
def test_the_output_has_a_share_of_every_path_and_of_every_event(case):
    """nu(y) >= pi*(y)/m(y); so two sums, over E and over its complement, in fractions."""
    seed, n, horizon = case
    problem, right = random_problem(seed, horizon)
    tree = Tree(problem)
    law = output_law(tree, n)
    floor = {y: tree.target(y) / mean_weight(tree, n, y) for y in tree.paths if tree.v[y] > 0}
    assert all(law[y] >= x for y, x in floor.items())
    low = sum(x for y, x in floor.items() if y in right)
    high = 1 - sum(x for y, x in floor.items() if y not in right)
    assert low <= sum(law[y] for y in right) <= high
    found = sampled_accuracy(problem, SMC(n), event_of(problem, right))
    assert (found.low, found.high) == pytest.approx((float(low), float(high)), abs=ROUNDING)
    assert found.predicted == pytest.approx(float(low / sum(floor.values())), abs=ROUNDING)


@pytest.mark.parametrize("case", SMALL)
def test_a_reward_of_one_on_an_event_has_the_same_proposals(case):
    """The run fails as often as nothing is hit; its output is no rarer than pi*_E/m_E."""
    seed, n, horizon = case
    problem, right = random_problem(seed, horizon)
    event = event_of(problem, right)
    if not event.any():
        assert passed_accuracy(problem, SMC(n), event).high == 0
        return
    hit, _ = chances(seed, n, horizon)
    tree = Tree(earning(problem, event))
    law = output_law(tree, n)
    assert sum(law.values()) == hit
    floor = [tree.target(y) / mean_weight(tree, n, y) for y in tree.paths if tree.v[y] > 0]
    assert sum(floor) <= hit
    m = path_second_moment(earning(problem, event), n, tree.paths)
    assert float(sum(floor)) == pytest.approx(
        float((np.array([float(tree.target(y)) for y in tree.paths]) / m).sum()), abs=ROUNDING
    )
    assert passed_accuracy(problem, SMC(n), event).low >= float(sum(floor)) - ROUNDING


@pytest.mark.parametrize("case", SMALL)
def test_the_chance_of_one_proposal_has_an_upper_limit(case):
    """a <= c - E_{pi^_{H-1}}[(c - p_E)/m'], in fractions on the problem that stops earlier."""
    seed, n, horizon = case
    problem, right = random_problem(seed, horizon)
    event = event_of(problem, right)
    _, a = chances(seed, n, horizon)
    tree = Tree(shortened(problem))
    ahead = {x: Fraction(float(p)) for x, p in zip(tree.paths, chance_ahead(problem, event),
                                                   strict=True)}  # fmt: skip
    most = max(ahead.values())
    gap = sum(tree.target(x) * (most - ahead[x]) / mean_weight(tree, n, x)
              for x in tree.paths if tree.v[x] > 0)  # fmt: skip
    assert a <= most - gap
    if event.any():
        found = passed_accuracy(problem, SMC(n), event)
        assert found.high == pytest.approx(pass_upper(float(most - gap), n), abs=ROUNDING)


SAMPLERS = (SMC(1), SMC(2), SMC(3), SMCRejection(2), SIS(2), SMC(2, proposal="uniform"))


@pytest.mark.slow
@given(problems(max_leaves=12, max_horizon=3), st.sampled_from(SAMPLERS), st.data())
@settings(max_examples=150)
def test_exact_accuracies_lie_between_their_limits(problem, sampler, data):
    """With zeros, lost mass, shared states and edge rewards."""
    size = int(problem.model.n_states[-1])
    right = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    for select in SELECT:
        if select == "best" and (problem.has_edge_reward or not isinstance(sampler, SMC)):
            continue
        try:
            exact = exact_accuracy(problem, sampler, right, select)
        except InputError as reason:
            assume("proposal" not in str(reason))
            raise
        found = accuracy_limits(problem, sampler, right, select)
        assert found.confidence == 1
        assert found.low - ROUNDING <= exact <= found.high + ROUNDING, select
        if found.predicted is not None:
            assert 0 <= found.predicted <= 1 + ROUNDING


@pytest.mark.slow
@given(problems(max_leaves=9, max_horizon=3, tree=True, edges=False), st.integers(1, 2), st.data())
@settings(max_examples=60)
def test_the_highest_score_is_what_is_hit_and_nothing_above(problem, n, data):
    """Distinct scores: an identity. The scores of the strategy are tied; here they are not."""
    size = int(problem.model.n_states[-1])
    order = np.array(data.draw(st.permutations(range(size))))
    score = np.where(np.isfinite(problem.log_reward), 0.1 * order, -np.inf)
    inner = problem.log_prm_flat[: int(problem.model.state_start[-2])]
    problem = Problem.from_log(problem.model, score, np.concatenate([inner, score]))
    chosen = SMC(n, select="best").exact_law(problem).law
    blocks = blocks_of_scores(problem, most=size)
    assert len(blocks) == np.isfinite(problem.log_reward).sum()
    for reached, higher in blocks:
        (y,) = np.flatnonzero(reached & ~higher)
        hits = [exact_accuracy(problem, SMC(n), e, "any") for e in (reached, higher)]
        assert hits[0] - hits[1] == pytest.approx(chosen[y], abs=ROUNDING)


def test_blocks_keep_ties_together_and_are_as_few_as_asked():
    model = TabularModel.tree([[[0.25] * 4]])
    problem = Problem(model, [2.0, 0.0, 2.0 * (1 + 1e-12), 1.0], "exact")
    blocks = blocks_of_scores(problem)
    assert [(a.tolist(), b.tolist()) for a, b in blocks] == [
        ([True, False, True, False], [False] * 4),
        ([True, False, True, True], [True, False, True, False]),
    ]
    many = blocks_of_scores(reference(4), most=3)
    assert len(many) == 3
    assert many[-1][0].all()


@pytest.mark.parametrize("sampler", [SMC(2), SMCRejection(3), SIS(2)], ids=repr)
def test_limits_of_several_events_are_those_of_each(sampler):
    problem = reference(3)
    events = [np.arange(8) % 3 == 1, np.zeros(8, dtype=bool), np.arange(8) > 4]
    hits = Hits(problem, sampler)
    low, high = hits.at_least(events, Draws()), hits.at_most(events, Draws())
    for event, least, most in zip(events, low, high, strict=True):
        alone = passed_accuracy(problem, sampler, event)
        assert (least.low, most.high, most.value) == pytest.approx(
            (alone.low, alone.high, alone.predicted), abs=1e-14
        )


# --- where paths are drawn -----------------------------------------------------------------------


def no_listing(monkeypatch):
    monkeypatch.setattr(path_means, "PATHS", 0)


def test_a_perfect_prm_needs_no_paths_at_any_scale_of_its_levels(monkeypatch):
    problem = reference(4).with_prm("exact")
    scaled = problem.with_prm([v * c for v, c in zip(problem.prm, (3, 0.1, 5, 2, 1), strict=True)])
    right = [np.arange(16) % 3 == 0, np.arange(16) > 4]
    cases = [(p, n, kind) for p in (problem, scaled) for n in (1, 3) for kind in ("smc", "smc-rs")]
    functions = [r.astype(float) for r in right]
    listed = [inverse_means(p, n, kind, functions, Draws()) for p, n, kind in cases]
    no_listing(monkeypatch)
    for (p, n, kind), want in zip(cases, listed, strict=True):
        found = inverse_means(p, n, kind, functions, Draws(2))
        assert [x.value for x in found] == pytest.approx([x.value for x in want], abs=1e-12)
        assert all(x.exact for x in found)
    assert not inverse_means(reference(4), 2, "smc", functions, Draws(50))[0].exact


@pytest.mark.slow
@pytest.mark.parametrize("sampler", [SMC(4, select="best"), SMC(4), SMCRejection(4)], ids=repr)
def test_measured_limits_hold_and_come_near_the_listed_ones(monkeypatch, sampler):
    """At confidence 1 - 1e-9: a false failure has that probability, at each of three seeds."""
    problem = open_problem("random-tree:horizon=4,seed=5")
    right = problem.reward > np.median(problem.reward)
    ways = [w for w in ("sample", "any", "best")
            if (w == "best") == (getattr(sampler, "select", "") == "best")]  # fmt: skip
    listed = {way: accuracy_limits(problem, sampler, right, way) for way in ways}
    exact = {way: exact_accuracy(problem, sampler, right, way) for way in ways}
    no_listing(monkeypatch)
    for seed in range(3):
        for way in ways:
            found = accuracy_limits(problem, sampler, right, way, Draws(4000, seed, 1 - 1e-9))
            assert found.confidence == pytest.approx(1 - 1e-9)
            assert found.low <= exact[way] <= found.high
            assert found.low <= listed[way].low + ROUNDING
            assert listed[way].high - ROUNDING <= found.high
            if way != "best":
                assert found.low > listed[way].low - 0.15
                assert found.predicted == pytest.approx(listed[way].predicted, abs=0.05)


def test_the_same_seed_draws_the_same_and_parts_differ():
    a, b = Draws(10, 3).split(2)
    assert a.rng.entropy != b.rng.entropy
    assert [x.rng.entropy for x in Draws(10, 3).split(2)] == [a.rng.entropy, b.rng.entropy]
    assert a.confidence == pytest.approx(0.995)


# --- wrong variants and refusals -----------------------------------------------------------------


def violations(limit):
    """How many of the trees have an accuracy beyond a (low, high) that is made of its parts."""
    count = 0
    for seed, n, horizon in CASES[::3]:
        problem, right = random_problem(seed, horizon)
        event = event_of(problem, right)
        ours, theirs = inverse_means(problem, n, "smc", [event * 1.0, ~event * 1.0], Draws())
        exact = exact_accuracy(problem, SMC(n), event)
        low, high = limit(ours.value, theirs.value, float(problem.target[-1][event].sum()))
        count += not low - ROUNDING <= exact <= high + ROUNDING
    return count


@pytest.mark.slow
def test_wrong_limits_of_the_output_are_violated():
    assert violations(lambda ours, theirs, target: (ours, 1 - theirs)) == 0
    assert violations(lambda ours, theirs, target: (ours, 1)) == 0
    assert violations(lambda ours, theirs, target: (0, ours)) > 5  # no complement
    assert violations(lambda ours, theirs, target: (target, 1)) > 5  # m left out
    assert violations(lambda ours, theirs, target: (1 - theirs, 1)) > 5  # exchanged


def test_wrong_limits_of_a_hit_are_violated():
    """N - 1 proposals, and the reward of the problem in place of 1_E in the upper limit."""
    few = free = 0
    for seed, n, horizon in CASES[::3]:
        problem, right = random_problem(seed, horizon)
        event = event_of(problem, right)
        exact = exact_accuracy(problem, SMC(n), event, "any")
        high = passed_accuracy(problem, SMC(n), event).high
        a = -math.expm1(math.log1p(-high) / n) if high < 1 else 1.0
        few += exact > pass_upper(a, n - 1) + ROUNDING
        free += exact > a + ROUNDING
    assert few > 5
    assert free > few


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda p, e: sampled_accuracy(p, SMC(2, select="best"), e), "needs: an output drawn"),
        (lambda p, e: sampled_accuracy(p, SMC(2, "systematic"), e), "needs: multinomial SMC"),
        (lambda p, e: passed_accuracy(p, SMC(2, "residual"), e), "needs: clouds of SMC with"),
        (lambda p, e: passed_accuracy(p, SMCRestart(2), e), "needs: clouds of SMC with"),
        (lambda p, e: voted_accuracy(p, Beam(2), e), "needs: clouds of SMC with"),
        (lambda p, e: highest_accuracy(product(2), SMC(2), np.array([True])), "edge_reward"),
        (lambda p, e: sampled_accuracy(p, SMC(2), e[:3]), "correct"),
        (lambda p, e: accuracy_limits(p, SMC(2), e, "most"), "select"),
        (lambda p, e: accuracy_limits("p", SMC(2), e), "not a problem"),
        (lambda p, e: Draws(1), "n_draws"),
        (lambda p, e: Draws(confidence=1.0), "confidence"),
    ],
)
def test_what_the_laws_do_not_speak_of_is_named(call, named):
    problem = reference(3)
    with pytest.raises(InputError, match=named):
        call(problem, problem.reward > 2.5)


def test_the_vote_goes_where_the_target_goes():
    """1 - O(1/N) either way: N times the odds of the other side tend to a constant."""
    problem = reference(4)
    right = problem.reward > 1.5
    assert problem.target[-1][right].sum() > 0.5
    for event in (right, ~right):
        odds = []
        for n in (256, 1024):
            found = voted_accuracy(problem, SMC(n), event)
            share = found.low if event is right else 1 - found.high
            odds.append(n * (1 - share) / share)
        assert odds[1] == pytest.approx(odds[0], rel=0.01)
