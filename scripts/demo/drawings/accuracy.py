"""Accuracy and sampling error against the sharpness of the PRM."""

from __future__ import annotations

from typing import Any

import altair as alt

from scripts.demo.charts import BLUE, GREY, ORANGE, across, data, finish, lines, ring, scale, ticks
from scripts.demo.lessons.accuracy import LAMBDAS, curve, row
from scripts.demo.parts import Drawing

__all__ = ["accuracy_chart", "accuracy_drawing", "scatter_chart", "scatter_drawing"]

STYLES = {"accuracy": (BLUE, "-"), "sampling error (TV)": (ORANGE, "--")}
LEAST = 1e-3  # of chi-square on the logarithmic axis; less counts as that


def accuracy_chart() -> dict[str, Any]:
    """Return both against lambda: data sets curves (x, y, series), target (y) and here (x)."""
    x = alt.X("x:Q", title="sharpness λ of the reward model")
    y = alt.Y("y:Q", title=None, scale=alt.Scale(domainMin=0))
    here = alt.Chart(data("here")).mark_rule(color=GREY).encode(x=x)
    return finish(here, across("target"), lines("curves", x, y, STYLES, 2, points=True))


def accuracy_drawing(n_particles: int, power: float, sigma: float) -> Drawing:
    """Draw accuracy and error against lambda, with the chosen one marked.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.
    """
    rows, here = curve(n_particles, sigma), row(n_particles, power, sigma)
    return Drawing(
        f"Accuracy and sampling error against λ, N = {n_particles}, σ = {sigma:g}. At "
        f"λ = {power:g} the accuracy is {here['accuracy']:.3f} and the error {here['error']:.3f}; "
        f"the target's accuracy, dotted, is {here['target']:.3f}.",
        {
            "curves": {
                "x": [*LAMBDAS, *LAMBDAS],
                "y": [*(r["accuracy"] for r in rows), *(r["error"] for r in rows)],
                "series": [name for name in STYLES for _ in rows],
            },
            "target": {"y": [here["target"]]},
            "here": {"x": [power]},
        },
    )


def scatter_chart() -> dict[str, Any]:
    """Return accuracy against the largest chi-square: data sets points and here (x, y)."""
    x = alt.X("x:Q", title="largest χ² of a level", scale=scale(10),
              axis=ticks(10, -3, 4))  # fmt: skip
    y = alt.Y("y:Q", title="accuracy", scale=alt.Scale(domainMin=0))
    path = alt.Chart(data("points")).mark_line(
        color=BLUE, point={"color": BLUE, "size": 30}, strokeWidth=1.6
    ).encode(x=x, y=y, order="order:Q")  # fmt: skip
    return finish(path, ring(x, y))


def scatter_drawing(n_particles: int, power: float, sigma: float) -> Drawing:
    """Draw accuracy against chi-square, the criterion of the bounds, in the order of lambda.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.
    """
    rows, here = curve(n_particles, sigma), row(n_particles, power, sigma)
    return Drawing(
        f"Accuracy against the largest χ² of a level for all λ. At λ = {power:g} χ² is "
        f"{here['chi2']:.3g} and the accuracy {here['accuracy']:.3f}.",
        {
            "points": {"x": [max(r["chi2"], LEAST) for r in rows],
                       "y": [r["accuracy"] for r in rows], "order": list(range(len(rows)))},
            "here": {"x": [max(here["chi2"], LEAST)], "y": [here["accuracy"]]},
        },
    )  # fmt: skip
