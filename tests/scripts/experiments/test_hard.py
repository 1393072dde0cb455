"""The heat map of the hard instances: its cells, one row of each kind, and the picture."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from figures.hard import HARD as PICTURE
from scripts.experiments import hard
from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.hidden_labels import schedule
from simulator.samplers.registry import SAMPLERS
from theory.instances.hidden_labels import event_probability, myopic_limit


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_the_instances_are_what_the_docstring_says(levels):
    counts, thresholds = hard.blocks(levels)
    assert len(schedule("hidden-labels", counts)[0]) == hard.LENGTH[levels]
    assert event_probability(counts, thresholds, hard.THETA) >= 0.95
    assert myopic_limit(counts, thresholds, levels) <= 0.05


@pytest.mark.parametrize("profile", ["quick", "full"])
def test_cells_are_of_registered_samplers_and_decide_where_the_theorem_speaks(profile):
    cells = hard.cells(profile)
    seeds = [(c["seed"], c["name"]) for c in cells if c["runs"] > 0]
    assert len(set(seeds)) == len(seeds)
    for c in cells:
        assert c["name"] in {*SAMPLERS, "game", "holding", "at-random"}
        if c["name"] != "game" and c["n"] <= c["levels"]:
            assert clopper_pearson(0, c["runs"], 1 - hard.CONFIDENCE)[1] < 0.1
    for name in ("smc", "smc-rs", "dmc", "beam"):
        assert {c["levels"] for c in cells if c["name"] == name and c["n"] == 3} - {hard.QUEUE} == {
            1,
            2,
            3,
        }


def cell(name, levels=1, n=1, runs=200, **options):
    (row,) = hard.run_cell(name, name, options, levels, n, runs, seed=5)
    return row


def test_rows():
    row = cell("smc")
    assert row["low"] <= row["limit"] <= row["high"]  # exact at N = 1; 99% interval, seed fixed
    assert row["frequency"] == row["hits"] / 200
    game = cell("game", levels=2, n=2, runs=0)
    assert 0.03 < game["frequency"] == game["low"] == game["high"] <= game["limit"]
    assert cell("holding", n=2)["frequency"] > 0.9
    assert np.isnan(game["refused"])


@pytest.mark.slow
def test_the_queue():
    (horizon,), (least,) = hard.blocks(hard.QUEUE)
    target = binom.sf(least - 1, horizon, (1 + hard.LATE_THETA) / 2)
    assert 0.95 <= target == cell("smc", levels=hard.QUEUE, n=8)["target"]
    assert binom.sf(least, horizon, (1 + hard.LATE_THETA) / 2) < 0.95
    few, many = (cell("at-random", levels=hard.QUEUE, n=n, runs=0) for n in (4, 32))
    assert few["refused"] > 0.99
    assert many["refused"] == pytest.approx(0.0495, abs=1e-4)
    assert many["low"] == many["high"] == many["frequency"]
    assert target - many["refused"] <= many["frequency"] < target
    smc = cell("smc", levels=hard.QUEUE, n=32)
    assert smc["high"] < many["frequency"]  # with as many particles; 99% limit, seed fixed


def test_the_picture_and_its_caption():
    rows = [cell("smc"), cell("smc", n=2), cell("holding")]
    table = pd.DataFrame(rows + [cell("game", levels=2, n=n, runs=0) for n in (2, 3)])
    table.loc[table["sampler"] == "holding", "sampler"] = "time-sharing"
    figure = PICTURE.draw(table)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == ["game", "smc", "time-sharing"]
    first = figure.axes[1].images[0].get_array()
    assert first[0, 0] == pytest.approx(cell("smc")["frequency"])
    assert np.ma.is_masked(first[1, 0])
    assert "0.034 with two particles and 1.000 with three" in PICTURE.caption(table)
