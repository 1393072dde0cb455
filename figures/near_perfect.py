"""SMC and quasi-SMC against SMC-RS as the errors of the PRM go to zero, and the drift of ALRS."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure, shade_vacuous

__all__ = ["NEAR_PERFECT"]

LINES = {
    "S1": ("#D55E00", "--", "bound S1 (SMC)"),
    "smc": ("#D55E00", "-", "SMC"),
    "quasi-smc": ("#E69F00", "-", "quasi-SMC"),
    "S-RS": ("#0072B2", "--", "bound S-RS (SMC-RS)"),
    "smc-rs": ("#0072B2", "-", "SMC-RS"),
    "alrs": ("#009E73", "-", "ALRS, N = 1"),
}


def _middle(table: pd.DataFrame) -> pd.DataFrame:
    part = table[table["part"] == "tree"]
    return part.groupby(["name", "eps"])["value"].agg(["min", "median", "max"])


def draw(table: pd.DataFrame) -> Figure:
    """Draw errors against eps on trees (left) and the error of ALRS against eps sqrt(H)."""
    figure = new_figure(7.2, 3.4)
    left, right = figure.subplots(1, 2)
    middle = _middle(table)
    for name, (colour, line, label) in LINES.items():
        rows = middle.loc[name]
        left.plot(rows.index, rows["median"], line, color=colour, label=label)
        if line == "-":
            left.fill_between(rows.index, rows["min"], rows["max"], color=colour, alpha=0.15, lw=0)
    left.set_xlabel("error of the PRM, ε")
    left.set_title("a better PRM")
    left.set_ylabel("exact total variation")
    shade_vacuous(left)
    left.legend(loc="lower right")
    drift = table[table["part"] == "drift"]
    for k, (eps, rows) in enumerate(drift.groupby("eps")):
        x = rows["eps"] * np.sqrt(rows["horizon"])
        marks = ("o-", "s-", "^-", "v-")
        right.plot(x, rows["value"], marks[k % 4], color=f"C{k}", ms=3, label=f"ε = {eps:g}")
    right.set_xlabel("ε √H")
    right.set_title("a longer text, one particle (ALRS)")
    right.set_ylabel("exact total variation of ALRS")
    right.legend(loc="lower right")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_yscale("log")
    return figure


def caption(table: pd.DataFrame) -> str:
    """State what is left at the smallest eps, the crossing, and the drift's constant."""
    middle = _middle(table)["median"]
    small = middle.index.get_level_values("eps").min()
    better = (middle.loc["smc-rs"] < middle.loc["smc"]).to_numpy()
    eps = middle.loc["smc"].index.to_numpy()
    quasi = middle.loc["smc"] / middle.loc["quasi-smc"]
    below_quasi = (middle.loc["smc-rs"] < middle.loc["quasi-smc"]).to_numpy()
    trees, drift = table[table["part"] == "tree"], table[table["part"] == "drift"]
    scale = np.minimum(1, drift["eps"] * np.sqrt(drift["horizon"]))
    ratio = drift["value"] / scale
    return (
        f"V^ is V* times 1 ± ε. Left: {trees['tree'].nunique()} trees of "
        f"{trees['horizon'].iloc[0]} levels, N = {trees['n'].max()}, medians and ranges. At "
        f"ε = {small:g} SMC still errs by {middle.loc['smc', small]:.3f} and SMC-RS by "
        f"{middle.loc['smc-rs', small]:.1e}; SMC-RS "
        f"is better up to ε = {eps[better].max():g}. Quasi-SMC errs {quasi.min():.1f} to "
        f"{quasi.max():.1f} times less than SMC, but like SMC it is not exact with a perfect "
        f"PRM ({middle.loc['quasi-smc', small]:.3f}); SMC-RS is better up to "
        f"ε = {eps[below_quasi].max():g}. Right: ALRS, error over min(1, ε√H) between "
        f"{ratio.min():.2f} and {ratio.max():.2f}."
    )


NEAR_PERFECT = FigureSpec(
    "near_perfect", "Near a perfect PRM rejection beats resampling", caption, draw
)
