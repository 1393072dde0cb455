"""Exact error of SMC and every bound against N, on three trees."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure, shade_vacuous

__all__ = ["TREES", "draw_bounds"]

SHOWN = {
    "1.1": ("#999999", ":"),
    "3.2": ("#E69F00", ":"),
    "3.5": ("#CC79A7", ":"),
    "C.6": ("#E69F00", "-."),
    "C.4": ("#56B4E9", "--"),
    "L": ("#D55E00", "--"),
    "F-star": ("#D55E00", "-."),
    "S1": ("#0072B2", "--"),
    "S2": ("#009E73", "--"),
    "J": ("#009E73", "-"),
    "T": ("#000000", "-"),
    "Z": ("#CC79A7", "-"),
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a problem; both axes logarithmic."""
    return draw_bounds(table, SHOWN)


def draw_bounds(table: pd.DataFrame, shown: dict[str, tuple[str, str]]) -> Figure:
    """Draw errors and bounds against N, one panel a problem, as wide as a page.

    Parameters
    ----------
    table : DataFrame
        Rows (problem, n, quantity, value, low, high).
    shown : dict
        Bound to colour and line style.
    """
    problems = list(dict.fromkeys(table["problem"]))
    figure = new_figure(7.2, 4.6)
    panels = figure.subplots(1, len(problems), sharey=True, squeeze=False)[0]
    for axes, problem in zip(panels, problems, strict=True):
        _panel(axes, table[table["problem"] == problem], shown)
        axes.set_title(_title(problem), fontsize=8)
        axes.set_xlabel("particles N")
    panels[0].set_ylabel("total variation to the target")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4)
    return figure


def _title(problem: str) -> str:
    """Family on one line, its options below, two a line."""
    family, _, rest = problem.partition(":")
    options = rest.replace("n_actions", "A").replace("horizon", "H").split(",")
    lines = [", ".join(options[i : i + 2]) for i in range(0, len(options), 2)]
    return "\n".join([family, *lines])


def _panel(axes: Axes, rows: pd.DataFrame, shown: dict[str, tuple[str, str]]) -> None:
    for bound, (colour, line) in shown.items():
        part = rows[rows["quantity"] == bound].sort_values("n")
        part = part[part["value"] < 30]
        axes.plot(part["n"], part["value"], color=colour, linestyle=line, label=f"bound {bound}")
    measured = rows[(rows["quantity"] == "measured error") & (rows["n"] > _last_exact(rows))]
    axes.vlines(
        measured["n"], measured["low"].clip(lower=1e-4), measured["high"], color="#555555",
        linewidth=3, alpha=0.5, label="error, certified 99% bracket",
    )  # fmt: skip
    exact = rows[rows["quantity"] == "exact error"]
    axes.plot(exact["n"], exact["value"], "o", color="black", label="exact error", zorder=5)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylim(1e-3, 20)
    shade_vacuous(axes)


def _last_exact(rows: pd.DataFrame) -> int:
    return int(rows.loc[rows["quantity"] == "exact error", "n"].max())


def caption(table: pd.DataFrame) -> str:
    """Say how close the best bounds come."""
    wide = table.pivot_table(index=["problem", "n"], columns="quantity", values="value")
    both = wide.dropna(subset=["exact error", "T"])
    ratio = (both["exact error"] / both["T"]).max()
    old = (both["exact error"] / both["3.2"]).max()
    return (
        "The exact law of SMC (dots; grey bars are certified brackets where enumeration ends) lies "
        f"below every bound. The exact error reaches {ratio:.2f} of the stepwise bound T but "
        f"only {old:.2f} of theorem 3.2, and the lines of slope -1 (J, F-star, T) leave those of "
        "slope -1/2 behind as N grows."
    )


TREES = FigureSpec("trees", "Exact error and every bound on three trees", caption, draw)
