"""The bracket against exact laws; each random assertion states its false-failure rate."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import binom

from simulator.exact.law import total_variation
from simulator.exact.lumped import product_tv
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.measure import error, stepwise
from simulator.measure.confidence import BettingUpper
from simulator.measure.error import bracket
from simulator.measure.largest_steps import largest_steps
from simulator.measure.plug_in import PlugIn
from simulator.measure.stepwise import plain_problem, stepwise_samples
from simulator.measure.witness import Event
from simulator.problem.families.product import product
from simulator.problem.families.two_branch import two_branch
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from theory.registry import bounds_for

SURE = 1 - 1e-9
FLAT = Problem(TabularModel.tree([[[0.5, 0.5]] * 2**h for h in range(8)]), [1.0] * 256, "exact")


def test_total_variation_counts_failure_as_error():
    assert total_variation([1.0], [0.0]) == 1.0
    assert total_variation([0.2, 0.8], [0.8, 0.2]) == pytest.approx(0.6)


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("scheme", ["multinomial", "systematic"])
def test_bracket_contains_the_exact_error(n, scheme):
    # confidence 1 - 1e-9 each: six cases fail by chance with probability < 6e-9
    problem = open_problem("reference:horizon=3")
    sampler = SMC(n, resampling=scheme)
    exact = sampler.exact_law(problem).tv
    b = bracket(problem, sampler, 200_000, rng=5, confidence=SURE)
    assert b.low <= exact <= b.high
    # power: it is tight enough to tell N from 2N (their errors differ by 0.04 or more)
    assert b.high - b.low < 0.03
    assert set(b.certificates) >= {"shortfall", "plug-in"}
    assert ("stepwise" in b.certificates) == (scheme == "multinomial" or n == 1)
    assert b.rao_blackwell - b.rao_blackwell_bias < exact + 0.01
    assert b.rao_blackwell_bias <= b.plug_in_bias


@pytest.mark.slow
@pytest.mark.parametrize(("n", "confidence"), [(1, 0.8), (3, 0.9)])
def test_coverage_over_a_thousand_brackets(n, confidence):
    # failures are at most Bin(1000, 1 - confidence): false failures below 1e-9
    problem, sampler = open_problem("reference:horizon=3"), SMC(n)
    exact = sampler.exact_law(problem).tv
    seeds = np.random.SeedSequence(n).spawn(1000)
    found = [bracket(problem, sampler, 400, rng=s, confidence=confidence) for s in seeds]
    delta = 1 - confidence
    above = sum(b.low > exact for b in found)
    below = sum(b.high < exact for b in found)
    assert max(above, below) <= binom.isf(1e-9, 1000, delta / 2)
    assert above + below <= binom.isf(1e-9, 1000, delta)
    assert np.mean([b.high - b.low for b in found]) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "n", "runs"), [(1_000, 8, 2_000), (10_000, 16, 400)])
def test_product_at_long_horizons(horizon, n, runs):
    # false failures below 1e-9 each; power: the lower limit is most of the exact error
    b = bracket(product(horizon), SMC(n), runs, rng=0, confidence=SURE)
    exact = product_tv(horizon, n)
    assert 0.6 * exact < b.low <= exact <= b.high
    assert b.witness.startswith(("token 1 at most", "likelihood"))


@pytest.mark.slow
@pytest.mark.parametrize(("horizon", "n", "runs"), [(1_000, 32, 5_000), (10_000, 32, 1_000)])
def test_two_branch_at_long_horizons(horizon, n, runs):
    # false failures below 1e-9 each; power: the lower limit is more than a third of the error
    b = bracket(two_branch(horizon), SMC(n), runs, rng=0, confidence=SURE)
    exact = two_branch_tv(horizon, n)
    assert exact.high - exact.low < 0.02 * exact.low
    assert exact.low / 3 < b.low <= exact.low <= exact.high <= b.high


@pytest.mark.slow
def test_stepwise_limit_is_the_best_where_particles_are_many():
    problem, sampler = two_branch(16), SMC(256)
    b = bracket(problem, sampler, 3_000, rng=0)
    assert b.certificates["stepwise"] < b.certificates["shortfall"]
    exact = two_branch_tv(16, 256)
    assert b.low <= exact.low <= exact.high <= b.high
    assert b.density.low <= b.density.high


def test_lost_mass_counts_as_error():
    # pi*(path 1) = 3/4 is lost: the error is 3/4 for every N; false failures below 1e-9
    tree = TabularModel.tree([[[0.5, 0.5]], [[1.0, 0.0], [0.5, 0.5]]])
    problem = Problem(tree, [1.0, 1.0, 3.0, 3.0], [[1.0], [1.0, 0.0], [1.0, 1.0, 3.0, 3.0]])
    exact = SMC(4).exact_law(problem).tv
    b = bracket(problem, SMC(4), 20_000, rng=3, confidence=SURE)
    assert exact == pytest.approx(0.75)
    assert exact - 0.05 < b.low <= exact <= b.high < exact + 0.05
    assert b.failure == pytest.approx(0.5**4, abs=0.02)


@dataclass(frozen=True)
class Weightless:
    """Draws from a law on terminal states, estimates no Z, keeps no tokens."""

    law: tuple[float, ...]
    n_particles: int = 1
    properly_weighted = False

    def run(self, problem, n_runs, *, rng, keep=()):
        from simulator.samplers.runs import check_keep

        check_keep(keep, ())
        states = np.random.default_rng(rng).choice(len(self.law), n_runs, p=self.law)
        ones = np.ones(n_runs, dtype=np.int64)
        return Runs(states, None, np.zeros(n_runs, dtype=bool), ones, ones)


def test_a_sampler_without_weights_gets_what_applies():
    # false failures below 1e-9
    problem = open_problem("reference:horizon=3")
    law = np.full(8, 1 / 8)
    exact = total_variation(problem.target[-1], law)
    b = bracket(problem, Weightless(tuple(law)), 50_000, rng=0, confidence=SURE)
    assert list(b.certificates) == ["plug-in"]
    assert exact - 0.03 < b.low <= exact <= b.high < exact + 0.03
    assert b.rao_blackwell is None
    shared = bracket(two_branch(3), Weightless((0.9, 0.1)), 10_000, rng=0, confidence=SURE)
    assert shared.high == 1.0  # nothing certifies an upper limit of the error on paths
    assert 0.3 < shared.low <= 0.4


def test_events_are_tested_on_runs_that_they_were_not_learnt_on(monkeypatch):
    # the sampler is exact; a bracket that tests on the learning half "certifies" an error.
    # False failures below 1e-9.
    sampler = Weightless((1 / 256,) * 256)
    honest = bracket(FLAT, sampler, 400, rng=0, confidence=SURE)
    assert honest.low == 0.0
    learn = error.learn_event

    def learn_and_test(first, second, draws, delta):
        class Overfitted(Event):
            def lower(self, runs, draws, delta):
                return super().lower(first + second, draws, delta)

        return Overfitted(**vars(learn(first, second, draws, delta)))

    monkeypatch.setattr(error, "learn_event", learn_and_test)
    assert bracket(FLAT, sampler, 400, rng=0, confidence=SURE).low > 0.1


def every_limit_takes_the_share_of_one(monkeypatch):
    """`bracket` adds up how many limits apply."""
    monkeypatch.setattr(error, "sum", lambda applies: 1, raising=False)
    return bracket


def each_side_gets_all(monkeypatch):
    """`bracket` halves 1 - confidence."""
    return lambda *given, confidence, **options: bracket(
        *given, confidence=2 * confidence - 1, **options
    )


SPLITS = {
    "as it is": (lambda monkeypatch: bracket, True),
    "no union over the upper limits": (every_limit_takes_the_share_of_one, False),
    "each side gets all": (each_side_gets_all, False),
}


@pytest.mark.parametrize("name", SPLITS)
def test_the_error_probability_is_spent_once(monkeypatch, name):
    make, right = SPLITS[name]
    spent = []
    betting, plug_in = BettingUpper.__init__, PlugIn.upper
    monkeypatch.setattr(
        BettingUpper, "__init__",
        lambda self, n, delta: (spent.append(delta), betting(self, n, delta))[1],
    )  # fmt: skip
    monkeypatch.setattr(
        PlugIn, "upper", lambda self, delta: (spent.append(delta), plug_in(self, delta))[1]
    )
    lower = []
    for side in ("proportion_lower", "proportion_upper"):
        function = error.learn_event.__globals__[side]
        monkeypatch.setitem(
            error.learn_event.__globals__, side,
            lambda k, n, delta, f=function: (lower.append(delta), f(k, n, delta))[1],
        )  # fmt: skip
    b = make(monkeypatch)(open_problem("reference:horizon=3"), SMC(2), 1_000, rng=0, confidence=0.9)
    assert len(spent) == len(b.certificates) == 3
    # the last event tested is the one that counts, with draws of its own if need be
    last = lower[-1] if b.witness != "likelihood ratio" else lower[-1] + lower[-2]
    assert (sum(spent) + last <= 0.1 + 1e-12) == right
    assert sum(spent) + last >= 0.1 - 1e-12  # nothing is wasted


def test_one_step_errors_stop_at_the_cap():
    problem, sampler = two_branch(40), SMC(4)
    free = np.concatenate(list(stepwise_samples(problem, sampler, 300, 1)))
    capped = np.concatenate(list(stepwise_samples(problem, sampler, 300, 1, cap=0.3)))
    under = free <= 0.3
    assert 0 < under.sum() < 300
    assert capped[under] == pytest.approx(free[under])
    assert ((capped[~under] >= 1.0) & (capped[~under] <= 1.3)).all()


@pytest.mark.parametrize("name", ["reference:horizon=4", "random-tree:horizon=4,seed=1", "product"])
def test_largest_steps_are_above_what_is_seen(name):
    problem, n = open_problem(name), 8
    top = largest_steps(problem, n)
    assert (top < 1).all()
    sums = np.concatenate(list(stepwise_samples(problem, SMC(n), 50, 0)))
    assert sums.max() <= top.sum()


def test_one_step_errors_are_for_multinomial_smc_only():
    problem = open_problem("reference:horizon=3")
    no = (SMC(4, "systematic"), SMC(4, ess_threshold=0.5), SMC(4, block=2), SMC(4, select="best"))
    assert all(plain_problem(problem, s) is None for s in (*no, Weightless((1.0,))))
    assert plain_problem(problem, SMC(4)) is problem
    assert plain_problem(problem, SMC(4, proposal="optimal")) is not problem


def test_other_proposals_have_their_own_steps():
    # false failures below 1e-9
    problem, sampler = open_problem("reference:horizon=4"), SMC(4, proposal="optimal")
    b = bracket(problem, sampler, 20_000, rng=0, confidence=SURE)
    assert b.low <= sampler.exact_law(problem).tv <= b.certificates["stepwise"]


@pytest.mark.slow
def test_memory_is_flat_in_the_number_of_runs():
    problem, sampler = open_problem("reference:horizon=3"), SMC(2, "systematic")
    bracket(problem, sampler, 1_000, rng=0)
    peaks = []  # two parts are held at once: both numbers need several in each stage
    for n_runs in (160_000, 320_000):
        tracemalloc.start()
        bracket(problem, sampler, n_runs, rng=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]
    assert stepwise.WORK < 10**6


def test_statements_about_plain_smc_do_not_speak_of_blocks_and_other_proposals():
    problem = open_problem("reference:horizon=3")
    for sampler in (SMC(4, block=2), SMC(4, proposal="optimal")):
        assert [b.id for b in bounds_for(problem, sampler)] == ["Z"]
    assert len(bounds_for(problem, SMC(4))) > 10
