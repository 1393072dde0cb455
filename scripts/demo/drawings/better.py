"""Accuracy, error and chi-square over the sharpness of the PRM, and accuracy over N."""

from __future__ import annotations

from typing import Any

import altair as alt

from scripts.demo.charts import BLUE, GREY, ORANGE, across, data, finish, lines, ring, scale, ticks
from scripts.demo.lessons.better import (
    EARLY_PARTICLES,
    POWERS,
    early,
    early_law,
    sharpened,
)
from scripts.demo.parts import Drawing

__all__ = [
    "chi_square_chart", "chi_square_drawing", "early_chart", "early_drawing", "sharpened_chart",
    "sharpened_drawing",
]  # fmt: skip

SHARPENED = {"accuracy": (BLUE, "-"), "error of the output": (ORANGE, "--")}
EARLY = {"accuracy": (BLUE, "-"), "first-order law": ("#000000", "--"),
         "error of the output": (ORANGE, "--")}  # fmt: skip
LEAST, MOST = 1e-3, 1e12  # of chi-square in the drawing


def _x() -> alt.X:
    return alt.X("x:Q", title="inverse temperature λ of the PRM")


def sharpened_chart() -> dict[str, Any]:
    """Return both over lambda: data sets limits (x, low, high), curves, target (y), here (x)."""
    y = alt.Y("y:Q", title="probability", scale=scale(domain=(0, 1)))
    band = alt.Chart(data("limits")).mark_area(color=BLUE, opacity=0.15).encode(
        x=_x(), y=alt.Y("low:Q"), y2="high:Q"
    )  # fmt: skip
    here = alt.Chart(data("here")).mark_rule(color=GREY).encode(x=_x())
    return finish(band, here, across("target"), lines("curves", _x(), y, SHARPENED, 2))


def sharpened_drawing(horizon: int, n_particles: int, power: float) -> Drawing:
    """Draw accuracy with its limits, and the error, over lambda.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda, marked.
    """
    rows = [sharpened(horizon, n_particles, x) for x in POWERS]
    here = sharpened(horizon, n_particles, power)
    return Drawing(
        f"Accuracy and error against λ, H = {horizon}, N = {n_particles}. At λ = {power:g} the "
        f"accuracy is {here['accuracy']:.3f}, between the limits {here['low']:.3f} and "
        f"{here['high']:.3f}, and the error {here['error']:.3f}; the target, dotted, is right "
        f"with probability {here['target']:.3f}.",
        {
            "limits": {"x": list(POWERS), "low": [r["low"] for r in rows],
                       "high": [r["high"] for r in rows]},
            "curves": {
                "x": [*POWERS, *POWERS],
                "y": [*(r["accuracy"] for r in rows), *(r["error"] for r in rows)],
                "series": [name for name in SHARPENED for _ in rows],
            },
            "target": {"y": [here["target"]]},
            "here": {"x": [power]},
        },
    )  # fmt: skip


def chi_square_chart() -> dict[str, Any]:
    """Return chi-square over lambda: data sets curve and here (x, y)."""
    y = alt.Y("y:Q", title="largest χ² below level H", scale=scale(10, (LEAST, MOST)),
              axis=alt.Axis(values=[10.0**k for k in range(-3, 13, 3)], format=".0e"))  # fmt: skip
    curve = alt.Chart(data("curve")).mark_line(color=BLUE, strokeWidth=1.8, clip=True)
    return finish(curve.encode(x=_x(), y=y), ring(_x(), y))


def chi_square_drawing(horizon: int, n_particles: int, power: float) -> Drawing:
    """Draw chi-square, the criterion of the bounds, over lambda; it is 0 at lambda = 1.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda, marked.
    """
    values = [sharpened(horizon, n_particles, x)["chi2"] for x in POWERS]
    here = sharpened(horizon, n_particles, power)["chi2"]
    return Drawing(
        f"The largest chi-square of a level below H against λ, H = {horizon}: 0 at λ = 1, "
        f"{here:.3g} at λ = {power:g}, {values[-1]:.3g} at λ = {POWERS[-1]:g}.",
        {
            "curve": {"x": list(POWERS), "y": [max(v, LEAST) for v in values]},
            "here": {"x": [power], "y": [max(here, LEAST)]},
        },
    )


def early_chart() -> dict[str, Any]:
    """Return accuracy over N: data sets curves (x, y, series), target (y) and here (x)."""
    x = alt.X("x:Q", title="particles N", axis=ticks(2, 0, 6),
              scale=scale(2, (EARLY_PARTICLES[0], EARLY_PARTICLES[-1])))  # fmt: skip
    y = alt.Y("y:Q", title="probability", scale=scale(domain=(0, 1)))
    here = alt.Chart(data("here")).mark_rule(color=GREY).encode(x=x)
    return finish(here, across("target"), lines("curves", x, y, EARLY, 3, points=True))


def early_drawing(power: float, n_particles: int) -> Drawing:
    """Draw accuracy and error over N, and what the law says of the accuracy.

    Parameters
    ----------
    power : float
        lambda.
    n_particles : int
        N, marked.
    """
    target, covariance = early_law(power)
    rows = [early(power, n) for n in EARLY_PARTICLES]
    law = [target - covariance / n for n in EARLY_PARTICLES]
    series = {
        "accuracy": [r["accuracy"] for r in rows],
        "first-order law": law,
        "error of the output": [r["error"] for r in rows],
    }
    here = early(power, n_particles)
    return Drawing(
        f"Accuracy and error against N, λ = {power:g}. At N = {n_particles} the accuracy is "
        f"{here['accuracy']:.3f} and the error {here['error']:.3f}; the target, dotted, is right "
        f"with probability {target:.3f}.",
        {
            "curves": {
                "x": [n for _ in series for n in EARLY_PARTICLES],
                "y": [y for values in series.values() for y in values],
                "series": [name for name in series for _ in EARLY_PARTICLES],
            },
            "target": {"y": [target]},
            "here": {"x": [n_particles]},
        },
    )
