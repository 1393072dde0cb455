"""The first-order law against exact laws; every step that is a limit is seen to be one (T0)."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from scipy.stats import binom, nbinom

from simulator.errors import InputError, TooLargeError
from simulator.exact.lumped import product_one_probability, product_tv, two_branch_bias
from simulator.exact.second_moments import path_second_moment
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.facts import Facts
from simulator.samplers.registry import make_sampler
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from theory.laws import first_order
from theory.laws.at_size import exact_sizes
from theory.laws.first_order import first_order_law, why_no_law
from theory.laws.sigma import sigma

FAMILIES = {"smc": SMC, "smc-rs": SMCRejection, "sis": SIS}
TREE = open_problem("reference:horizon=2")
SHARED = open_problem(
    "random-automaton:n_states=2,n_actions=2,horizon=2,seed=3,edge_sigma=0.3,sigma=0.3"
)
LONG = open_problem("random-automaton:n_states=2,n_actions=2,horizon=5,seed=5,sigma=0.3")
# what is of order 1/N halves when N doubles, what is of order 1/sqrt(N) shrinks to .71 of itself
HALF = 0.6


def gap_of_paths(problem, name, n, numbers):
    """Largest |N (nu(y)/pi*(y) - 1) + sigma(y) - E sigma| over the paths of pi*."""
    law = FAMILIES[name](n).exact_law(problem)
    hit = law.target > 0
    target, values = law.target[hit], numbers(law.tokens[hit])
    scaled = n * (law.law[hit] / target - 1)
    return float(np.abs(scaled + values - target @ values).max())


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("problem", [TREE, SHARED], ids=["tree", "shared"])
def test_the_law_of_every_path_tends_to_its_first_order(problem, name):
    values = sigma(problem, name).values
    gaps = [gap_of_paths(problem, name, n, values) for n in (16, 32)]
    assert gaps[1] <= HALF * gaps[0]


def with_a_level_missed(problem):
    edges, right = problem.forward_backward.edges, sigma(problem, "smc")
    gain = right.gain.copy()
    gain[edges.start[-2] :] = 0.0
    return replace(right, gain=gain).values


def with_pi_hat_for_eta(problem):
    fb, edges = problem.forward_backward, problem.forward_backward.edges
    level = np.repeat(np.arange(1, problem.horizon + 1), np.diff(edges.start))
    log = problem.log_value_flat - problem.log_prm_flat
    gain = np.exp(log[edges.target] + fb.log_z_hat[level] - problem.log_z)
    return replace(sigma(problem, "smc"), gain=gain).values


@pytest.mark.parametrize("wrong", [with_a_level_missed, with_pi_hat_for_eta])
@pytest.mark.parametrize("problem", [TREE, SHARED], ids=["tree", "shared"])
def test_a_wrong_sigma_is_no_limit(problem, wrong):
    gaps = [gap_of_paths(problem, "smc", n, wrong(problem)) for n in (16, 32)]
    assert gaps[1] > HALF * gaps[0]
    assert gaps[1] > 0.1


@pytest.mark.parametrize("name", FAMILIES)
def test_without_its_centre_sigma_is_no_limit(name):
    law, values = FAMILIES[name](32).exact_law(TREE), sigma(TREE, name).values
    scaled = 32 * (law.law / law.target - 1)
    assert gap_of_paths(TREE, name, 32, values) < np.abs(scaled + values(law.tokens)).min()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("problem", [TREE, SHARED], ids=["tree", "shared"])
def test_error_and_accuracy_tend_to_their_constants(problem, name):
    best = np.arange(problem.model.n_states[-1]) == 1
    law = first_order_law(problem, FAMILIES[name](2), best)
    assert law.constant.exact
    assert law.constant.value > 0.05
    first, second = exact_sizes(problem, FAMILIES[name], best, (16, 32))
    a, gain = law.constant.value, -law.covariance
    assert abs(second.error - a) <= HALF * abs(first.error - a)
    assert abs(second.gain - gain) <= HALF * abs(first.gain - gain)
    assert second.error == 32 * FAMILIES[name](32).exact_law(problem).tv


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_at_five_levels_of_shared_states(name):
    gain = -first_order_law(LONG, FAMILIES[name](2), [True, False]).covariance
    assert abs(gain) > 1e-3
    gaps = []
    for n in (16, 32):
        law = FAMILIES[name](n).exact_law(LONG, "states")
        gaps.append(abs(n * (law.law[0] - law.target[0]) - gain))
    assert gaps[1] <= HALF * gaps[0]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("problem", [TREE, SHARED, LONG], ids=["tree", "shared", "long"])
def test_the_mean_weight_of_conditional_smc_leans_as_sigma_does(problem, name):
    """m(y) = 1 + (sigma(y) - K)/N + O(1/N^2), K the levels at which lineages coalesce."""
    law = SIS(2).exact_law(problem)
    paths = law.tokens[law.target > 0]
    levels = {"smc": problem.horizon, "smc-rs": problem.horizon - 1, "sis": 1}[name]
    leaning = sigma(problem, name).values(paths) - levels
    rest = [
        np.abs(n * (path_second_moment(problem, n, paths, name) - 1) - leaning).max()
        for n in (256, 512)
    ]
    assert rest[1] <= HALF * rest[0] + 1e-10  # of SIS nothing is left


@given(problems(max_leaves=16, lossy=False))
def test_constants_are_those_of_the_enumerated_paths(problem):
    law = SIS(2).exact_law(problem)
    hit = law.target > 0
    states = problem.model.n_states[-1]
    even = np.arange(states) % 2 == 0
    on_states = [SIS(1).exact_law(problem, "states").target, problem.target[-1]]
    assert on_states[0] == pytest.approx(on_states[1], abs=1e-12)
    for name, make in FAMILIES.items():
        numbers = sigma(problem, name)
        values, target = numbers.values(law.tokens[hit]), law.target[hit]
        found = first_order_law(problem, make(2), even)
        size = 1e-12 * max(values.max(), 1.0)
        mean = target @ values
        assert found.constant.exact
        assert found.constant.value == pytest.approx(target @ abs(values - mean) / 2, abs=size)
        right = even[ends(problem, law.tokens[hit])]
        assert found.probability == pytest.approx(target @ right, abs=1e-12)
        covariance = target @ (values * right) - mean * (target @ right)
        assert found.covariance == pytest.approx(covariance, abs=4 * size)


def ends(problem, tokens):
    state = np.zeros(len(tokens), dtype=int)
    for h in range(problem.horizon):
        state = problem.model.next_state[h][state, tokens[:, h]]
    return state


def test_on_the_reference_trees_the_constants_are_these():
    """Pinned: what enumeration of the paths and all passes over edges have agreed on."""
    found = {
        (horizon, name): first_order_law(open_problem(f"reference:horizon={horizon}"), make(2))
        for horizon in (2, 3)
        for name, make in FAMILIES.items()
    }
    assert {k: round(v.constant.value, 6) for k, v in found.items()} == {
        (2, "smc"): 0.599588, (2, "smc-rs"): 0.310928, (2, "sis"): 0.263374,
        (3, "smc"): 0.453006, (3, "smc-rs"): 0.373419, (3, "sis"): 0.164609,
    }  # fmt: skip


# long horizons


def binomial_constant(horizon):
    """On the product instance sigma is 2/3 (H + number of ones), and the ones are Bin(H, 2/3)."""
    ones = np.arange(horizon + 1)
    return float(binom.pmf(ones, horizon, 2 / 3) @ np.abs(ones - 2 * horizon / 3)) / 3


def test_on_the_product_instance_the_measured_constant_is_that_of_a_binomial():
    problem, exact = open_problem("product:horizon=64"), binomial_constant(64)
    found = first_order_law(problem, SMC(8), rng=1, confidence=1 - 1e-9).constant
    assert found.low <= exact <= found.high  # fails with probability 1e-9
    assert found.high - found.low < 0.2
    assert not found.exact
    # a sigma without its centre would be at 2/3 (64 + 128/3)/2 = 35.6
    assert (round(exact / 8, 3), round(product_tv(64, 8), 3)) == (0.126, 0.129)
    gaps = [abs(n * product_tv(64, n) - exact) for n in (64, 128)]
    assert gaps[1] <= HALF * gaps[0]
    small = first_order_law(open_problem("product:horizon=12"), SMC(2)).constant
    assert small.exact
    assert small.value == pytest.approx(binomial_constant(12), rel=1e-12)


@pytest.mark.slow
def test_on_the_two_branch_instance_the_covariance_is_the_drift():
    problem = open_problem("two-branch:horizon=64")
    quiet = noisy_states(problem)
    law = first_order_law(problem, SMC(2), quiet, n_draws=1000)
    assert law.probability == pytest.approx(0.5, abs=1e-12)
    gaps = [abs(-n * two_branch_bias(64, n) + law.covariance) for n in (256, 512)]
    assert law.covariance > 1
    assert gaps[1] <= HALF * gaps[0]


def noisy_states(problem):
    """Which terminal states are in the branch whose first bit is one."""
    there = problem.model.next_state[0][0, 1]
    for h in range(1, problem.horizon):
        (there,) = set(problem.model.next_state[h][there].tolist())
    return np.arange(problem.model.n_states[-1]) == there


def test_the_interval_does_not_hang_on_how_many_paths_are_drawn_at_once(monkeypatch):
    problem = open_problem("product:horizon=20")
    found = first_order_law(problem, SMC(2), n_draws=3000, rng=5)
    monkeypatch.setattr(first_order, "CELLS", 1024 * 20)
    assert first_order_law(problem, SMC(2), n_draws=3000, rng=5) == found


@pytest.mark.parametrize("name", FAMILIES)
def test_enumerated_and_drawn_constants_agree(name, monkeypatch):
    exact = first_order_law(SHARED, FAMILIES[name](2)).constant.value
    monkeypatch.setattr(first_order, "PATHS", 1)
    found = first_order_law(SHARED, FAMILIES[name](2), rng=2, confidence=1 - 1e-9).constant
    assert not found.exact
    assert found.low <= exact <= found.high  # fails with probability 1e-9


def test_where_the_sampler_is_exact_the_constant_is_zero():
    for problem in (open_problem("product:horizon=64"), TREE.with_prm("exact")):
        found = first_order_law(problem, SMCRejection(2)).constant
        assert found.exact
        assert found.value == 0


# whom it speaks of


@dataclass(frozen=True)
class Foreign:
    """A sampler of somebody else that declares the law of SMC and no cost."""

    n_particles: int

    def facts(self, problem):
        return Facts(drawn=True, family="smc", variance="multinomial")


def test_facts_decide_and_not_names():
    found = first_order_law(TREE, Foreign(4))
    assert found.constant == first_order_law(TREE, SMC(4)).constant
    assert found.evaluations is None


def lossy():
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    return Problem(model, [1] * 4, [[1], [0, 1], [1] * 4])


@pytest.mark.parametrize(
    ("problem", "sampler", "reason"),
    [
        (TREE, SMC(1), "two particles or more: with one, nothing is resampled"),
        (TREE, SMC(4, resampling="systematic"), "multinomial SMC at every level"),
        (TREE, SMC(4, ess_threshold=0.5), "multinomial SMC at every level"),
        (TREE, SMC(4, block=2), "multinomial SMC at every level"),
        (TREE, SMC(4, select="best"), "an output drawn from the last weighted cloud"),
        (TREE, make_sampler("smc-ind", 4), "multinomial SMC at every level"),
        (TREE, make_sampler("smc-restart", 4), "multinomial SMC at every level"),
        (TREE, make_sampler("dmc", 4, z_bound=10.0), "that no run is started again"),
        (TREE, make_sampler("best-of-n", 4), "multinomial SMC at every level"),
        (lossy(), SMC(4), "no lost mass"),
        (lossy(), SMCRejection(4), "no lost mass"),
    ],
)
def test_what_it_does_not_speak_of_is_refused_by_name(problem, sampler, reason):
    assert why_no_law(problem, sampler).startswith(f"needs: {reason}")
    with pytest.raises(InputError, match=rf"\Alaw: needs: {reason}[^\n]*\Z"):
        first_order_law(problem, sampler)


def test_sis_asks_for_v_hat_at_the_ends_only():
    found = first_order_law(lossy(), SIS(4))
    assert found.constant.value == 0


@pytest.mark.parametrize(
    "event", [[True], [0, 1, 0, 1], [[True, False, True, False]], "best", None]
)
def test_events_that_do_not_fit_are_refused(event):
    if event is None:
        assert first_order_law(TREE, SMC(2)).covariance is None
        return
    with pytest.raises(InputError, match=r"\Acorrect: not an array of truth values.*4 terminal"):
        first_order_law(TREE, SMC(2), event)


def test_bad_numbers_are_refused():
    with pytest.raises(InputError, match=r"\An_draws: "):
        first_order_law(TREE, SMC(2), n_draws=1)
    with pytest.raises(InputError, match=r"\Aconfidence: "):
        first_order_law(TREE, SMC(2), confidence=1.0)
    with pytest.raises(InputError, match="not a problem"):
        first_order_law("reference", SMC(2))


def test_a_sigma_beyond_floats_is_refused():
    rows = [[[1 - 1e-200, 1e-200]], [[1 - 1e-200, 1e-200]] * 2]
    rare = Problem(TabularModel.tree(rows), [0.0, 0.0, 0.0, 1.0], "exact")
    with pytest.raises(TooLargeError, match=r"\Alaw: sigma is beyond the range of floats\Z"):
        first_order_law(rare, SIS(2))


# what a particle costs


@pytest.mark.parametrize("problem", [TREE, SHARED, LONG], ids=["tree", "shared", "long"])
def test_declared_costs_are_those_of_runs(problem):
    for sampler in (SMC(8), SIS(8), SMCRejection(8, method="enumerate")):
        cost = first_order_law(problem, sampler).evaluations
        assert (sampler.run(problem, 8, rng=1).prm_evaluations == 8 * cost).all()


def test_by_rejection_the_cost_is_that_of_the_limit():
    """With a perfect PRM W_h does not vary, so proposals are geometric and sums of them known."""
    problem, n, runs = open_problem("product:horizon=8"), 16, 200
    cost = first_order_law(problem, SMCRejection(n)).evaluations
    assert cost == pytest.approx(8 * 4 / 3, rel=1e-12)
    accepted = n * runs * 8
    total = SMCRejection(n).run(problem, runs, rng=3).prm_evaluations.sum()
    low, high = nbinom(accepted, 3 / 4).ppf([5e-10, 1 - 5e-10])  # fails with probability 1e-9
    assert low <= total - accepted <= high
    dearer = first_order_law(problem, SMCRejection(n, eta=8 / 3)).evaluations
    assert dearer == pytest.approx(2 * cost, rel=1e-12)


def test_the_cost_is_not_declared_where_runs_start_again_or_no_particle_comes_through():
    none_alive = Problem(lossy().model, [1] * 4, [[1], [0, 0], [1] * 4])
    assert SMCRejection(4).facts(none_alive).evaluations is None
    assert make_sampler("smc-restart", 4).facts(TREE).evaluations is None
    assert make_sampler("dmc", 4, z_bound=10.0).facts(TREE).evaluations is None


def test_the_product_law_itself_is_of_first_order():
    gaps = [abs(n * (2 / 3 - product_one_probability(n)) - 4 / 27) for n in (512, 1024)]
    assert gaps[1] <= HALF * gaps[0]
    one = first_order_law(open_problem("product:horizon=1"), SMC(2))
    assert one.constant.value == pytest.approx(4 / 27, rel=1e-12)
