"""The genealogy of a run: lineages that reach the end against those that died."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from scripts.demo.charts import BLUE, data, finish
from scripts.demo.lessons.particles import LONG_HORIZON, Genealogy
from scripts.demo.parts import Drawing

__all__ = ["chart", "drawing"]


def chart() -> dict[str, Any]:
    """Return the chart: data sets dead and alive, of lines from one level to the next."""
    x = alt.X("h:Q", title="level", scale=alt.Scale(domain=[1, LONG_HORIZON], nice=False))
    y = alt.Y("from:Q", title="particles", scale=alt.Scale(reverse=True, zero=False),
              axis=alt.Axis(labels=False, ticks=False, grid=False))  # fmt: skip
    return finish(
        *(
            alt.Chart(data(name))
            .transform_calculate(next="datum.h + 1")
            .mark_rule(color=colour, strokeWidth=width)
            .encode(x=x, y=y, x2="next:Q", y2="to:Q")
            for name, colour, width in (("dead", "#c4c4c4", 0.8), ("alive", BLUE, 2.0))
        ),
        width=460,
        height=340,
        widest=640,
    )


def drawing(made: Genealogy) -> Drawing:
    """Draw levels from left to right and particles from top to bottom."""
    horizon, n = made.parents.shape
    places = _places(made.parents)
    lines: dict[str, dict[str, list[object]]] = {
        name: {"h": [], "from": [], "to": []} for name in ("dead", "alive")
    }
    for h in range(1, horizon):
        for i in range(n):
            line = lines["alive" if made.alive[h + 1, i] else "dead"]
            line["h"].append(h)
            line["from"].append(int(places[h - 1, made.parents[h, i]]))
            line["to"].append(int(places[h, i]))
    return Drawing(
        f"Genealogy of {n} particles over {horizon} levels. {made.survivors[1]} of the {n} "
        f"particles of level 1 have descendants at the end; all share one ancestor up to level "
        f"{made.common}.",
        lines,
    )


def _places(parents: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Order the particles of each level by their parents' places, so that no lines cross."""
    places = np.empty_like(parents)
    places[0] = np.arange(parents.shape[1])
    for h in range(1, len(parents)):
        places[h, np.argsort(places[h - 1, parents[h]], kind="stable")] = places[0]
    return places
