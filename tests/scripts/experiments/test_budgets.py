"""How many runs the measured cells of large figures make (T0)."""

import pytest

from scripts.experiments.cost import COST_RUNS, PILOT_RUNS, affordable, mean_cost
from scripts.experiments.trees import PROBLEMS, SIZES, cells
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC


@pytest.mark.parametrize(
    ("runs", "evaluations", "made"),
    [(5_000, 4, 5_000), (5_000, 2_500, 5_000), (5_000, 10_000, 1_250), (5_000, 1e9, 200),
     (500_000, 50_000, 25_000), (300, 1e9, 200), (150, 1e9, 150)],
)  # fmt: skip
def test_dear_runs_are_made_less_often_but_two_hundred_times(runs, evaluations, made):
    assert affordable(runs, evaluations) == made


def test_the_mean_cost_is_over_runs_whose_number_a_pilot_has_set():
    problem, asked = open_problem("reference:horizon=2"), []

    class Counted(SMC):
        def run(self, problem, n_runs, **options):
            asked.append(n_runs)
            return super().run(problem, n_runs, **options)

    assert mean_cost(problem, Counted(3), [1, 3]) == (6.0, 6.0)  # N a level
    assert asked == [PILOT_RUNS, COST_RUNS]


@pytest.mark.parametrize(("profile", "most"), [("quick", 100_000), ("full", 1_000_000)])
def test_many_particles_take_fewer_runs_on_the_trees(profile, most):
    found = {n: {c["runs"] for c in cells(profile) if c["n"] == n} for n in SIZES}
    assert len(cells(profile)) == len(SIZES) * len(PROBLEMS)
    assert found[32] == found[1] == {most}
    assert found[128] == {most // 4}
    assert found[4096] == found[2048] == {most // 40}
