"""The trap, and which labels of a few outputs are good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from scripts.demo.charts import BLUE, ORANGE, data, finish
from scripts.demo.lessons.myopic import SHOWN_RUNS, SIMPLE
from scripts.demo.parts import Drawing

__all__ = ["labels_chart", "labels_drawing", "trap_chart", "trap_drawing"]

LABEL, REVEAL = "#F0E442", BLUE
# x, y, width, text and fill of boxes; what has no fill is text alone
BOXES = (
    (0, 0, 0, "One level: 16 copies of", ""), (0, 14, 60, "label", LABEL),
    (62, 14, 70, "reveal", REVEAL), (0, 68, 0, "Two levels: 68 copies of", ""),
    (0, 82, 60, "label", LABEL), (66, 90, 0, "42 copies of", ""), (152, 82, 55, "label", LABEL),
    (209, 82, 64, "reveal", REVEAL), (288, 82, 70, "reveal", REVEAL),
)  # fmt: skip
PANEL = SHOWN_RUNS + 2  # rows that a sampler takes: its name, its outputs, a gap


def trap_chart() -> dict[str, Any]:
    """Return when a label is chosen and when V^ shows what it is worth: nothing of it changes."""
    rows = [
        {"x": x, "x2": x + width, "y": y, "y2": y + 28, "text": text, "fill": fill,
         "ink": "#fff" if fill == REVEAL else "#000", "middle": x + width / 2, "half": y + 14}
        for x, y, width, text, fill in BOXES
    ]  # fmt: skip
    boxes = alt.Chart(alt.InlineData([r for r in rows if r["fill"]]))
    words = alt.Chart(alt.InlineData([r for r in rows if not r["fill"]]))
    across = alt.Scale(domain=[0, 360], nice=False)
    down = alt.Scale(domain=[114, -8], nice=False)
    return finish(
        boxes.mark_rect(stroke="#444").encode(
            x=alt.X("x:Q", axis=None, scale=across), x2="x2:Q",
            y=alt.Y("y:Q", axis=None, scale=down), y2="y2:Q", fill=alt.Fill("fill:N", scale=None),
        ),
        boxes.mark_text(fontSize=13).encode(
            x=alt.X("middle:Q", axis=None), y=alt.Y("half:Q", axis=None), text="text:N",
            color=alt.Color("ink:N", scale=None),
        ),
        words.mark_text(fontSize=13, align="left", baseline="middle").encode(
            x=alt.X("x:Q", axis=None), y=alt.Y("y:Q", axis=None), text="text:N"
        ),
        width=370, height=130, widest=520,
    )  # fmt: skip


def trap_drawing() -> Drawing:
    """Draw the trap."""
    return Drawing(
        "The trap. One level: sixteen copies of a label and its reveal. Two levels: 68 copies of "
        "a label, then 42 inner copies of label and reveal, then the reveal of the outer label.",
        {},
    )


def labels_chart() -> dict[str, Any]:
    """Return rows of labels, a block a sampler: data sets good, bad (x, y) and words."""
    last = SIMPLE[0][0] + 4
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, last], nice=False))
    y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[5 * PANEL - 1, -1], nice=False))
    marks = {"good": ("circle", BLUE), "bad": ("cross", ORANGE)}
    dots = [
        alt.Chart(data(name))
        .mark_point(shape=shape, angle=45, filled=True, color=colour, size=34, opacity=1)
        .encode(x, y)
        for name, (shape, colour) in marks.items()
    ]
    words = alt.Chart(data("words")).mark_text(align="left", fontSize=12)
    return finish(*dots, words.encode(x, y, text="text:N"), width=340, height=520, widest=420)


def labels_drawing(good: Mapping[str, npt.NDArray[np.bool_]]) -> Drawing:
    """Draw outputs as rows of labels, a block a sampler: full dots are good, crosses are not.

    Parameters
    ----------
    good : mapping of str to (R, M) bool array
    """
    threshold = SIMPLE[1][0]
    dots: dict[str, list[tuple[int, int]]] = {"good": [], "bad": []}
    words: list[tuple[float, int, str]] = []
    for block, (name, hits) in enumerate(good.items()):
        top = block * PANEL
        words.append((0.5, top, name))
        for r, row in enumerate(hits.tolist()):
            for m, hit in enumerate(row):
                dots["good" if hit else "bad"].append((m + 1, top + r + 1))
            count = sum(row)
            words.append((len(row) + 0.9, top + r + 1,
                          f"{count} in E" if count >= threshold else f"{count}"))  # fmt: skip
    counts = "; ".join(
        f"{name}: {int((h.sum(axis=1) >= threshold).sum())} of {len(h)} in E"
        for name, h in good.items()
    )
    return Drawing(
        f"Good labels (dots) and bad ones (crosses) of a few outputs. {counts}.",
        {
            **{name: {"x": [x for x, _ in at], "y": [y for _, y in at]}
               for name, at in dots.items()},
            "words": {"x": [w[0] for w in words], "y": [w[1] for w in words],
                      "text": [w[2] for w in words]},
        },
    )  # fmt: skip
