"""Exact errors of SMC with and without restart against N."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["RESTART"]

ROUNDING = 1e-11


def draw(table: pd.DataFrame) -> Figure:
    """Draw errors (left, logarithmic) and the mean number of runs (right)."""
    figure = new_figure(7.2, 3.8)
    left, right = figure.subplots(1, 2)
    for k, (_, rows) in enumerate(table.groupby("instance")):
        rows = rows.sort_values("n")
        told = rows[rows["smc-restart"] > ROUNDING]
        left.plot(rows["n"], rows["smc"], "s-", color=f"C{k}", ms=3, lw=1, alpha=0.6)
        left.plot(told["n"], told["smc-restart"], "o-", color=f"C{k}")
        limit = rows[rows["limit"] > ROUNDING]
        left.plot(limit["n"], limit["limit"], "--", color=f"C{k}", lw=1)
        name = str(rows["problem"].iloc[0]).replace("horizon", "H").replace("n_actions", "A")
        name += f", $C_\\infty$ = {rows['prm_accuracy'].iloc[0]:.2f}"
        right.plot(rows["n"], rows["runs"], "o-", color=f"C{k}", label=name)
        right.axhline(rows["least_runs"].iloc[0], color=f"C{k}", ls=":", lw=1)
    for style, label in (("s-", "SMC"), ("o-", "SMC with restart"), ("--", "bound Z/(Ba) − 1")):
        left.plot([], [], style, color="black", ms=3.5, label=label)
    left.set_yscale("log")
    left.set_ylim(bottom=1e-11)
    left.legend(loc="lower left")
    right.set_ylim(bottom=0)
    right.plot([], [], ":", color="black", lw=1, label="limit B/Z")
    figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    for axes in (left, right):
        axes.set_xlabel("particles N")
    left.set_ylabel("exact total variation")
    left.set_title("the error")
    right.set_ylabel("mean number of runs, 1/a")
    right.set_title("runs until one is accepted")
    return figure


def caption(table: pd.DataFrame) -> str:
    """State the decay of both errors and the number of runs."""
    last = table[table["n"] == table["n"].max()]
    before = table[table["n"] == table["n"].max() - 1].set_index("instance")
    last = last.set_index("instance")
    seen = before["smc-restart"] > ROUNDING
    gain = (before["smc-restart"] / last["smc-restart"])[seen]
    plain = before["smc"] / last["smc"]
    return (
        f"Exact laws on {len(last)} trees: the particle from N = {last['n'].iloc[0] - 1} to "
        f"{last['n'].iloc[0]} divides the error by {gain.min():.1f} to {gain.max():.1f} with "
        f"restart and by {plain.min():.2f} to {plain.max():.2f} without (3.6). The price is "
        f"{table['runs'].min():.1f} to {table['runs'].max():.1f} runs an output, whatever N."
    )


RESTART = FigureSpec("restart", "Restart: the error decays exponentially in N", caption, draw)
