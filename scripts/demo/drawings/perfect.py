"""Errors with a perfect PRM: the product instance and the two-branch instance."""

from __future__ import annotations

from functools import partial
from typing import Any

import altair as alt

from scripts.demo.charts import ORANGE, finish, legend, lines, ring, scale, ticks
from scripts.demo.lessons.perfect import (
    COLLAPSE_HORIZONS,
    PARTICLES,
    TWO_BRANCH_MOST,
    bias,
    product_curve,
)
from scripts.demo.parts import Drawing

__all__ = ["CHARTS", "product_drawing", "two_branch_chart", "two_branch_drawing"]

SHADES = ("#440154", "#31688e", "#35b779")
YOURS = "your H"
HORIZONS = {f"H = {h}": (shade, "-") for h, shade in zip(COLLAPSE_HORIZONS, SHADES, strict=True)}
RATIOS = tuple(2.0**k for k in range(-3, 6))
SIZES = {f"N = {n}": n for n in (8, 32, TWO_BRANCH_MOST)}
KINDS = {
    "exact bias": ("Exact bias", [1, 0]),
    "proved lower bound": ("Proved lower bound", [2, 2]),
    "bound F-star (upper)": ("Bound F-star (upper)", [6, 3]),
}


def product_chart(scaled: bool) -> dict[str, Any]:
    """Return error against N, or N/√H: data sets errors (x, y, series) and here (x, y)."""
    domain = (2**-7, 2**10) if scaled else (1, PARTICLES[-1])
    x = alt.X("x:Q", title="N / √H" if scaled else "particles N",
              scale=scale(4, domain),
              axis=ticks(16, -2, 3) if scaled else ticks(4, 0, 5))  # fmt: skip
    y = alt.Y("y:Q", title="total variation, exact", scale=scale(10, (1e-3, 1.3)),
              axis=ticks(10, -3, 0))  # fmt: skip
    styles = HORIZONS | {YOURS: (ORANGE, "-")}
    return finish(lines("errors", x, y, styles, 4), ring(x, y), widest=500)


CHARTS = {
    "product": partial(product_chart, scaled=False),
    "scaled": partial(product_chart, scaled=True),
}


def product_drawing(horizon: int, n_particles: int, scaled: bool) -> Drawing:
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

    def x(n: int, h: int) -> float:
        return n / h**0.5 if scaled else float(n)

    named = dict(zip(HORIZONS, COLLAPSE_HORIZONS, strict=True)) | {YOURS: horizon}
    rows = [(x(n, h), error, name) for name, h in named.items()
            for n, error in zip(PARTICLES, product_curve(h), strict=True)]  # fmt: skip
    error = product_curve(horizon)[PARTICLES.index(n_particles)]
    what = "N/√H, where all curves nearly fall on one" if scaled else "N"
    return Drawing(
        f"Exact error of SMC against {what}, for H = {', '.join(map(str, COLLAPSE_HORIZONS))} "
        f"and {horizon}. At H = {horizon}, N = {n_particles} it is {error:.4f}.",
        {
            "errors": {"x": [r[0] for r in rows], "y": [r[1] for r in rows],
                       "series": [r[2] for r in rows]},
            "here": {"x": [x(n_particles, horizon)], "y": [error]},
        },
    )  # fmt: skip


def two_branch_chart() -> dict[str, Any]:
    """Return bias and bounds against H/N: the curves are fixed; data set here (x, y)."""
    x = alt.X("x:Q", title="H / N", scale=scale(4, (RATIOS[0], RATIOS[-1])),
              axis=ticks(4, -1, 2))  # fmt: skip
    y = alt.Y("y:Q", title="½ − P(branch 1)", scale=scale(10, (1e-3, 30)),
              axis=ticks(10, -3, 1))  # fmt: skip
    rows = [
        {"x": ratio, "y": bias(int(ratio * n), n)[key], "size": size, "kind": kind}
        for size, n in SIZES.items()
        for ratio in RATIOS
        if ratio * n >= 2
        for kind, (key, _) in KINDS.items()
    ]
    curves = (
        alt.Chart(alt.InlineData(rows))
        .mark_line(clip=True, strokeWidth=1.6)
        .encode(
            x=x, y=y,
            color=alt.Color("size:N", legend=legend(3),
                            scale=alt.Scale(domain=list(SIZES), range=list(SHADES))),
            strokeDash=alt.StrokeDash("kind:N", legend=legend(2), scale=alt.Scale(
                domain=list(KINDS), range=[dash for _, dash in KINDS.values()])),
        )
    )  # fmt: skip
    return finish(curves, ring(x, y), height=400)


def two_branch_drawing(horizon: int, n_particles: int) -> Drawing:
    """Draw exact bias, lower bound and bound F-star on the two-branch instance against H/N."""
    here = bias(horizon, n_particles)["Exact bias"]
    return Drawing(
        "Exact bias against H/N on the two-branch instance: curves for N = 8, 32 and "
        f"{TWO_BRANCH_MOST} fall on one line, between the proved lower bound and bound F-star. At "
        f"H = {horizon}, N = {n_particles} the bias is {here:.4f}.",
        {"here": {"x": [horizon / n_particles], "y": [here]}},
    )
