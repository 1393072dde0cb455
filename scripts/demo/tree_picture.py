"""The prefix tree, its particles, and the target beside the cloud, as shapes that can move."""

from __future__ import annotations

import math

import marimo as mo
import numpy as np
import numpy.typing as npt

from scripts.demo.lessons.particles import Frame, bits
from scripts.demo.pictures import svg
from simulator.problem.problem import Problem

__all__ = ["tree_picture"]

WIDTH, LEFT, LEVEL, TOP, LEAF = 452, 34, 74, 40, 40
BARS = LEFT + 3 * LEVEL + 52
BAR, LONGEST = 180, 0.68  # length of probability 1; longer bars are cut and say so
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#888888"
# fill and text of founders: Okabe and Ito's colours, told apart by their numbers as well
FOUNDERS = (
    ("#0072B2", "#fff"), ("#E69F00", "#000"), ("#009E73", "#fff"), ("#CC79A7", "#000"),
    ("#D55E00", "#fff"), ("#56B4E9", "#000"), ("#F0E442", "#000"), ("#444444", "#fff"),
)  # fmt: skip


def tree_picture(problem: Problem, frame: Frame, law: npt.NDArray[np.float64] | None) -> mo.Html:
    """Draw the tree with the particles of one moment, and bars of the leaves beside it.

    Particles keep their places in the document from frame to frame, so that the browser moves
    them. A particle's number and colour is its ancestor of level 1; its area is its weight.

    Parameters
    ----------
    problem : Problem
        A binary tree of three levels.
    law : (8,) array or None
        Exact law of the output; drawn as a line across the bars.
    """
    horizon, leaves = problem.horizon, problem.reward.size
    height = TOP + leaves * LEAF + 8
    parts = [_edges(problem), _nodes(problem)]
    target = problem.target[-1]
    cloud = np.zeros(leaves)
    if frame.level == horizon:
        np.add.at(cloud, frame.nodes, frame.weights)
    parts.append(_bars(target, cloud if frame.level == horizon else None, law))
    parts += _particles(frame, horizon)
    there = ", ".join(
        f"{int((frame.nodes == k).sum())} at {bits(k, frame.level)}"
        for k in np.unique(frame.nodes).tolist()
    )
    alt = f"Tree of prefixes with {leaves} leaves. {frame.text} Particles: {there}."
    return svg("".join(parts), alt, WIDTH, height, 700)


def _place(node: int, level: int, horizon: int) -> tuple[float, float]:
    width = 2 ** (horizon - level)
    return LEFT + level * LEVEL, TOP + (node + 0.5) * width * LEAF


def _edges(problem: Problem) -> str:
    out = []
    for h, probs in enumerate(problem.model.probs):
        for (node, token), p in np.ndenumerate(probs):
            x, y = _place(node, h, problem.horizon)
            u, v = _place(2 * node + token, h + 1, problem.horizon)
            out.append(
                f'<line x1="{x}" y1="{y}" x2="{u}" y2="{v}" stroke="#bbb" '
                f'stroke-width="{0.6 + 5 * p:.2f}"/>'
            )
    return "".join(out)


def _nodes(problem: Problem) -> str:
    out = []
    for h, values in enumerate(problem.prm):
        for node, value in enumerate(values):
            x, y = _place(node, h, problem.horizon)
            out.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#fff" stroke="{GREY}"/>')
            below = y + 30 if h < problem.horizon else y + 4
            shift = 0 if h < problem.horizon else 24
            anchor = "middle" if h < problem.horizon else "start"
            out.append(
                f'<text x="{x + shift}" y="{below}" text-anchor="{anchor}" font-size="13" '
                f'fill="#444">{value:.2g}</text>'
            )
    out.append(
        f'<text x="{LEFT + 3 * LEVEL + 24}" y="32" fill="#444">r</text>'
        f'<text x="0" y="32" fill="#444">V̂ below nodes</text>'
    )
    return "".join(out)


def _bars(
    target: npt.NDArray[np.float64],
    cloud: npt.NDArray[np.float64] | None,
    law: npt.NDArray[np.float64] | None,
) -> str:
    out = [
        f'<text x="{BARS - 40}" y="14" fill="{BLUE}">▬ target</text>'
        f'<text x="{BARS + 30}" y="14" fill="#b84d00">▬ cloud</text>'
        f'<path d="M{BARS + 2} 19V35" stroke="black" stroke-width="2"/>'
        f'<text x="{BARS + 9}" y="32">law of the output</text>'
    ]
    for leaf, p in enumerate(target.tolist()):
        y = TOP + (leaf + 0.5) * LEAF
        out.append(_bar(y - 11, p, BLUE))
        if cloud is not None:
            out.append(_bar(y + 1, float(cloud[leaf]), ORANGE))
        if law is not None:
            x = BARS + BAR * min(law[leaf], LONGEST)
            out.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 14}" y2="{y + 14}" stroke="#000" '
                'stroke-width="2"/>'
            )
    return "".join(out)


def _bar(y: float, p: float, colour: str) -> str:
    shape = (
        f'<rect x="{BARS}" y="{y}" width="{BAR * min(p, LONGEST):.1f}" height="10" '
        f'fill="{colour}"/>'
    )
    if p <= LONGEST:
        return shape
    return shape + (
        f'<text x="{BARS + BAR * LONGEST - 4}" y="{y + 9.5}" font-size="11" text-anchor="end" '
        f'fill="#000">{p:.2f} →</text>'
    )


def _particles(frame: Frame, horizon: int) -> list[str]:
    n = frame.nodes.size
    seen: dict[int, int] = {}
    out = []
    for node, weight, founder in zip(
        frame.nodes.tolist(), frame.weights.tolist(), frame.founders.tolist(), strict=True
    ):
        x, y = _place(node, frame.level, horizon)
        k = seen.get(node, 0)
        seen[node] = k + 1
        dx, dy = _spread(k, int((frame.nodes == node).sum()), frame.level == horizon)
        radius = 9.5 * math.sqrt(min(n * weight, 4.0)) if weight > 0 else 0
        fill, ink = FOUNDERS[founder % len(FOUNDERS)]
        # the first level has no founders yet: particles at the root are all alike
        label = str(founder + 1) if radius > 5 else ""
        out.append(
            f'<g class="pb-particle" style="transform: translate({x + dx:.1f}px, {y + dy:.1f}px)">'
            f'<circle r="{max(radius, 2.0):.1f}" fill="{fill}" stroke="#fff" stroke-width="1.2" '
            f'fill-opacity="{0.92 if weight > 0 else 0.25}"/>'
            f'<text text-anchor="middle" y="4" font-size="11" fill="{ink}">{label}</text></g>'
        )
    return out


def _spread(k: int, many: int, leaf: bool) -> tuple[float, float]:
    """Place the k-th of many particles in one or two rows around a node, or left of a leaf."""
    if many == 1:
        return 0.0, 0.0
    rows = 1 if many <= 3 else 2
    columns = math.ceil(many / rows)
    across, down = k % columns, k // columns
    middle = columns - 1 if leaf else (columns - 1) / 2
    return (across - middle) * 15.0, (down - (rows - 1) / 2) * 15.0
