"""Errors with a perfect PRM: the product instance and the two-branch instance."""

from __future__ import annotations

import marimo as mo
import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.figure import shade_vacuous
from scripts.demo.lessons.perfect import (
    COLLAPSE_HORIZONS,
    PARTICLES,
    TWO_BRANCH_MOST,
    bias,
    product_curve,
)
from scripts.demo.pictures import log_axis, picture

__all__ = ["product_picture", "two_branch_picture"]

MARKS = ("s", "^", "D")
RATIOS = tuple(2.0**k for k in range(-3, 6))


def product_picture(horizon: int, n_particles: int, scaled: bool) -> mo.Html:
    """Draw the exact error on the product instance for the chosen H and three others.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N, of `PARTICLES`.
    scaled : bool
        Against N/√H instead of N.
    """
    chosen = product_curve(horizon)
    error = chosen[PARTICLES.index(n_particles)]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, h in enumerate(COLLAPSE_HORIZONS):
            axes.plot(_x(h, scaled), product_curve(h), color=_shade(i), marker=MARKS[i],
                      ms=3.5, lw=1, label=f"H = {h}")  # fmt: skip
        axes.plot(_x(horizon, scaled), chosen, color="#D55E00", lw=2, label=f"H = {horizon}, yours")
        at = n_particles / horizon**0.5 if scaled else n_particles
        axes.plot([at], [error], "o", color="#D55E00", ms=9, mfc="none", mew=2)
        _log(
            axes,
            "N / √H" if scaled else "particles N",
            "total variation, exact",
            16 if scaled else 4,
        )
        axes.set_ylim(1e-3, 1.3)
        axes.legend(loc="lower left")

    what = "N/√H, where all curves nearly fall on one" if scaled else "N"
    alt = (
        f"Exact error of SMC against {what}, for H = {', '.join(map(str, COLLAPSE_HORIZONS))} "
        f"and {horizon}. At H = {horizon}, N = {n_particles} it is {error:.4f}."
    )
    return picture(draw, alt, 3.9, 3.1)


def two_branch_picture(horizon: int, n_particles: int) -> mo.Html:
    """Draw exact bias, lower bound and bound F-star on the two-branch instance against H/N."""
    here = bias(horizon, n_particles)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for i, n in enumerate((8, 32, TWO_BRANCH_MOST)):
            x = [r for r in RATIOS if r * n >= 2]
            rows = [bias(int(r * n), n) for r in x]
            axes.plot(x, _values(rows, "Exact bias"), color=_shade(i), marker=MARKS[i],
                      ms=3.5, label=f"exact bias, N = {n}")  # fmt: skip
            axes.plot(x, _values(rows, "Proved lower bound"), color=_shade(i), ls=":")
            axes.plot(x, _values(rows, "Bound F-star (upper)"), color=_shade(i), ls="--")
        axes.plot([], [], "k:", label="proved lower bound")
        axes.plot([], [], "k--", label="bound F-star (upper)")
        axes.plot([horizon / n_particles], _values([here], "Exact bias"), "o", color="#D55E00",
                  ms=9, mfc="none", mew=2, label="yours")  # fmt: skip
        _log(axes, "H / N", "½ − P(branch 1)")
        axes.set_ylim(1e-3, 30)
        shade_vacuous(axes)
        figure.legend(loc="lower center", ncols=2)

    alt = (
        "Exact bias against H/N on the two-branch instance: curves for N = 8, 32 and "
        f"{TWO_BRANCH_MOST} fall on one line, between the proved lower bound and bound F-star. At "
        f"H = {horizon}, N = {n_particles} the bias is {here['Exact bias']:.4f}."
    )
    return picture(draw, alt, 4.4, 3.8, below=0.6)


def _x(horizon: int, scaled: bool) -> list[float]:
    return [n / horizon**0.5 if scaled else float(n) for n in PARTICLES]


def _values(rows: list[dict[str, float | None]], name: str) -> list[float]:
    return [r[name] or 0.0 for r in rows]  # none is missing for the N that are drawn


def _shade(i: int) -> tuple[float, float, float, float]:
    return mpl.colormaps["viridis"](i * 0.4)


def _log(axes: Axes, x: str, y: str, base: float = 4) -> None:
    log_axis(axes, "x", base)
    log_axis(axes, "y", 10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
