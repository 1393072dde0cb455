"""N times the error and its limit A; why A is of order sqrt(H) on one instance and H on another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["FIRST_ORDER"]

INSTANCES = {"product": ("#0072B2", 0.5), "two-branch": ("#D55E00", 1.0)}  # colour, power of H
MARKS = "s^vDP"
ROUNDING = 1e-9


def draw(table: pd.DataFrame) -> Figure:
    """Draw N D_TV against A (left), sums of sigma along paths (middle), and A over H (right)."""
    figure = new_figure(8.0, 3.1)
    left, middle, right = figure.subplots(1, 3, width_ratios=(1.25, 1, 1.1))
    _draw_sizes(left, table[~_of_instance(table)])
    walk = _part(table, "walk")
    for name, (colour, _) in INSTANCES.items():
        for _, path in walk[walk["problem"] == name].groupby("path"):
            middle.plot(path["horizon"], path["value"], color=colour, lw=0.9, alpha=0.75)
        middle.plot([], [], color=colour, label=name)
    middle.set_title("along paths: walk or drift")
    middle.set_xlabel("level h")
    middle.set_ylabel("first h steps of σ − E σ, paths from π*")
    middle.legend(loc="upper left")
    _draw_growth(right, table[_of_instance(table)])
    return figure


def _draw_sizes(axes: Axes, table: pd.DataFrame) -> None:
    for k, (problem, rows) in enumerate(table.groupby("problem", sort=False)):
        error, a = _part(rows, "error").sort_values("n"), _constants(rows)
        axes.errorbar(
            error["n"], error["value"], np.abs(error[["low", "high"]].T - error["value"]),
            fmt=f"{'o' if _exact(error) else MARKS[k % len(MARKS)]}-", color=f"C{k}", ms=3.5, lw=1,
            capsize=2, label=_short(str(problem)),
        )  # fmt: skip
        axes.axhline(float(a.iloc[0]), color=f"C{k}", ls="--", lw=0.9)
    axes.plot([], [], "--", color="black", lw=0.9, label="A (no run)")
    axes.set_xscale("log", base=2)
    axes.set_ylim(bottom=0, top=1.42 * float(table["high"].max()))
    axes.set_title("N times the error tends to A")
    axes.set_xlabel("particles N")
    axes.set_ylabel("N · D$_{TV}$")
    axes.legend(ncols=2, loc="upper left", fontsize=6.5, columnspacing=1, handlelength=1.6)


def _draw_growth(axes: Axes, table: pd.DataFrame) -> None:
    for name, (colour, power) in INSTANCES.items():
        rows = table[table["problem"] == name]
        a = _constants(rows)
        h = a.index.to_numpy(dtype=float)
        axes.plot(h, a, "-", color=colour, label=f"A, {name}")
        guide = a.iloc[-1] * (h / h[-1]) ** power
        axes.plot(h, guide, ":", color="#888888", lw=1)
        axes.annotate(
            "√H" if power == 0.5 else "H", (h[-1], guide[-1]), (4, -2),
            textcoords="offset points", color="#666666",
        )  # fmt: skip
        for n, part in _part(rows, "error").groupby("n"):
            few = n == table.loc[table["part"] == "error", "n"].min()
            axes.plot(
                part["horizon"], part["value"], "o" if few else "D", color=colour, ms=3.5,
                mfc="none" if few else colour, mew=0.8, label=f"N · D$_{{TV}}$, N = {n}",
            )  # fmt: skip
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_title("so A grows like √H or like H")
    axes.set_xlabel("horizon H")
    axes.set_ylabel("A and N · D$_{TV}$")
    axes.legend(fontsize=6.5)


def caption(table: pd.DataFrame) -> str:
    """Say how near N D_TV is to A, how A grows, and how far sigma leans."""
    small = table[~_of_instance(table)]
    told = []
    for exact, how in ((True, "exact"), (False, "by certified brackets")):
        gaps, sizes = [], []
        for _, rows in small.groupby("problem", sort=False):
            error = _part(rows, "error").sort_values("n")
            if _exact(error) == exact:
                sizes.append(int(error["n"].iloc[-1]))
                a = _constants(rows).iloc[0]
                gaps += [error["low"].iloc[-1] / a, error["high"].iloc[-1] / a]
        if gaps:
            told.append(f"{min(gaps):.2f} to {max(gaps):.2f} of A at N = {max(sizes)} ({how})")
    return (
        "The error of SMC is A/N to first order. On trees and on tables of a real model N times "
        "the error comes to " + "; ".join(told) + ". A is half the mean distance of σ, a sum over "
        "levels, from its mean; in the middle that sum along paths drawn from π*, step by step. "
        + " ".join(_growth(table, name) for name in INSTANCES)
    )


def _growth(table: pd.DataFrame, name: str) -> str:
    """Say how A grows on an instance, and what its paths have to do with it."""
    rows = table[table["problem"] == name]
    a, walk = _constants(rows), _part(rows, "walk")
    slope = np.polyfit(np.log(a.index.to_numpy(dtype=float)), np.log(a), 1)[0]
    last = walk["horizon"].max()
    ends = walk.loc[walk["horizon"] == last, "value"]
    straight = sum(
        np.ptp(np.diff(path.sort_values("horizon")["value"])[1:]) < ROUNDING
        for _, path in walk.groupby("path")
    )
    how = (
        "it is a random walk"
        if straight == 0
        else (f"all steps push the same way on {straight} of {len(ends)} paths")
    )
    return (
        f"On {name} {how}: its standard deviation is {ends.std():.1f} after {last} levels, and A "
        f"grows like H^{slope:.2f}."
    )


def _of_instance(table: pd.DataFrame) -> pd.Series[bool]:
    return table["problem"].isin(INSTANCES)


def _part(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table[table["part"] == name]


def _constants(rows: pd.DataFrame) -> pd.Series[float]:
    """Return A by horizon."""
    return _part(rows, "constant").sort_values("horizon").set_index("horizon")["value"]


def _exact(rows: pd.DataFrame) -> bool:
    return bool((rows["low"] == rows["high"]).all())


def _short(problem: str) -> str:
    name, _, options = problem.partition(":")
    seed = options.partition("seed=")[2]
    return f"{name.replace('-', ' ')} {seed}" if seed else name


FIRST_ORDER = FigureSpec(
    "first_order", "The first-order law: N times the error tends to A", caption, draw
)
