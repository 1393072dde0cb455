"""Every figure of the catalogue against a stored picture, drawn from parts of stored tables.

A figure that is meant to change: `pytest tests/figures --mpl-generate-path=tests/figures/baseline`.
"""

from pathlib import Path

import pandas as pd
import pytest
from matplotlib import style
from matplotlib.testing.compare import compare_images

from figures.catalogue import FIGURES
from figures.figure import STYLE
from scripts.experiments.catalogue import EXPERIMENTS

HERE = Path(__file__).parent
DPI = 45
TOLERANCE = 1.0  # root mean square of grey levels; another version of FreeType moves letters more
CHEAP = ("product", "two_branch", "variance", "restart", "near_perfect", "heavy_tail", "genealogy",
         "criteria_map", "accuracy_bias", "accuracy_sharpened",
         "accuracy_prediction", "rates")  # fmt: skip


def stored(name):
    return pd.read_parquet(HERE / "tables" / f"{name}.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.mpl_image_compare(
    baseline_dir="baseline",
    style=STYLE,
    tolerance=TOLERANCE,
    savefig_kwargs={"dpi": DPI, "metadata": {"Software": None}},
)
def test_figure(name):
    return FIGURES[name].draw(stored(name))


def recolour(figure):
    lines = [line for axes in figure.axes for line in axes.lines]
    if lines:
        max(lines, key=lambda line: len(line.get_xdata())).set_color("#7f00ff")
    else:  # the heat map
        figure.axes[0].images[0].set_cmap("magma")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["trees", "hard", "genealogy", "cost"])
def test_the_tolerance_sees_another_colour_of_one_line(name, tmp_path):
    baseline, drawn = tmp_path / "baseline.png", tmp_path / "drawn.png"
    baseline.write_bytes((HERE / "baseline" / f"test_figure_{name}.png").read_bytes())
    with style.context(STYLE):
        figure = FIGURES[name].draw(stored(name))
        for change in (lambda figure: None, recolour):
            change(figure)
            figure.savefig(drawn, dpi=DPI, metadata={"Software": None})
            difference = compare_images(str(baseline), str(drawn), TOLERANCE)
            assert (difference is None) == (change is not recolour)


@pytest.mark.parametrize("name", FIGURES)
def test_caption_is_computed_from_the_table_and_complete(name):
    text = FIGURES[name].caption(stored(name))
    assert text.endswith(".")
    assert "nan" not in text
    assert len(FIGURES[name].title) < 80


@pytest.mark.slow
@pytest.mark.parametrize("name", CHEAP)
def test_stored_tables_have_the_columns_of_the_experiment(name):
    rows = EXPERIMENTS[name].run_cell(**EXPERIMENTS[name].cells("quick")[0])
    assert set(rows[0]) == set(stored(name).columns)


def test_no_baseline_and_no_table_is_left_over():
    assert {p.stem for p in (HERE / "tables").iterdir()} == set(FIGURES)
    pictures = {p.name for p in (HERE / "baseline").iterdir()}
    assert pictures == {f"test_figure_{name}.png" for name in FIGURES}
