"""How close the error comes to each statement, over all cases of the survey."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["SURVEY"]


def _upper(table: pd.DataFrame) -> pd.DataFrame:
    """Comparisons with upper bounds that say something, and their ratios."""
    bites = table[(table["kind"] == "upper") & (table["value"] < 1) & (table["low"] > 1e-10)]
    return bites.assign(ratio=bites["low"] / bites["value"])


def draw(table: pd.DataFrame) -> Figure:
    """Draw one dot a comparison: error over bound, where the bound is below 1."""
    shown = _upper(table)
    order = shown.groupby("bound")["ratio"].median().sort_values().index
    figure = new_figure(6.8, 0.9 + 0.17 * len(order))
    axes = figure.subplots()
    for k, name in enumerate(order):
        ratio = np.sort(shown.loc[shown["bound"] == name, "ratio"])
        shift = 0.32 * np.sin(2.4 * np.arange(len(ratio)))  # spread without chance
        axes.plot(ratio, k + shift, ".", color="#0072B2", ms=2, alpha=0.5)
        axes.plot(np.median(ratio), k, "|", color="#D55E00", ms=9, mew=1.6)
    axes.axvline(1, color="black", lw=1)
    axes.set_yticks(range(len(order)), labels=list(order))
    axes.set_ylabel("bound")
    axes.set_ylim(-0.8, len(order) - 0.2)
    axes.set_xlim(-0.02, 1.04)
    axes.set_xlabel("error / bound (bars: medians)")
    return figure


def caption(table: pd.DataFrame) -> str:
    """Count comparisons, and name the bounds that are attained and the loosest."""
    shown = _upper(table)
    top = shown.groupby("bound")["ratio"].max()
    middle = shown.groupby("bound")["ratio"].median().sort_values()
    attained = ", ".join(sorted(top[top > 0.99].index))
    return (
        f"{len(table):,} comparisons of {table['bound'].nunique()} statements on "
        f"{table['problem'].nunique()} problems; the {len(shown):,} with an upper bound below 1 "
        f"are dots. Largest ratio {top.max():.3f}; above .99 somewhere: {attained}. Loosest in the "
        f"median: {middle.index[0]} ({middle.iloc[0]:.2f})."
    )


SURVEY = FigureSpec("survey", "Every bound, every sampler, every family", caption, draw)
