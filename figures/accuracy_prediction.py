"""A predictor of accuracy against the exact accuracy, and how well others rank it."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure
from figures.rank_correlation import Correlation, grouped_correlation

__all__ = ["ACCURACY_PREDICTION", "ANSWERS", "PREDICTORS", "QUESTIONS", "WITHIN", "correlation"]

BLUE, RED = "#0072B2", "#D55E00"
PREDICTORS = {
    "p1": "P1", "p2": "P2", "certificate": "limit E[1/m$_E$]", "n": "N",
    "minus_s1": "−S1", "minus_chi2": "−χ²",
}  # fmt: skip
TREES, QUESTIONS = "random trees", "questions to a language model"
WITHIN, OVER_LAMBDA = ["family"], ["family", "n"]
ANSWERS = {"sample": "output", "any": "pass@N", "best": "highest score", "vote": "vote"}
PANELS = (
    (TREES, WITHIN, "trees: within a problem,\nover N and λ"),
    (TREES, OVER_LAMBDA, "trees: over λ alone, N > 1"),
    (QUESTIONS, WITHIN, "questions: within a question,\nover N and λ"),
)


def draw(table: pd.DataFrame) -> Figure:
    """Draw P1 against accuracy (left), and rank correlations of six predictors (the others)."""
    figure = new_figure(11.4, 3.3)
    left, *others = figure.subplots(1, 4, gridspec_kw={"width_ratios": [1.25, 1, 1, 1]})
    rows = table[table["source"] == TREES]
    points = left.scatter(rows["p1"], rows["sample"], c=rows["lambda"], s=3, alpha=0.6,
                          cmap="viridis", linewidths=0)  # fmt: skip
    figure.colorbar(points, ax=left, label="λ", aspect=30)
    left.plot([0, 1], [0, 1], "-", color="#999999", lw=0.8, zorder=0)
    left.set_xlabel("predicted, P1")
    left.set_ylabel("exact accuracy of the output")
    mean, low, high = grouped_correlation(rows, "p1", "sample", WITHIN)
    left.set_title(f"trees: P1, rank correlation\n{mean:.2f} [{low:.2f}, {high:.2f}]", fontsize=8)
    for axes, (source, by, title) in zip(others, PANELS, strict=True):
        for answer, colour, shift in (("sample", BLUE, 0.13), ("any", RED, -0.13)):
            marks = _marks(table, source, answer, by)
            for place, (mean, low, high) in marks.items():
                axes.plot([low, high], [place + shift] * 2, "-", color=colour, lw=1.2)
                axes.plot(mean, place + shift, "o", color=colour, ms=4,
                          label=ANSWERS[answer] if place == max(marks) else None)  # fmt: skip
        axes.axvline(0, color="#999999", lw=0.8, zorder=0)
        names = list(PREDICTORS.values())[::-1]
        axes.set_yticks(range(len(names)), names if axes is others[0] else [""] * len(names))
        axes.set_ylim(-0.5, len(PREDICTORS) - 0.5)
        axes.set_xlim(-1.05, 1.05)
        axes.set_xlabel("correlation with accuracy")
        axes.set_title(title, fontsize=8)
    others[0].legend(fontsize=7, loc="lower right")
    return figure


def _marks(table: pd.DataFrame, source: str, answer: str, by: list[str]) -> dict[int, Correlation]:
    """Correlations of the predictors, from the bottom up; none of N where N does not change."""
    names = list(PREDICTORS)[::-1]
    return {
        place: correlation(table, source, name, answer, by)
        for place, name in enumerate(names)
        if not (name == "n" and "n" in by)
    }


def correlations(table: pd.DataFrame) -> pd.DataFrame:
    """Return Spearman's correlation of each predictor with each accuracy, with its interval."""
    rows = []
    for source in table["source"].unique():
        for by, over in ((WITHIN, "N and λ"), (OVER_LAMBDA, "λ, N > 1")):
            for name, title in PREDICTORS.items():
                if name == "n" and "n" in by:
                    continue
                row = {"problems": source, "over": over, "predictor": title.replace("$", "")}
                for answer, told in ANSWERS.items():
                    row[told] = _shown(correlation(table, source, name, answer, by))
                rows.append(row)
    return pd.DataFrame(rows)


def _shown(found: Correlation) -> str:
    mean, low, high = found
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")


def correlation(
    table: pd.DataFrame, source: str, name: str, answer: str, by: list[str]
) -> Correlation:
    """Return the mean rank correlation of a predictor with an accuracy, and its interval."""
    rows = table[table["source"] == source].copy()
    rows["minus_chi2"], rows["minus_s1"] = -rows["chi2"], -rows["s1"]
    if "n" in by:
        rows = rows[rows["n"] > 1]  # one particle: no choice, and no lambda
    return grouped_correlation(rows, name, answer, by)


def caption(table: pd.DataFrame) -> str:
    """State the correlations of the best predictors and of chi-square."""

    def shown(source: str, name: str, answer: str, by: list[str]) -> str:
        return _shown(correlation(table, source, name, answer, by))

    trees = table[table["source"] == TREES]
    pairs = (("sample", "p1"), ("any", "p2"), ("best", "p2"), ("vote", "p1"))
    best = {answer: shown(TREES, name, answer, WITHIN) for answer, name in pairs}
    high = float((trees["p1"] >= trees["sample"] - 1e-9).mean())
    text = (
        f"{trees['family'].nunique()} random problems (H = 4), a noisy PRM and score to the power "
        "λ, N up to 4; all accuracies exact. Spearman's correlation within a problem, with a 95% "
        f"bootstrap interval over problems: P1 with the output {best['sample']} and with the vote "
        f"{best['vote']}, P2 with pass@N {best['any']} and with the highest score {best['best']}. "
        f"Over λ at one N, −χ² has {shown(TREES, 'minus_chi2', 'sample', OVER_LAMBDA)} with the "
        f"output, the wrong sign, and P1 {shown(TREES, 'p1', 'sample', OVER_LAMBDA)}. P1 is no "
        f"limit: it is not below the accuracy in {high:.0%} of the cases, and too high at large λ."
    )
    for source, kind in (
        ("a language model", "tables of a language model"),
        (QUESTIONS, QUESTIONS),
    ):
        count = table.loc[table["source"] == source, "family"].nunique()
        text += (
            f" On {count} {kind}: P1 {shown(source, 'p1', 'sample', WITHIN)} with the output, P2 "
            f"{shown(source, 'p2', 'any', WITHIN)} with pass@N."
        )
    text += (
        " The questions are the packaged ones that one digit answers, over four words of the "
        "model; its target has seen how such questions are answered."
    )
    return text


ACCURACY_PREDICTION = FigureSpec(
    "accuracy_prediction", "What predicts accuracy, and chi-square does not", caption, draw,
    correlations,
)  # fmt: skip
