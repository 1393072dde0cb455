"""Accuracy less that of pi*, times N, against its first-order law over inverse temperatures."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["ACCURACY_BIAS"]

SHOWN = (2, 3, 4, 5, 8, 16, 64)  # particles
FAMILIES = {
    "divisible by 7": "digits of a real model",
    "early answer": "the first token is the answer",
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw the signed bias over lambda for both families, and accuracy over N for the second."""
    figure = new_figure(10.8, 3.4)
    *panels, last = figure.subplots(1, len(FAMILIES) + 1)
    for axes, (family, title) in zip(panels, FAMILIES.items(), strict=True):
        _draw_bias(axes, table[table["family"] == family])
        axes.set_title(title)
    panels[0].set_ylabel("N · (P(right) − π*(right))")
    _draw_sizes(last, table[table["family"] == list(FAMILIES)[-1]])
    return figure


def _draw_bias(axes: Axes, table: pd.DataFrame) -> None:
    sizes = [n for n in SHOWN if n in set(table["n"])]
    for n, colour in zip(sizes, _colours(len(sizes)), strict=True):
        rows = table[table["n"] == n].sort_values("lambda")
        axes.plot(rows["lambda"], rows["bias"], "o-", color=colour, ms=3, label=f"N = {n}")
    law = table.drop_duplicates("lambda").sort_values("lambda")
    axes.plot(law["lambda"], law["law"], "--", color="black", label="law, −Cov(1$_E$, σ)")
    axes.axhline(0, color="#888888", lw=0.8)
    axes.set_xlabel("inverse temperature λ of V$^*$")
    axes.legend(fontsize=6.5)


def _draw_sizes(axes: Axes, table: pd.DataFrame) -> None:
    powers = [x for x in (1.0, 2.0, 3.0, 4.0) if x in set(table["lambda"])]
    for power, colour in zip(powers, _colours(len(powers)), strict=True):
        rows = table[table["lambda"] == power].sort_values("n")
        target, law = rows["target"].iloc[0], rows["law"].iloc[0]
        axes.plot(rows["n"], target + rows["bias"] / rows["n"], "o-", color=colour, ms=3,
                  label=f"λ = {power:g}")  # fmt: skip
        near = np.geomspace(max(4.0, 8 * abs(law)), rows["n"].max(), 40)
        axes.plot(near, target + law / near, "--", color=colour, lw=0.9)
    axes.axhline(table["target"].iloc[0], color="#888888", lw=0.8)
    axes.set_xscale("log", base=2)
    axes.set_xlabel("particles N")
    axes.set_ylabel("P(right)")
    axes.set_title("the same: accuracy; dashed: law, line: π*")
    axes.legend(fontsize=6.5)


def _colours(count: int) -> list[tuple[float, float, float, float]]:
    return [mpl.colormaps["viridis"](x) for x in np.linspace(0, 0.9, count)]


def caption(table: pd.DataFrame) -> str:
    """Say where accuracy passes that of pi*, and how near the law is at the most particles."""
    told = []
    for family in FAMILIES:
        rows = table[table["family"] == family].copy()
        rows["accuracy"] = rows["target"] + rows["bias"] / rows["n"]
        plain = rows[(rows["lambda"] == 1) & (rows["n"] == rows["n"].max())].iloc[0]
        best = rows.sort_values("accuracy").iloc[-1]
        positive = rows[rows["law"] > 0]["lambda"]
        told.append(
            f"{family}: with the exact V* {int(plain['n'])} particles have N times the bias at "
            f"{plain['bias']:.2f} (law {plain['law']:.2f}); the law is positive "
            + (f"from λ = {positive.min():g} on" if len(positive) else "nowhere")
            + f", and the most accurate are {int(best['n'])} particles at λ = {best['lambda']:g}, "
            f"right with probability {best['accuracy']:.3f} against {best['target']:.3f} under π*"
        )
    return (
        "How much more often SMC with V^ = (V*)^λ answers right than π* does, all values exact. "
        + "; ".join(told)
        + ". What is gained is lost again as N grows, at the rate that the law says."
    )


ACCURACY_BIAS = FigureSpec(
    "accuracy_bias", "When few particles answer better than the target", caption, draw
)
