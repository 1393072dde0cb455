"""Exact variances of W^_h on the variance instance, and what stays small."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["VARIANCE"]

ROUNDING = 1e-11


def _peaks(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["level"] == table["horizon"] // 2]


def draw(table: pd.DataFrame) -> Figure:
    """Draw the variance along the levels (left), and its peak, S2 and error against H (right)."""
    figure = new_figure(7.2, 3.4)
    left, right = figure.subplots(1, 2)
    longest = table[table["horizon"] == table["horizon"].max()]
    for k, (n, rows) in enumerate(longest.groupby("n")):
        told = rows[rows["variance"] > ROUNDING]
        left.plot(told["level"], told["variance"], color=f"C{k}", label=f"N = {n}")
        left.plot(rows["horizon"] // 2, rows["bound"], "_", color=f"C{k}", ms=14, mew=2)
    left.plot([], [], "_", color="black", mew=2, ms=9, label="proved least at H/2")
    left.set_xlabel(f"level h of H = {longest['horizon'].iloc[0]}")
    left.set_ylabel("exact Var($\\hat{W}_h$)")
    left.set_title("level by level")
    left.set_yscale("log")
    left.legend(loc="lower center")
    for k, (_, rows) in enumerate(_peaks(table).groupby("n")):
        rows = rows.sort_values("horizon")
        right.plot(rows["horizon"], rows["variance"], "o-", ms=3, color=f"C{k}")
        right.plot(rows["horizon"], rows["s2"], "--", color=f"C{k}")
        right.plot(rows["horizon"], rows["error"], ":", color=f"C{k}")
    for line, label in (
        ("o-", "Var($\\hat{W}_h$), h = H/2"),
        ("--", "bound S2"),
        (":", "exact error"),
    ):
        right.plot([], [], line, color="black", ms=3, label=label)
    right.set_xlabel("horizon H")
    right.set_title("half-way, and at the end")
    right.set_yscale("log")
    right.set_ylim(1e-6, 1e10)
    right.legend(loc="upper left")
    return figure


def caption(table: pd.DataFrame) -> str:
    """State how far the variances grow while bound and error stay."""
    peaks = _peaks(table)
    top = peaks.nlargest(1, "variance").iloc[0]
    return (
        f"Chi-square never exceeds {table['chi2'].max():.2f}, yet the variance of W at level H/2 "
        f"reaches {top['variance']:.2g} (H = {top['horizon']:.0f}, N = {top['n']:.0f}); it is at "
        "least "
        f"{(peaks['variance'] / peaks['bound']).where(peaks['bound'] > 0).min():.2f} times the "
        f"corrected bound C.5. At level H bound S2 stays below {table['s2'].max():.2f}, and the "
        f"error below {table['error'].max():.2f}: only analyses that go through prefixes fail."
    )


VARIANCE = FigureSpec("variance", "Prefix variances explode, the output does not", caption, draw)
