"""Speed of the SMC kernels against the numbers of particles, levels and runs, and that of C."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["THROUGHPUT"]

STYLE = {
    "ours": ("#000000", "o", "-", "ours, full sampler"),
    "c": ("#0072B2", "s", "--", "C, same draws"),
    "lanes": ("#D55E00", "^", ":", "C, eight generators"),
}
AXES = {"N": "particles N  (H = 64)", "H": "levels H  (N = 64)", "R": "runs R  (N = 64, H = 16)"}


def draw(table: pd.DataFrame) -> Figure:
    """Draw a row of panels a scheme, a column for N, H and R."""
    schemes = list(dict.fromkeys(table["scheme"]))
    axes_of = [axis for axis in AXES if (table["axis"] == axis).any()]
    figure = new_figure(8.2, 2.4 * len(schemes) + 0.3)
    panels = figure.subplots(len(schemes), len(axes_of), sharey="row", squeeze=False)
    for row, scheme in zip(panels, schemes, strict=True):
        for axes, axis in zip(row, axes_of, strict=True):
            rows = table[(table["axis"] == axis) & (table["scheme"] == scheme)]
            for by, (colour, marker, line, label) in STYLE.items():
                one = rows[rows["by"] == by].sort_values("value")
                if len(one):
                    axes.plot(
                        one["value"], one["speed"], color=colour, marker=marker, ls=line,
                        ms=3.5, lw=1.1, label=label,
                    )  # fmt: skip
            axes.set_xscale("log", base=2)
            if scheme == schemes[-1]:
                axes.set_xlabel(AXES[axis])
        row[0].set_ylim(bottom=0)  # shared, so only once all lines are there
        row[0].set_ylabel(f"{scheme}\nmillion particle steps/s")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
    return figure


def caption(table: pd.DataFrame) -> str:
    """Say how fast the kernels are at best."""
    best = table[table["by"] == "ours"].groupby("scheme")["speed"].max()
    speeds = ", ".join(f"{name} {speed:.0f}" for name, speed in best.items())
    return (
        "Million particle steps a second on one thread, S=64 states and A=8 tokens, costs counted "
        f"and failures handled. Best of ours: {speeds}."
    )


THROUGHPUT = FigureSpec("throughput", "Speed of the kernels", caption, draw)
