"""Charts in the style of the project, as Vega-Lite; the browser draws them from data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

__all__ = [
    "BLUE", "GREY", "INK", "ORANGE", "across", "data", "finish", "legend", "lines", "ring", "scale",
    "ticks",
]  # fmt: skip

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#888888"
DASHES: dict[str, list[int]] = {"-": [1, 0], "--": [6, 3], ":": [2, 2], "-.": [6, 2, 2, 2]}
INK = "#333333"


def data(name: str) -> alt.NamedData:
    """Return data that comes later, under a name."""
    return alt.NamedData(name)


def scale(
    log: float | None = None, domain: Sequence[float] | None = None, **options: Any
) -> alt.Scale:
    """Return a scale, linear or logarithmic to a base; what is outside its domain is cut."""
    if domain is not None:
        options["domain"] = list(domain)
        options["nice"] = False
    if log is None:
        return alt.Scale(**options)
    return alt.Scale(type="log", base=log, **options)


def ticks(base: float, low: int, high: int) -> alt.Axis:
    """Return an axis with ticks at the powers base^low, ..., base^high only."""
    return alt.Axis(values=[base**k for k in range(low, high + 1)], format="~g")


def legend(columns: int) -> alt.Legend:
    """Return a legend below the chart, in columns."""
    return alt.Legend(orient="bottom", columns=columns, title=None, labelLimit=320,
                      symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=300)  # fmt: skip


def lines(
    name: str,
    x: alt.X,
    y: alt.Y,
    styles: Mapping[str, tuple[str, str]],
    columns: int = 3,
    points: bool = False,
) -> alt.Chart:
    """Return a line for each series of a data set (columns x, y, series).

    Parameters
    ----------
    styles : mapping of str to (colour, line)
        In matplotlib's words "-", "--", ":" and "-.", as `figures` has them.
    """
    names = list(styles)
    colours = [colour for colour, _ in styles.values()]
    dashes = [DASHES[line] for _, line in styles.values()]
    return (
        alt.Chart(data(name))
        .mark_line(clip=True, strokeWidth=1.8, point={"size": 22} if points else False)
        .encode(
            x=x, y=y,
            color=alt.Color("series:N", scale=alt.Scale(domain=names, range=colours),
                            legend=legend(columns)),
            strokeDash=alt.StrokeDash("series:N", scale=alt.Scale(domain=names, range=dashes),
                                      legend=legend(columns)),
        )
    )  # fmt: skip


def across(name: str, y: str = "y") -> alt.Chart:
    """Return dotted horizontal lines at the heights of a data set."""
    return (
        alt.Chart(data(name))
        .mark_rule(strokeDash=DASHES[":"], strokeWidth=1.6, color=INK, clip=True)
        .encode(y=f"{y}:Q")
    )


def ring(x: alt.X, y: alt.Y) -> alt.Chart:
    """Return rings around what is chosen, the data set here (x, y)."""
    return (
        alt.Chart(data("here"))
        .mark_point(color=ORANGE, size=140, strokeWidth=2.5, opacity=1, clip=True)
        .encode(x=x, y=y)
    )


def finish(
    *layers: alt.Chart | alt.LayerChart,
    width: int = 400,
    height: int = 320,
    widest: int = 540,
    moving: bool = False,
) -> dict[str, Any]:
    """Return layers on top of each other as one chart.

    Parameters
    ----------
    width, height : int
        Of the whole drawing in pixels; it is scaled to the place that the page has.
    widest : int
        Pixels on a wide screen.
    moving : bool
        Whether marks with a key move from one state to the next.
    """
    chart = (
        alt.layer(*layers)
        .properties(width=width, height=height, usermeta={"widest": widest, "moving": moving},
                    autosize=alt.AutoSizeParams(type="fit", contains="padding", resize=True))
        .configure(aria=False, padding=4, font="system-ui, sans-serif")
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=13, titleFontWeight="normal",
                        gridColor="#e6e6e6", domainColor="#888", tickColor="#888",
                        labelColor=INK, titleColor=INK, labelOverlap=True, tickCount=6)
        .configure_legend(labelFontSize=12, labelColor=INK)
    )  # fmt: skip
    made: dict[str, Any] = chart.to_dict(validate=True)
    # Altair does not know this option: legends below each other
    made["config"]["legend"]["layout"] = {"bottom": {"direction": "vertical", "anchor": "start"}}
    return made
