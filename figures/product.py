"""Exact error on the product instance, and its collapse in N / sqrt(H)."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["PRODUCT"]


def draw(table: pd.DataFrame) -> Figure:
    """Draw the error against N (left) and against N / sqrt(H) (right)."""
    figure = new_figure(7.2, 3.1)
    left, right = figure.subplots(1, 2, sharey=True)
    horizons = sorted(table["horizon"].unique())
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.92, len(horizons)))
    for horizon, colour in zip(horizons, colours, strict=True):
        rows = table[table["horizon"] == horizon].sort_values("n")
        label = f"H = $2^{{{int(np.log2(horizon))}}}$"
        left.plot(rows["n"], rows["tv"], "o-", color=colour, ms=3, label=label)
        right.plot(rows["n"] / horizon**0.5, rows["tv"], "o-", color=colour, ms=3)
    for axes, name in ((left, "particles N"), (right, "N / √H")):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel(name)
    left.set_ylabel("exact total variation")
    left.set_title("longer texts err more")
    right.set_title("one curve in N over √H")
    right.legend(*left.get_legend_handles_labels(), ncols=2, loc="lower left")
    return figure


def caption(table: pd.DataFrame) -> str:
    """State how well the curves collapse."""
    wide = table[table["horizon"] >= 1024].copy()
    wide["x"] = np.round(2 * np.log2(wide["n"] / wide["horizon"] ** 0.5))
    wide = wide[(wide["x"] == 0)]
    low, high = wide["tv"].min(), wide["tv"].max()
    return (
        "Perfect PRM, exact law at every horizon: the error depends on N and H almost only through "
        f"N/√H (at N/√H = 1 and H ≥ 1024 it is {low:.3f} to {high:.3f}), so N of order √H is "
        "needed although the PRM makes no error (C.8)."
    )


PRODUCT = FigureSpec("product", "Product instance: even a perfect PRM needs √H", caption, draw)
