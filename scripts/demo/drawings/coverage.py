"""Exact error and bounds against the number of particles."""

from __future__ import annotations

from functools import partial
from typing import Any

import altair as alt

from figures.trees import SHOWN
from scripts.demo.charts import GREY, data, finish, lines, scale, ticks
from scripts.demo.lessons.coverage import GRID, Study
from scripts.demo.parts import Drawing

__all__ = ["CHARTS", "drawing"]

STYLES = {
    "SMC": {name: SHOWN[name] for name in ("1.1", "3.2", "C.4", "S1", "F-star", "J")},
    "SMC-RS": {
        "3.8": ("#E69F00", ":"),
        "S-RS": ("#0072B2", "--"),
        "F-star-RS": ("#D55E00", "-."),
        "J": SHOWN["J"],
    },
}
LOW, HIGH = 1e-3, 30.0


def chart(sampler: str) -> dict[str, Any]:
    """Return the chart of a sampler: data sets bounds, errors (x, y) and here (x)."""
    x = alt.X("x:Q", title="particles N", scale=scale(4, (1, GRID[-1])), axis=ticks(4, 0, 7))
    y = alt.Y("y:Q", title="total variation to the target", scale=scale(10, (LOW, HIGH)),
              axis=ticks(10, -3, 1))  # fmt: skip
    shade = alt.Chart(alt.InlineData([{"y": 1, "y2": HIGH}]))
    said = alt.Chart(alt.InlineData([{"x": GRID[-1], "y": HIGH, "text": "vacuous (≥ 1)"}]))
    return finish(
        shade.mark_rect(color="#efefef").encode(y=y, y2="y2:Q"),
        said.mark_text(align="right", baseline="top", dy=4, fontSize=11, color="#666").encode(
            x=x, y=y, text="text:N"
        ),
        lines("bounds", x, y, STYLES[sampler], 4),
        alt.Chart(data("here")).mark_rule(color=GREY).encode(x=x),
        alt.Chart(data("errors")).mark_point(filled=True, color="#000", size=55, opacity=1,
                                             clip=True).encode(x=x, y=y),
        height=360,
    )  # fmt: skip


CHARTS = {name: partial(chart, name) for name in STYLES}


def drawing(made: Study, sampler: str, n_particles: int) -> Drawing:
    """Draw the exact errors as dots, the bounds as lines and the chosen N as a vertical line.

    Parameters
    ----------
    sampler : str
        Of `CHARTS`.
    n_particles : int
        N.
    """
    rows = [(n, value, name) for name, values in made.curves.items()
            for n, value in zip(GRID, values, strict=True)]  # fmt: skip
    dots = {n: error for n, error in made.errors.items() if error > LOW}
    least = {name: next((n for n, v in zip(GRID, values, strict=True) if v < 1), None)
             for name, values in made.curves.items()}  # fmt: skip
    said = ", ".join(
        f"{name} from N = {n}" if n else f"{name} nowhere here" for name, n in least.items()
    )
    return Drawing(
        f"Exact error and bounds against N, both logarithmic. At N = {n_particles} the error is "
        f"{made.report.error.high:.4f}. Bounds fall below 1: {said}.",
        {
            "bounds": {"x": [r[0] for r in rows], "y": [min(max(r[1], 1e-6), 1e6) for r in rows],
                       "series": [r[2] for r in rows]},
            "errors": {"x": list(dots), "y": list(dots.values())},
            "here": {"x": [n_particles]},
        },
        sampler,
    )  # fmt: skip
