"""Accuracy on questions: SMC against best-of-N, a point a question."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure, shipped_or_all

__all__ = ["LANGUAGE_MODEL_ANSWERS", "paired"]

SHORT = 3  # tokens


def draw(table: pd.DataFrame) -> Figure:
    """Draw one point a question, with both intervals."""
    figure = new_figure(3.6, 3.4)
    axes = figure.subplots()
    both = paired(table)
    short = both["horizon"] <= SHORT
    for part, marker, label in ((both[short], "o", "a number"), (both[~short], "s", "a list")):
        if len(part):
            axes.errorbar(
                part["accuracy_x"], part["accuracy_y"], xerr=_sides(part, "_x"),
                yerr=_sides(part, "_y"), fmt=marker, ms=4, lw=0.6, label=label,
            )  # fmt: skip
    axes.plot([0, 1], [0, 1], color="#777777", lw=0.8)
    axes.set_xlabel("accuracy of best-of-N")
    axes.set_ylabel("accuracy of SMC, highest $\\hat{V}$")
    axes.set_title(f"N = {both['n'].iloc[0]}")
    axes.set_aspect("equal")
    axes.legend(loc="upper left", fontsize=7)
    return figure


def _sides(rows: pd.DataFrame, side: str) -> list[pd.Series]:
    middle = rows[f"accuracy{side}"]
    return [
        (middle - rows[f"low{side}"]).clip(lower=0),
        (rows[f"high{side}"] - middle).clip(lower=0),
    ]


def paired(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row a question: best-of-N with the suffix "_x", SMC with "_y".

    Parameters
    ----------
    table : DataFrame
        A row a question and sampler.
    """
    shown = shipped_or_all(table)
    best = shown[shown["sampler"] == "best of N"]
    other = shown[shown["sampler"] == "SMC"]
    return best.merge(other[["question", "accuracy", "low", "high"]], on="question")


def caption(table: pd.DataFrame) -> str:
    """State how often SMC is ahead, and how often beyond the intervals."""
    both, first = paired(table), table.iloc[0]
    above, below = both["accuracy_y"] > both["accuracy_x"], both["accuracy_y"] < both["accuracy_x"]
    clear = int((both["low_y"] > both["high_x"]).sum()), int((both["high_y"] < both["low_x"]).sum())
    means = both["accuracy_y"].mean(), both["accuracy_x"].mean()
    return (
        f"{len(both)} questions to {first['model']}, N = {first['n']}, {first['runs']} runs a "
        "point, 95% intervals. The target is the model after worked examples, so V̂ is exact; it "
        "rewards what the examples make likely, which need not be what is right. SMC is ahead on "
        f"{int(above.sum())} questions ({clear[0]} with intervals apart) and behind on "
        f"{int(below.sum())} ({clear[1]}); mean accuracy {means[0]:.2f} against {means[1]:.2f}."
    )


LANGUAGE_MODEL_ANSWERS = FigureSpec(
    "language_model_answers", "Answers: SMC against best-of-N", caption, draw
)
