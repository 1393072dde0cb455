"""How many runs the measured cells of large figures make (T0)."""

import pytest

from scripts.experiments.cost import affordable
from scripts.experiments.trees import PROBLEMS, SIZES, cells


@pytest.mark.parametrize(
    ("runs", "evaluations", "made"),
    [(10_000, 4, 10_000), (10_000, 5_000, 10_000), (10_000, 20_000, 2_500), (10_000, 1e9, 1_000),
     (500_000, 50_000, 50_000), (600, 1e9, 600)],
)  # fmt: skip
def test_dear_runs_are_made_less_often_but_a_thousand_times(runs, evaluations, made):
    assert affordable(runs, evaluations) == made


@pytest.mark.parametrize(("profile", "most"), [("quick", 200_000), ("full", 1_000_000)])
def test_many_particles_take_fewer_runs_on_the_trees(profile, most):
    found = {n: {c["runs"] for c in cells(profile) if c["n"] == n} for n in SIZES}
    assert len(cells(profile)) == len(SIZES) * len(PROBLEMS)
    assert found[32] == found[1] == {most}
    assert found[128] == {most // 4}
    assert found[4096] == found[2048] == {most // 40}
