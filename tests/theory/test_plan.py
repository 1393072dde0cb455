"""Plans: each N is the smallest at which its statement, or the exact error, is small enough."""

import pytest

from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from theory.plan import plan
from theory.registry import BOUNDS

COIN = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
TREE = open_problem("reference:horizon=3")


@pytest.mark.parametrize(("problem", "epsilon"), [(COIN, 0.1), (COIN, 0.03), (TREE, 0.17)])
def test_every_particle_number_is_the_smallest(problem, epsilon):
    found = plan(problem, SMC, epsilon, n_runs=2000, rng=1)
    assert set(found.asked) == {b.id for b in BOUNDS.values() if b.applicable(problem, SMC(2))}
    for name, n in found.asked.items():
        bound = BOUNDS[name]
        assert bound.measured or bound.value(problem, SMC(n)) <= epsilon
        assert bound.measured or n == 1 or bound.value(problem, SMC(n - 1)) > epsilon
    assert found.exact
    assert found.enough == found.too_few + 1
    assert SMC(found.enough).exact_law(problem).tv <= epsilon
    assert SMC(found.too_few).exact_law(problem).tv > epsilon
    assert all(n >= found.enough for n in found.asked.values())


@pytest.mark.slow
def test_where_enumeration_ends_runs_leave_a_gap(monkeypatch):
    monkeypatch.setattr("theory.plan.bounds_for", lambda *_: [BOUNDS["S1"]])
    problem = open_problem("lm-digits2")
    found = plan(problem, SMC, 0.2, n_runs=50_000, rng=1)
    # the notes of the table: error .265 at N = 8 and .157 at N = 16
    assert not found.exact
    assert 8 <= found.too_few < found.enough <= 16


@pytest.mark.slow
def test_measured_bounds_do_not_move_the_truth(monkeypatch):
    """Whatever bounds there are, the runs that tell the error are the same."""
    monkeypatch.setattr("theory.plan.LIMIT", 1.0)  # nothing is enumerated
    found = []
    for ids in (("S1",), ("TJ", "S1"), ("S1", "Z", "TJ")):
        monkeypatch.setattr("theory.plan.bounds_for", lambda *_, ids=ids: [BOUNDS[i] for i in ids])
        told = [plan(TREE, SMC, 0.1, n_runs=1000, rng=seed) for seed in range(8)]
        assert all(not each.exact and list(each.asked) == list(ids) for each in told)
        found.append([(each.enough, each.too_few, each.first_order) for each in told])
    assert len(set(found[0])) > 1  # it is runs that tell it
    assert found[0] == found[1] == found[2]


def test_infinite_bounds_ask_for_no_number(monkeypatch):
    monkeypatch.setattr("theory.plan.MOST_SAMPLED", 64)
    deep = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    levels = [[1.0], [0.0, 1.0], [1.0, 1.0, 1.0, 3.0]]
    lossy = Problem(deep, levels[2], levels)
    found = plan(lossy, SMC, 0.34, n_runs=200, rng=1)  # 1/3 is lost at any N
    assert found.asked["S1"] is None
    assert found.enough == found.too_few + 1
    assert found.least_error == pytest.approx(1 / 3)


@pytest.mark.parametrize("epsilon", [0.0, 1.0, -1.0, float("nan")])
def test_errors_that_cannot_be_wanted_are_refused(epsilon):
    with pytest.raises(InputError, match=r"\Aepsilon: .* is not a number in \(0, 1\)\Z"):
        plan(COIN, SMC, epsilon)


@pytest.mark.parametrize(("c", "enough"), [(0.5, (4, 2, 1)), (1, (7, 4, 2)), (2, (12, 7, 3))])
def test_fewer_particles_on_longer_horizons_of_a_bounded_reward(monkeypatch, c, enough):
    """The table of tests/simulator/exact/test_lumped.py, where no law can be enumerated."""
    monkeypatch.setattr("theory.plan._upper", lambda *_: [])
    monkeypatch.setattr("theory.plan.why_no_law", lambda *_: "not asked for here")
    for horizon, n in zip((8, 32, 256), enough, strict=True):
        problem = open_problem(f"product:horizon={horizon},ratio={1 + 2 * c / horizon!r}")
        found = plan(problem, SMC, 0.02)
        assert (found.enough, found.too_few, found.exact) == (n, n - 1, True)
