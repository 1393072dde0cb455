"""Accuracy on questions: SMC against best-of-N, a point a question."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["LANGUAGE_MODEL_ANSWERS"]


def draw(table: pd.DataFrame) -> Figure:
    """Draw one point a question, with both intervals."""
    figure = new_figure(3.6, 3.4)
    axes = figure.subplots()
    both = _paired(table)
    error = {
        side: [
            (both[f"accuracy{side}"] - both[f"low{side}"]).clip(lower=0),
            (both[f"high{side}"] - both[f"accuracy{side}"]).clip(lower=0),
        ]
        for side in ("_x", "_y")
    }
    axes.errorbar(both["accuracy_x"], both["accuracy_y"], xerr=error["_x"], yerr=error["_y"],
                  fmt="o", ms=4, lw=0.8)  # fmt: skip
    axes.plot([0, 1], [0, 1], color="#777777", lw=0.8)
    axes.set_xlabel("accuracy of best-of-N")
    axes.set_ylabel("accuracy of SMC, highest $\\hat{V}$")
    return figure


def _paired(table: pd.DataFrame) -> pd.DataFrame:
    best = table[table["sampler"] == "best of N"]
    return best.merge(table[table["sampler"] == "SMC"], on="question")


def caption(table: pd.DataFrame) -> str:
    """State how often SMC is ahead."""
    both, first = _paired(table), table.iloc[0]
    above = int((both["accuracy_y"] > both["accuracy_x"]).sum())
    below = int((both["accuracy_y"] < both["accuracy_x"]).sum())
    return (
        f"{len(both)} questions to {first['model']}, N = {first['n']}, {first['runs']} runs a "
        "point, 95% intervals. The target is the model after worked examples. SMC is ahead on "
        f"{above} questions and behind on {below}."
    )


LANGUAGE_MODEL_ANSWERS = FigureSpec(
    "language_model_answers", "Answers: SMC against best-of-N", caption, draw
)
