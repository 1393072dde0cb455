"""Bounds by chi-square and by coverage profile, for a PRM that errs badly but rarely."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure, shade_vacuous

__all__ = ["HEAVY_TAIL"]

LINES = {
    "1.1": ("#999999", ":"),
    "3.2": ("#E69F00", ":"),
    "3.8": ("#E69F00", ":"),
    "S1": ("#0072B2", "--"),
    "S-RS": ("#0072B2", "--"),
    "3.5": ("#CC79A7", "-"),
    "D.3": ("#CC79A7", "-"),
    "J": ("#009E73", "-"),
}
PAIRS = {"bound 3.2": "bound 3.2; 3.8", "bound S1": "bound S1; S-RS", "bound 3.5": "bound 3.5; D.3"}
PANELS = {"smc": "SMC", "smc-rs": "SMC-RS"}


def draw(table: pd.DataFrame) -> Figure:
    """Draw exact error and bounds against K, one panel a sampler."""
    figure = new_figure(7.6, 3.4)
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (sampler, title) in zip(panels, PANELS.items(), strict=True):
        part = table[table["sampler"] == sampler]
        for name, (colour, line) in LINES.items():
            rows = part[(part["quantity"] == name) & part["value"].between(1e-5, 1e3)]
            if len(rows):
                axes.plot(rows["factor"], rows["value"], line, color=colour, label=f"bound {name}")
        rows = part[(part["quantity"] == "exact error") & (part["value"] > 1e-5)]
        axes.plot(rows["factor"], rows["value"], "o", color="black", ms=3.5, label="exact error")
        axes.axhline(part["rare"].iloc[0], color="black", lw=0.8, ls=":")
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(3e-4, 5e3)
        axes.set_title(title)
        axes.set_xlabel("factor K by which $\\hat{V}$ is too low")
        shade_vacuous(axes)
    panels[0].set_ylabel("total variation to the target")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, [PAIRS.get(x, x) for x in labels], loc="outside right center")
    return figure


def caption(table: pd.DataFrame) -> str:
    """Compare the bounds at the largest K."""
    last = table[table["factor"] == table["factor"].max()]
    at = {(r.sampler, r.quantity): r.value for r in last.itertuples()}
    return (
        f"The PRM is K times too low on a set of probability {last['rare'].iloc[0]:g} (dotted) and "
        f"right elsewhere; N = {last['n'].iloc[0]}, laws exact. At K = "
        f"{last['factor'].iloc[0]:.0e} chi-square is {last['chi2'].iloc[0]:.1e}: "
        f"S1 is {at['smc', 'S1']:.0f} and theorem 3.8 is "
        f"{at['smc-rs', '3.8']:.0f}, while 3.5 is {at['smc', '3.5']:.2f} and D.3 "
        f"{at['smc-rs', 'D.3']:.2f}. The errors are {at['smc', 'exact error']:.3f} and "
        f"{at['smc-rs', 'exact error']:.3f}, bound J {at['smc', 'J']:.3f} and "
        f"{at['smc-rs', 'J']:.3f}."
    )


HEAVY_TAIL = FigureSpec("heavy_tail", "A PRM that errs badly but rarely", caption, draw)
