"""Certified brackets of the error, and the exact error inside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["CERTIFICATES"]


def _split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    long = table["problem"].str.startswith(("product", "two-branch"))
    return table[~long], table[long]


def _inside(rows: pd.DataFrame) -> pd.Series[bool]:
    return (rows["low"] <= rows["exact"]) & (rows["exact_high"] <= rows["high"])


def draw(table: pd.DataFrame) -> Figure:
    """Draw repeated brackets on a tree (left) and brackets at long horizons (right)."""
    small, long = _split(table)
    figure = new_figure(7.2, 3.3)
    left, right = figure.subplots(1, 2)
    place, ticks, labels = 0, [], []
    for key, rows in small.groupby(["n", "runs"]):
        n, runs = (int(x) for x in np.asarray(key))
        shown = rows.head(60)
        x = place + pd.RangeIndex(len(shown)).to_numpy()
        missed = ~_inside(shown)
        left.vlines(
            x, shown["low"], shown["high"], lw=0.8,
            colors=["#b00020" if m else "#7a9cc6" for m in missed],
        )  # fmt: skip
        left.plot(x, shown["exact"], color="black", lw=1)
        ticks.append(place + len(shown) / 2)
        labels.append(f"N={n}\nR={runs}")
        place += len(shown) + 8
    left.set_xticks(ticks, labels)
    left.set_ylabel("total variation")
    left.set_title("tree of 3 levels: repeated brackets")
    for k, (problem, rows) in enumerate(long.groupby("problem", sort=True)):
        data = rows.sort_values("n")
        name = str(problem).replace(":horizon=", ", H=")
        right.fill_between(data["n"], data["low"], data["high"], alpha=0.25, color=f"C{k}")
        right.plot(data["n"], data["exact"], "o-", ms=3, color=f"C{k}", label=f"exact, {name}")
    right.set_xscale("log", base=2)
    right.set_xlabel("particles N")
    right.set_title("long horizons: one bracket each")
    right.legend()
    return figure


def caption(table: pd.DataFrame) -> str:
    """State coverage and width."""
    small, long = _split(table)
    held = _inside(small)
    width = (small["high"] - small["low"]).groupby(small["runs"]).mean()
    widths = ", ".join(f"{w:.3f} from {runs} runs" for runs, w in width.items())
    inside = _inside(long)
    width_of_exact = (long["exact_high"] - long["exact"]).max()
    return (
        f"Brackets of confidence {small['confidence'].iloc[0]:g} held the exact error in "
        f"{held.sum()} of {len(held)} repetitions on the tree (mean width {widths}); at long "
        f"horizons, at {long['confidence'].iloc[0]:g}, in {inside.sum()} of {len(inside)} "
        f"(the error on two branches is itself known to {width_of_exact:.4f}). The "
        "lower limit comes from an event learnt on other runs, the upper from means of bounded "
        "variables."
    )


CERTIFICATES = FigureSpec(
    "certificates", "Certified brackets hold the exact error at any scale", caption, draw
)
