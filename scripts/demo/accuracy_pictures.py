"""Accuracy and sampling error against the sharpness of the PRM."""

from __future__ import annotations

import marimo as mo
from matplotlib.figure import Figure

from scripts.demo.lessons.accuracy import LAMBDAS, curve, row
from scripts.demo.pictures import log_axis, picture

__all__ = ["accuracy_picture", "scatter_picture"]

BLUE, ORANGE = "#0072B2", "#D55E00"


def accuracy_picture(n_particles: int, power: float, sigma: float) -> mo.Html:
    """Draw accuracy and error against lambda, with the chosen one marked.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.
    """
    rows, here = curve(n_particles, sigma), row(n_particles, power, sigma)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.plot(LAMBDAS, [r["accuracy"] for r in rows], "o-", color=BLUE, label="accuracy")
        axes.plot(LAMBDAS, [r["error"] for r in rows], "s--", color=ORANGE,
                  label="sampling error (total variation)")  # fmt: skip
        axes.axhline(here["target"], color=BLUE, ls=":", label="accuracy of the target")
        axes.axvline(power, color="#777777", lw=0.8)
        axes.set_xlabel("sharpness λ of the reward model")
        axes.set_ylim(bottom=0)
        figure.legend(loc="lower center", ncols=1)

    alt = (
        f"Accuracy and sampling error against λ, N = {n_particles}, σ = {sigma:g}. At "
        f"λ = {power:g} the accuracy is {here['accuracy']:.3f} and the error {here['error']:.3f}; "
        f"the target's accuracy is {here['target']:.3f}."
    )
    return picture(draw, alt, 3.9, 3.7, below=0.6)


def scatter_picture(n_particles: int, power: float, sigma: float) -> mo.Html:
    """Draw accuracy against chi-square, the criterion of the bounds; below 0.001 counts as that.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.
    """
    rows, here = curve(n_particles, sigma), row(n_particles, power, sigma)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        points = sorted((max(r["chi2"], 1e-3), r["accuracy"]) for r in rows)
        axes.plot([x for x, _ in points], [y for _, y in points], "o-", color=BLUE)
        axes.plot([max(here["chi2"], 1e-3)], [here["accuracy"]], "o", color=ORANGE, ms=10,
                  mfc="none", mew=2, label=f"λ = {power:g}")  # fmt: skip
        log_axis(axes, "x", 10)
        axes.set_xlabel("largest χ² of a level")
        axes.set_ylabel("accuracy")
        axes.set_ylim(bottom=0)
        axes.legend(loc="lower right")

    alt = (
        f"Accuracy against the largest χ² of a level for all λ. At λ = {power:g} χ² is "
        f"{here['chi2']:.3g} and the accuracy {here['accuracy']:.3f}."
    )
    return picture(draw, alt, 3.9, 3.2)
