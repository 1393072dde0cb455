"""Accuracy goes to 1 while chi-square explodes: the product instance, in closed form."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["ACCURACY_SHARPENED"]

BLUE, RED, GREY = "#0072B2", "#D55E00", "#888888"
WAYS = {
    "output": "two thirds of the output are ones",
    "any": "one of the N proposals has ones only",
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw accuracy with its limits, error and chi-square against lambda, a panel a question."""
    figure = new_figure(7.2, 3.3)
    left, right = figure.subplots(1, 2)
    for axes, (answer, what) in zip((left, right), WAYS.items(), strict=True):
        rows = table[table["answer"] == answer].sort_values("lambda")
        x = rows["lambda"]
        name = "accuracy" if answer == "output" else "accuracy (pass@N)"
        axes.fill_between(x, rows["low"], rows["high"], color=BLUE, alpha=0.15, lw=0,
                          label="limits proved at this N")  # fmt: skip
        axes.plot(x, rows["accuracy"], "-", color=BLUE, lw=1.8, label=name)
        axes.plot(x, rows["error"], "--", color=RED, lw=1.2, label="error of the output, TV to π*")
        if answer == "output":
            axes.axhline(rows["target"].iloc[0], color=BLUE, ls=":", lw=0.9, label="accuracy of π*")
        _chi_square(axes, rows)
        h, n = int(rows["horizon"].iloc[0]), int(rows["n"].iloc[0])
        axes.set_title(f"{what}\nH = {h}, N = {n}", fontsize=8)
        axes.set_xlabel("inverse temperature λ of the PRM")
        axes.set_ylim(-0.02, 1.05)
    left.set_ylabel("probability")
    handles, labels = left.get_legend_handles_labels()
    chi2 = figure.axes[2].lines[0]
    figure.legend([*handles, chi2], [*labels, "χ² (right axes)"], loc="outside lower center",
                  ncols=3, fontsize=7)  # fmt: skip
    return figure


def _chi_square(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the largest chi-square below level H on an axis of its own."""
    other = axes.twinx()
    seen = rows[rows["chi2"] > 0]
    for part in (seen[seen["lambda"] < 1], seen[seen["lambda"] > 1]):
        other.plot(part["lambda"], part["chi2"], "-", color=GREY, lw=1.0)
    other.set_yscale("log")
    other.tick_params(axis="y", colors=GREY)
    other.grid(visible=False)


def caption(table: pd.DataFrame) -> str:
    """State accuracy, error and chi-square at lambda = 1 and 3."""
    one, three = _at(table, "output", 1.0), _at(table, "output", 3.0)
    hit, sharp = _at(table, "any", 1.0), _at(table, "any", 3.0)
    last = table.loc[table["answer"] == "any"].sort_values("lambda").iloc[-1]
    return (
        "The product instance, all curves exact. With a perfect PRM (λ = 1) the output is right "
        f"with probability {one['accuracy']:.3f}, as under π* ({one['target']:.3f}), and the error "
        f"is {one['error']:.3f}. With λ = 3 chi-square is {three['chi2']:.0f} and the error "
        f"{three['error']:.3f}, and the output is right with probability {three['accuracy']:.3f}. "
        f"That one of N = {int(hit['n'])} proposals is all ones rises from {hit['accuracy']:.4f} "
        f"(λ = 1) to {sharp['accuracy']:.3f} (λ = 3) and {last['accuracy']:.3f} (λ = "
        f"{last['lambda']:g}), where chi-square is {last['chi2']:.0e}: chi-square says how far the "
        "output is from π*, not whether it is right. Shaded: laws A1 and A5."
    )


def _at(table: pd.DataFrame, answer: str, power: float) -> pd.Series[float]:
    """Return the row of a question at one lambda."""
    return table[(table["answer"] == answer) & (table["lambda"] == power)].iloc[0]


ACCURACY_SHARPENED = FigureSpec(
    "accuracy_sharpened", "Chi-square explodes, accuracy rises to 1", caption, draw
)
