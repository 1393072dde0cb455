"""The prefix tree, its particles, and the target beside the cloud, as marks that move."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from scripts.demo.charts import BLUE, GREY, INK, ORANGE, data, finish
from scripts.demo.lessons.particles import Frame, bits
from scripts.demo.parts import Drawing
from simulator.problem.problem import Problem

__all__ = ["chart", "drawing"]

WIDTH, LEFT, LEVEL, TOP, LEAF = 452, 34, 74, 40, 40
HEIGHT = TOP + 8 * LEAF + 8
BARS = LEFT + 3 * LEVEL + 52
BAR, LONGEST = 165, 0.68  # length of probability 1; longer bars are cut and say so
# fill and text of founders: Okabe and Ito's colours, told apart by their numbers as well
FOUNDERS = (
    ("#0072B2", "#fff"), ("#E69F00", "#000"), ("#009E73", "#fff"), ("#CC79A7", "#000"),
    ("#D55E00", "#fff"), ("#56B4E9", "#000"), ("#F0E442", "#000"), ("#444444", "#fff"),
)  # fmt: skip


def chart() -> dict[str, Any]:
    """Return the chart: data sets edges, nodes, values, target, cloud, law and particles."""
    place: dict[str, Any] = {
        "x": alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH], nice=False)),
        "y": alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[HEIGHT, 0], nice=False)),
    }
    to = {"x2": "x2:Q", "y2": "y2:Q"}

    def base(name: str) -> alt.Chart:
        return alt.Chart(data(name))

    edges = base("edges").mark_rule(color="#bbb").encode(
        **place, **to, strokeWidth=alt.StrokeWidth("wide:Q", scale=None)
    )  # fmt: skip
    nodes = base("nodes").mark_point(fill="#fff", stroke=GREY, opacity=1, size=50)
    values = base("values").mark_text(color=INK, fontSize=13).encode(**place, text="text:N")
    bars = [
        base(name).mark_bar(color=colour, height=10).encode(**place, x2="x2:Q")
        for name, colour in (("target", BLUE), ("cloud", ORANGE))
    ]
    cut = base("cloud").mark_text(fontSize=11, align="right", dx=-3).encode(
        alt.X("x2:Q", axis=None), place["y"], text="text:N"
    )  # fmt: skip
    law = base("law").mark_rule(color="#000", strokeWidth=2).encode(**place, **to)
    moving = base("particles").encode(**place, key="id:N")
    circles = moving.mark_point(filled=True, stroke="#fff", strokeWidth=1.2).encode(
        size=alt.Size("size:Q", scale=None), fill=alt.Fill("fill:N", scale=None),
        opacity=alt.Opacity("opacity:Q", scale=None),
    )  # fmt: skip
    numbers = moving.mark_text(fontSize=11).encode(
        text="label:N", color=alt.Color("ink:N", scale=None)
    )
    return finish(
        edges, nodes.encode(**place), values, *bars, cut, law, _heads(place), circles, numbers,
        width=WIDTH + 8, height=HEIGHT + 8, widest=700, moving=True,
    )  # fmt: skip


def _heads(place: dict[str, Any]) -> alt.Chart:
    heads = [
        (BARS, 10, BLUE, "▬ target"), (BARS + 72, 10, "#b84d00", "▬ cloud"),
        (BARS, 28, "#000", "❙ law of the output"),
        (LEFT + 3 * LEVEL + 28, 28, INK, "r"), (0, 28, INK, "V̂ below nodes"),
    ]  # fmt: skip
    rows = [{"x": x, "y": y, "ink": ink, "text": text} for x, y, ink, text in heads]
    return (
        alt.Chart(alt.InlineData(rows))
        .mark_text(align="left", fontSize=13)
        .encode(**place, text="text:N", color=alt.Color("ink:N", scale=None))
    )


def drawing(problem: Problem, frame: Frame, law: npt.NDArray[np.float64]) -> Drawing:
    """Return the tree with the particles of one moment, and bars of the leaves beside it.

    A particle's number and colour is its ancestor of level 1; its area is its weight.

    Parameters
    ----------
    problem : Problem
        A binary tree of three levels.
    law : (8,) array
        Exact law of the output.
    """
    last = frame.level == problem.horizon
    target = problem.target[-1]
    cloud = np.zeros(target.size)
    if last:
        np.add.at(cloud, frame.nodes, frame.weights)
    there = ", ".join(
        f"{int((frame.nodes == k).sum())} at {bits(k, frame.level)}"
        for k in np.unique(frame.nodes).tolist()
    )
    heights = [_place(leaf, problem.horizon)[1] for leaf in range(target.size)]
    law_at = [BARS + BAR * min(p, LONGEST) for p in law.tolist()]
    return Drawing(
        f"Tree of prefixes with {target.size} leaves. {frame.text} Particles: {there}.",
        {
            "edges": _edges(problem),
            "nodes": _nodes(problem),
            "values": _values(problem),
            "target": _bars(target, [y - 6 for y in heights]),
            "cloud": _bars(cloud, [y + 6 for y in heights]),
            "law": {"x": law_at, "x2": law_at, "y": [y - 14 for y in heights],
                    "y2": [y + 14 for y in heights]},
            "particles": _particles(frame, problem.horizon),
        },
    )  # fmt: skip


def _place(node: int, level: int, horizon: int = 3) -> tuple[float, float]:
    width = 2 ** (horizon - level)
    return LEFT + level * LEVEL, TOP + (node + 0.5) * width * LEAF


def _columns(rows: list[tuple[object, ...]], *names: str) -> dict[str, list[object]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def _edges(problem: Problem) -> dict[str, list[object]]:
    rows: list[tuple[object, ...]] = [
        (*_place(node, h), *_place(2 * node + token, h + 1), 0.6 + 5 * float(p))
        for h, probs in enumerate(problem.model.probs)
        for (node, token), p in np.ndenumerate(probs)
    ]
    return _columns(rows, "x", "y", "x2", "y2", "wide")


def _nodes(problem: Problem) -> dict[str, list[object]]:
    rows: list[tuple[object, ...]] = [
        _place(node, h) for h, values in enumerate(problem.prm) for node in range(values.size)
    ]
    return _columns(rows, "x", "y")


def _values(problem: Problem) -> dict[str, list[object]]:
    """Place V^ below the nodes, and r beside the leaves, which have no room below."""
    rows: list[tuple[object, ...]] = []
    for h, values in enumerate(problem.prm):
        dx, dy = (32, 0) if h == problem.horizon else (0, 26)
        for node, value in enumerate(values.tolist()):
            x, y = _place(node, h)
            rows.append((x + dx, y + dy, f"{value:.2g}"))
    return _columns(rows, "x", "y", "text")


def _bars(law: npt.NDArray[np.float64], heights: list[float]) -> dict[str, list[object]]:
    rows: list[tuple[object, ...]] = [
        (BARS, BARS + BAR * min(p, LONGEST), y, f"{p:.2f} →" if p > LONGEST else "")
        for p, y in zip(law.tolist(), heights, strict=True)
    ]
    return _columns(rows, "x", "x2", "y", "text")


def _particles(frame: Frame, horizon: int) -> dict[str, list[object]]:
    n = frame.nodes.size
    seen: dict[int, int] = {}
    rows: list[tuple[object, ...]] = []
    spread = partial(_spread, leaf=frame.level == horizon)
    for i, (node, weight, founder) in enumerate(
        zip(frame.nodes.tolist(), frame.weights.tolist(), frame.founders.tolist(), strict=True)
    ):
        x, y = _place(node, frame.level)
        k = seen.get(node, 0)
        seen[node] = k + 1
        dx, dy = spread(k, int((frame.nodes == node).sum()))
        radius = max(9.5 * math.sqrt(min(n * weight, 4.0)), 2.0)
        fill, ink = FOUNDERS[founder % len(FOUNDERS)]
        # the number would not fit into the dot of a light particle
        label = str(founder + 1) if radius > 5 else ""
        rows.append((i, x + dx, y + dy, math.pi * radius**2, fill, ink, label,
                     0.92 if weight > 0 else 0.25))  # fmt: skip
    return _columns(rows, "id", "x", "y", "size", "fill", "ink", "label", "opacity")


def _spread(k: int, many: int, leaf: bool) -> tuple[float, float]:
    """Place the k-th of many particles in one or two rows around a node, or left of a leaf."""
    if many == 1:
        return 0.0, 0.0
    rows = 1 if many <= 3 else 2
    columns = math.ceil(many / rows)
    across, down = k % columns, k // columns
    middle = columns - 1 if leaf else (columns - 1) / 2
    return (across - middle) * 15.0, (down - (rows - 1) / 2) * 15.0
