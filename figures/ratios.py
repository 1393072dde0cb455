"""Exact error over bound on random problems, one row a bound."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["RATIOS"]


def draw(table: pd.DataFrame) -> Figure:
    """Draw every ratio as a dot; grey where the bound is vacuous."""
    order = table.groupby("bound")["ratio"].median().sort_values().index
    figure = new_figure(6.4, 0.9 + 0.17 * len(order))
    axes = figure.subplots()
    jitter = np.random.default_rng(0)
    for y, bound in enumerate(order):
        rows = table[table["bound"] == bound]
        height = y + jitter.uniform(-0.3, 0.3, len(rows))
        bites = ~rows["vacuous"].to_numpy()
        axes.plot(rows["ratio"][~bites], height[~bites], ".", color="#bbbbbb", ms=2.5)
        axes.plot(rows["ratio"][bites], height[bites], ".", color="#0072B2", ms=2.5)
        axes.plot(rows["ratio"].max(), y, "|", color="#D55E00", ms=9, mew=1.6)
    axes.axvline(1, color="black", lw=1)
    axes.set_yticks(range(len(order)), labels=list(order))
    axes.set_ylabel("bound")
    axes.set_ylim(-0.8, len(order) - 0.2)
    axes.set_xlabel("exact error / bound")
    axes.set_xlim(-0.02, 1.08)
    axes.plot([], [], ".", color="#0072B2", label="bound < 1")
    axes.plot([], [], ".", color="#bbbbbb", label="bound vacuous (≥ 1)")
    axes.plot([], [], "|", color="#D55E00", mew=2, ms=9, label="largest")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def caption(table: pd.DataFrame) -> str:
    """Count problems and violations."""
    top = table.groupby("bound")["ratio"].max()
    over = int((table["status"] == "violated").sum())
    return (
        f"{table['problem'].nunique()} random problems, error and bounds exact: {over} of "
        f"{len(table)} comparisons pass 1. Sharp: "
        + ", ".join(f"{b} {r:.2f}" for b, r in top.nlargest(4).items())
        + "; loose: "
        + ", ".join(f"{b} {r:.2f}" for b, r in top.nsmallest(3).items())
        + " (largest ratio each)."
    )


RATIOS = FigureSpec("ratios", "Error over bound on random problems", caption, draw)
