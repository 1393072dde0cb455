"""The worst instance of every bound beside random problems."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["ATLAS"]

ONE, MORE, RANDOM = "#D55E00", "#0072B2", "#999999"


def worst(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a bound: the largest ratio of several particles, of one, and the median."""
    several, one = table[table["particles"] > 1], table[table["particles"] == 1]
    both = pd.DataFrame({
        "more": several.groupby("bound")["ratio"].max(),
        "one": one.groupby("bound")["ratio"].max(),
    })  # fmt: skip
    ordered = table.assign(several=table["particles"] > 1).sort_values(["several", "ratio"])
    both["median"] = ordered.groupby("bound")["median"].last()
    order = list(dict.fromkeys(table["bound"]))
    return both.reindex(order)


def draw(table: pd.DataFrame) -> Figure:
    """Draw a line from the median of random problems to the worst instance."""
    rows = worst(table)[::-1]
    figure = new_figure(6.4, 1.0 + 0.155 * len(rows))
    axes = figure.subplots()
    height = range(len(rows))
    top = rows[["more", "one"]].max(axis=1)
    axes.hlines(height, rows["median"], top, color="#dddddd", lw=1)
    axes.plot(rows["median"], height, "o", color=RANDOM, ms=3, label="median of random problems")
    axes.plot(rows["one"], height, "|", color=ONE, ms=8, mew=1.5, label="worst found, N = 1")
    axes.plot(rows["more"], height, "o", color=MORE, ms=4, label="worst found, N > 1")
    axes.axvline(1, color="black", lw=1)
    axes.set_yticks(height, labels=list(rows.index), fontsize=7)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlim(-0.02, 1.05)
    axes.set_xlabel("exact error / upper bound, or lower bound / exact error")
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def caption(table: pd.DataFrame) -> str:
    """Say how much worse than random problems the worst ones are, and what constants are left."""
    rows = worst(table)
    top = rows[["more", "one"]].max(axis=1)
    sharp = int((top > 0.9).sum())
    paper = top[top.index.isin(table["bound"][table["paper"]])]
    factors = ", ".join(f"{name} {ratio:.2f}" for name, ratio in paper.items())
    return (
        f"Searches over small problems come within a tenth of equality for {sharp} of {len(rows)} "
        f"statements, and {int(table['violated'].sum())} are violated; the median random problem "
        f"reaches {rows['median'].median():.2f} of a bound, the worst found "
        f"{top.median():.2f} (medians over statements): a ratio on random problems says little of "
        f"how loose a bound is. No instance found refutes the paper's bounds with their constants "
        f"multiplied by {factors}; every smaller factor is refuted."
    )


ATLAS = FigureSpec("atlas", "Worst instances found of every bound", caption, draw)
