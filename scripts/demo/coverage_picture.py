"""Exact error and bounds against the number of particles."""

from __future__ import annotations

import marimo as mo
import numpy as np
from matplotlib.figure import Figure

from figures.figure import shade_vacuous
from figures.trees import SHOWN
from scripts.demo.lessons.coverage import GRID, Study
from scripts.demo.pictures import log_axis, picture

__all__ = ["coverage_picture"]

STYLES = SHOWN | {
    "3.8": ("#E69F00", ":"),
    "S-RS": ("#0072B2", "--"),
    "F-star-RS": ("#D55E00", "-."),
    "T-RS": ("#000000", "-"),
}


def coverage_picture(made: Study, n_particles: int) -> mo.Html:
    """Draw the exact errors as dots, the bounds as lines and the chosen N as a vertical line.

    Parameters
    ----------
    n_particles : int
        N.
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for name, values in made.curves.items():
            colour, line = STYLES[name]
            y = np.clip(values, 1e-6, None)
            axes.plot(GRID, y, color=colour, ls=line, label=name)
        dots = {n: e for n, e in made.errors.items() if e > 1e-6}
        axes.plot(list(dots), list(dots.values()), "ko", label="exact error", zorder=5)
        axes.axvline(n_particles, color="#777777", lw=0.8)
        log_axis(axes, "x", 4)
        log_axis(axes, "y", 10)
        axes.set_ylim(1e-3, 30)
        axes.set_xlabel("particles N")
        axes.set_ylabel("total variation to the target")
        shade_vacuous(axes)
        figure.legend(loc="lower center", ncols=4)

    error = made.report.error.high
    least = {name: next((n for n, v in zip(GRID, values, strict=True) if v < 1), None)
             for name, values in made.curves.items()}  # fmt: skip
    said = ", ".join(
        f"{name} from N = {n}" if n else f"{name} nowhere here" for name, n in least.items()
    )
    alt = (
        f"Exact error and bounds against N, both logarithmic. At N = {n_particles} the error is "
        f"{error:.4f}. Bounds fall below 1: {said}."
    )
    return picture(draw, alt, 4.6, 4.0, below=0.45)
