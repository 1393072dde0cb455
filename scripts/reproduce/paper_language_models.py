"""What the paper says about a language model, from the tables that the package ships."""

from __future__ import annotations

import numpy as np
import pandas as pd

from figures.accuracy_prediction import ANSWERS, PREDICTORS, QUESTIONS, WITHIN, correlation
from figures.language_model_answers import paired
from figures.prompt_switching import correlation as pearson
from figures.prompt_switching import reliability
from scripts.experiments.accuracy_prediction import run_cell
from scripts.experiments.language_model_answers import NAME as ANSWERED
from scripts.experiments.language_model_switching import NAME as SWITCHED
from scripts.experiments.shipped import shipped_rows
from scripts.reproduce.latex import Cell, table
from simulator.language_models.question_tables import question_tables

__all__ = ["answers", "prediction", "switching"]

TYPED = {
    "$": "", "E[1/m_E]": r"$\E[1/m_E]$", "−S1": r"$-$\textsf{S1}", "−χ²": r"$-\chisq$",
    "@N": "@$N$",
}  # fmt: skip


def switching() -> str:
    """Correlations of two measures of the error with the divergence, a row a series."""
    points = pd.DataFrame(shipped_rows(SWITCHED))
    points = points[points["figure"].isin(["2a", "2b"]) & np.isfinite(points["lpd"])]
    rows: list[list[Cell]] = []
    for _, part in points.groupby(["figure", "prompt_set", "alpha", "horizon"]):
        first = part.iloc[0]
        kind = r"\piref\ne\pis" if first["figure"] == "2a" else rf"\alpha={first['alpha']:g}"
        row: list[Cell] = [f"{first['prompt_set']}, ${kind}$", int(first["horizon"])]
        row += [int(first["n"]), len(part), int(first["runs"])]
        for y in ("lpd", "shortfall"):
            row += [_interval(*pearson(part, y)), reliability(part, y)]
        rows.append(row)
    names = ["prompts", "$H$", "$N$", "points", "runs", "LPD", "rel.",
             r"$(1-\Wh_H/Z)_+$", "rel."]  # fmt: skip
    return table("lrrrrlrlr", names, rows, digits=2)


def prediction() -> str:
    """Rank correlations with exact accuracies on questions, a row a predictor."""
    points = pd.DataFrame(
        [row for k in range(len(question_tables())) for row in run_cell(QUESTIONS, k)]
    )
    rows: list[list[Cell]] = [
        [
            _latex(title),
            *(_interval(*correlation(points, QUESTIONS, name, kind, WITHIN)) for kind in ANSWERS),
        ]
        for name, title in PREDICTORS.items()
    ]
    return table("lllll", ["", *map(_latex, ANSWERS.values())], rows, digits=2)


def answers() -> dict[str, str]:
    """Numbers of the comparison of SMC with best-of-N on the packaged questions."""
    both = paired(pd.DataFrame(shipped_rows(ANSWERED)))
    smc, best = both["accuracy_y"], both["accuracy_x"]
    first = both.iloc[0]
    return {
        "Answers": str(len(both)),
        "AnswersN": str(first["n"]),
        "AnswersRuns": str(first["runs"]),
        "AnswersSMC": f"{smc.mean():.2f}",
        "AnswersBest": f"{best.mean():.2f}",
        "AnswersAhead": str(int((smc > best).sum())),
        "AnswersBehind": str(int((smc < best).sum())),
        "AnswersClear": str(int((both["low_y"] > both["high_x"]).sum())),
    }


def _interval(mean: float, low: float, high: float) -> str:
    mean, low, high = (round(x, 2) + 0.0 for x in (mean, low, high))  # no -0.00
    return f"${mean:.2f}$ $[{low:.2f},{high:.2f}]$"


def _latex(title: str) -> str:
    """Typeset a name of the figure."""
    for plain, typed in TYPED.items():
        title = title.replace(plain, typed)
    return "$N$" if title == "N" else title
