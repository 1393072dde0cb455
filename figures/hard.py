"""Frequency of the event E_n on the hidden-label instances, one heat map a sampler."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from figures.figure import FigureSpec, new_figure

__all__ = ["HARD"]

COLUMNS = 3


def draw(table: pd.DataFrame) -> Figure:
    """Draw levels against N, one panel a sampler; the frame is where the theorem forbids E_n."""
    known = [s for s in dict.fromkeys(table["sampler"]) if s != "ALRS"]  # SMC-RS with N = 1
    exact = set(table.loc[table["runs"] == 0, "sampler"])
    samplers = [s for s in known if s in exact] + [s for s in known if s not in exact]
    levels, sizes = sorted(table["levels"].unique()), sorted(table["n"].unique())
    rows = math.ceil(len(samplers) / COLUMNS)
    figure = new_figure(9.0, 0.6 + 1.15 * rows)
    panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in panels[len(samplers) :]:
        axes.set_axis_off()
    for axes, sampler in zip(panels, samplers, strict=False):
        part = table[table["sampler"] == sampler]
        grid = part.pivot(index="levels", columns="n", values="frequency")
        values = grid.reindex(index=levels, columns=sizes).to_numpy()
        shown = np.ma.masked_invalid(values)
        image = axes.imshow(shown, cmap="viridis", vmin=0, vmax=1, aspect="auto", origin="lower")
        axes.set_facecolor("#eeeeee")
        for (i, j), value in np.ndenumerate(values):
            if np.isfinite(value):
                axes.text(
                    j, i, f"{value:.2f}".lstrip("0") if value < 0.995 else "1", ha="center",
                    va="center", fontsize=6, color="black" if value > 0.6 else "white",
                )  # fmt: skip
        if part["myopic"].all():
            for i, n in enumerate(levels):
                if n not in set(part["levels"]):
                    continue
                width = sum(size <= n for size in sizes)
                axes.add_patch(
                    Rectangle((-0.5, i - 0.5), width, 1, fill=False, ec="#D55E00", lw=1.3)
                )
        axes.set_title(sampler, fontsize=8)
        axes.grid(visible=False)
        axes.set_xticks(range(len(sizes)), labels=[str(n) for n in sizes], fontsize=6.5)
        axes.set_yticks(range(len(levels)), labels=[str(n) if n else "queue" for n in levels])
    for axes in panels[len(samplers) - COLUMNS : len(samplers)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("particles N")
    for axes in panels[: len(samplers) : COLUMNS]:
        axes.set_ylabel("levels n")
    figure.colorbar(image, ax=panels.tolist(), label="P(output in E)", shrink=0.8)
    return figure


def caption(table: pd.DataFrame) -> str:
    """State the target, the worst of the forbidden cells and what one particle more gives."""
    myopic = table[table["myopic"]]
    few = myopic[(myopic["n"] <= myopic["levels"]) & (myopic["runs"] > 0)]
    sharing = table[(table["sampler"] == "time-sharing") & (table["n"] == table["levels"] + 1)]
    best = sharing[sharing["levels"] == 2]["frequency"]
    game = table[(table["runs"] == 0) & (table["levels"] == 2)].set_index("n")["frequency"]
    return (
        f"Under the target the event has probability {table['target'].min():.2f} or more. Framed: "
        f"N ≤ n, where the theorem allows no myopic filter more than "
        f"{few['limit'].max():.3f}; seen at most {few['frequency'].max():.2f} (upper 99% limit "
        f"{few['high'].max():.2f}). At two levels the best of all myopic filters reaches "
        f"{game.get(2, 0.0):.3f} with two particles and {game.get(3, 0.0):.3f} with three; "
        f"time-sharing, which has the target's law, reaches {best.max():.2f} with three. "
        "ALRS is SMC-RS with one particle." + _queue(table[table["levels"] == 0])
    )


def _queue(table: pd.DataFrame) -> str:
    """Say of the queue what the filter that holds labels twice at random reaches, and SMC."""
    exact = table[table["runs"] == 0].sort_values("n")
    good = exact[exact["refused"] < 0.1]
    if good.empty:
        return ""
    least = good.iloc[0]
    seen = table[(table["n"] == least["n"]) & (table["runs"] > 0)]["frequency"]
    beside = "" if seen.empty else f", the others there at most {seen.max():.2f}"
    return (
        f" Queue: {least['horizon']} labels, each shown some levels late. A myopic filter that "
        f"holds labels twice at random reaches {least['frequency']:.3f} with {least['n']} particles"
        f"{beside}; the target has {least['target']:.3f}, and their laws differ by at most "
        f"{least['refused']:.3f}: delay alone does not force many particles."
    )


HARD = FigureSpec("hard", "Hard instance: every myopic filter fails at N ≤ n", caption, draw)
