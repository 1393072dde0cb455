"""N times the error beside its limit, how the limit grows, and the sums that it is made of."""

from __future__ import annotations

from typing import Any

import altair as alt

from figures.first_order import INSTANCES
from scripts.demo.charts import BLUE, INK, across, data, finish, legend, lines, ring, scale, ticks
from scripts.demo.lessons.first_order import (
    HORIZONS,
    NAMES,
    PARTICLES,
    constant,
    scaled_error,
    sums,
)
from scripts.demo.parts import Drawing

__all__ = [
    "growth_chart", "growth_drawing", "sizes_chart", "sizes_drawing", "walk_chart", "walk_drawing"
]  # fmt: skip

COLOURS = {name: colour for name, (colour, _) in INSTANCES.items()}


def sizes_chart() -> dict[str, Any]:
    """Return N D_TV against N: data sets errors (x, low, high), limit (y) and here (x, y)."""
    x = alt.X("x:Q", title="particles N", scale=scale(2, (PARTICLES[0], PARTICLES[-1])),
              axis=ticks(2, 1, 7))  # fmt: skip
    y = alt.Y("y:Q", title="N · error;  dotted: A", scale=alt.Scale(domainMin=0))
    between = alt.Chart(data("errors")).mark_area(opacity=0.25, color=BLUE).encode(
        x=x, y=alt.Y("low:Q"), y2="high:Q"
    )  # fmt: skip
    middle = alt.Chart(data("errors")).mark_line(
        color=BLUE, strokeWidth=1.8, point={"color": BLUE, "size": 35}
    ).encode(x=x, y=y)  # fmt: skip
    return finish(between, middle, across("limit"), ring(x, y))


def sizes_drawing(name: str, horizon: int, n_particles: int) -> Drawing:
    """Draw N times the error, which tends to A.

    Parameters
    ----------
    name : str
        The instance.
    n_particles : int
        N, marked.
    """
    found = [scaled_error(name, horizon, n) for n in PARTICLES]
    a = constant(name, horizon).value
    here = scaled_error(name, horizon, n_particles)
    return Drawing(
        f"N times the error of SMC against N on {name}, H = {horizon}, and the limit A = {a:.3f} "
        f"as a dotted line. At N = {n_particles} it is {here.value:.3f}.",
        {
            "errors": {"x": list(PARTICLES), "y": [f.value for f in found],
                       "low": [f.low for f in found], "high": [f.high for f in found]},
            "limit": {"y": [a]},
            "here": {"x": [n_particles], "y": [here.value]},
        },
    )  # fmt: skip


def growth_chart() -> dict[str, Any]:
    """Return A against H: the curves are fixed; data set here (x, y)."""
    x = alt.X(
        "x:Q", title="tokens H", scale=scale(2, (HORIZONS[0], HORIZONS[-1])), axis=ticks(2, 3, 8)
    )
    y = alt.Y("y:Q", title="A", scale=scale(10, (0.2, 30)), axis=ticks(10, -1, 1))
    rows = [{"x": h, "y": constant(name, h).value, "instance": name}
            for name in NAMES for h in HORIZONS]  # fmt: skip
    last = HORIZONS[-1]
    guides = [{"x": h, "y": constant(name, last).value * (h / last) ** power, "instance": name}
              for name, (_, power) in INSTANCES.items() for h in HORIZONS]  # fmt: skip
    words = [{"x": last, "y": constant(name, last).value, "text": "√H" if power < 1 else "H"}
             for name, (_, power) in INSTANCES.items()]  # fmt: skip
    shades = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    colour = alt.Color("instance:N", legend=legend(2), scale=shades)
    return finish(
        alt.Chart(alt.InlineData(guides)).mark_line(strokeDash=[2, 2], color=INK, strokeWidth=1)
        .encode(x=x, y=y, detail="instance:N"),
        alt.Chart(alt.InlineData(rows)).mark_line(strokeWidth=1.8, point={"size": 35})
        .encode(x=x, y=y, color=colour),
        alt.Chart(alt.InlineData(words)).mark_text(align="right", dx=-6, dy=-12, fontSize=13)
        .encode(x=x, y=y, text="text:N"),
        ring(x, y),
    )  # fmt: skip


def growth_drawing(name: str, horizon: int) -> Drawing:
    """Draw A of both instances over H, the chosen one marked.

    Parameters
    ----------
    name : str
        The instance.
    """
    ratio = {of: constant(of, HORIZONS[-1]).value / constant(of, HORIZONS[0]).value for of in NAMES}
    here = constant(name, horizon).value
    return Drawing(
        f"A against H, both logarithmic. From H = {HORIZONS[0]} to {HORIZONS[-1]} it grows by a "
        + " and by ".join(f"factor {x:.1f} on {of}" for of, x in ratio.items())
        + f". On {name} at H = {horizon} it is {here:.3f}.",
        {"here": {"x": [horizon], "y": [here]}},
    )


def walk_chart() -> dict[str, Any]:
    """Return sums of sigma along paths: data set walks (x, y, path, series)."""
    x = alt.X("x:Q", title="level h")
    y = alt.Y("y:Q", title="first h steps of σ − E σ")
    return finish(
        lines("walks", x, y, {name: (colour, "-") for name, colour in COLOURS.items()}, 2)
        .encode(detail="path:N")
    )  # fmt: skip


def walk_drawing(horizon: int) -> Drawing:
    """Draw the sums along paths drawn from pi*, on both instances."""
    rows = [
        (h, float(y), path, name)
        for name in NAMES
        for path, walk in enumerate(sums(name, horizon))
        for h, y in enumerate(walk)
    ]
    spread = ", ".join(f"{sums(of, horizon)[:, -1].std():.2f} on {of}" for of in NAMES)
    return Drawing(
        f"Sums of σ along 12 paths of each instance, step by step up to H = {horizon}: on product "
        "they go up and down, on two-branch they part at once and drift away. Standard deviations "
        "at the end: "
        f"{spread}.",
        {"walks": {"x": [r[0] for r in rows], "y": [r[1] for r in rows],
                   "path": [r[2] for r in rows], "series": [r[3] for r in rows]}},
    )  # fmt: skip
