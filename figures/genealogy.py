"""Genealogies of single runs, and how many ancestors the last cloud has on average."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from figures.figure import FigureSpec, new_figure

__all__ = ["GENEALOGY"]


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a sampler, dark where the last cloud descends from; last, the means."""
    samplers = list(dict.fromkeys(table["sampler"]))
    figure = new_figure(9.4, 4.6)
    named = figure.subplot_mosaic([[0, 1, 2], [3, "means", "means"]], sharex=True)
    panels = list(named.values())
    for k, (axes, sampler) in enumerate(zip(panels, samplers, strict=False)):
        part = table[table["sampler"] == sampler]
        _family(axes, part[part["part"] == "parent"], f"C{k}")
        axes.set_title(sampler)
        mean = part[part["part"] == "ancestors"].sort_values("level")
        panels[-1].plot(mean["level"], mean["value"], color=f"C{k}", label=sampler)
        panels[-1].fill_between(
            mean["level"], mean["low"], mean["high"], color=f"C{k}", alpha=0.25, lw=0
        )
    panels[-1].set_title(f"mean of {table['runs'].iloc[0]} runs, 99% limits")
    panels[-1].set_ylabel("ancestors of the last cloud")
    panels[-1].set_ylim(0, None)
    panels[-1].yaxis.set_major_locator(MaxNLocator(integer=True))
    panels[-1].legend(loc="upper left")
    for axes in panels[3:]:
        axes.set_xlabel("level h")
    return figure


def _family(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """Draw each particle's line to its parent; quasi-SMC may have fewer than N, then it is -1."""
    parents = rows.pivot(index="level", columns="place", values="value").to_numpy().astype(int)
    levels, n = parents.shape
    seat = [np.arange(n)]  # children sit beside siblings, in their parents' order: no crossings
    for h in range(1, levels):
        place = np.where(parents[h] >= 0, seat[-1][parents[h]], n)
        seat.append(np.argsort(np.argsort(place, kind="stable")))
    there = parents >= 0
    alive = there[-1]
    for h in range(levels - 1, 0, -1):
        ends = [((h, seat[h - 1][p]), (h + 1, seat[h][i])) for i, p in enumerate(parents[h])]
        lost = there[h] & ~alive
        axes.add_collection(
            LineCollection([e for e, a in zip(ends, lost, strict=True) if a],
                           colors="#c8c8c8", linewidths=0.6)
        )  # fmt: skip
        axes.add_collection(
            LineCollection([e for e, a in zip(ends, alive, strict=True) if a],
                           colors=colour, linewidths=1.4, zorder=3)
        )  # fmt: skip
        before = np.zeros(n, dtype=bool)
        before[parents[h][alive]] = True
        alive = before
    axes.set_ylim(-1, n)
    axes.set_ylabel("particles")
    axes.set_yticks([])
    axes.grid(visible=False)


def caption(table: pd.DataFrame) -> str:
    """State the mean number of ancestors half-way and at level 1."""
    means = table[table["part"] == "ancestors"].set_index(["sampler", "level"])["value"]
    samplers = list(dict.fromkeys(table["sampler"]))
    half = int(table["level"].max()) // 2
    told = ", ".join(f"{s} {means[s, half]:.1f} and {means[s, 1]:.1f}" for s in samplers)
    kept = means["quasi-SMC", half] / means.xs(half, level="level")
    return (
        f"One run of each sampler on {table['problem'].iloc[0].replace(':horizon=', ', H = ')}, "
        f"N = {table['n'].iloc[0]}; coloured: lines from which the last cloud descends. Mean "
        f"number of ancestors at levels {half} and 1: {told}. SMC-RS draws parents evenly, so it "
        "loses lines although the PRM is perfect and its output exact; systematic resampling "
        "keeps more of them than multinomial. Half-way quasi-SMC keeps "
        f"{kept['SMC, multinomial']:.1f} times as many as multinomial resampling, and "
        f"{kept['SMC, systematic']:.1f} times as many as systematic."
    )


GENEALOGY = FigureSpec("genealogy", "How fast the lines of descent coalesce", caption, draw)
