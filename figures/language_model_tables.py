"""Measured error of SMC against N on the tables of a real language model."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure, shade_vacuous

__all__ = ["LANGUAGE_MODEL_TABLES"]

BOUNDS = {"J": ("#009E73", "-"), "S1": ("#0072B2", "--"), "S2": ("#009E73", "--")}


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a table and PRM."""
    problems = list(dict.fromkeys(table["problem"]))
    figure = new_figure(7.2, 5.6)
    panels = figure.subplots(2, 2, sharex=True, sharey=True).ravel()
    for axes, problem in zip(panels, problems, strict=True):
        rows = table[table["problem"] == problem].sort_values("n")
        for bound, (colour, line) in BOUNDS.items():
            part = rows[(rows["quantity"] == bound) & (rows["value"] < 30)]
            axes.plot(part["n"], part["value"], color=colour, ls=line, label=f"bound {bound}")
        m = rows[rows["quantity"] == "measured error"]
        axes.vlines(m["n"], m["low"], m["high"], color="black", lw=4, alpha=0.45,
                    label="error, certified 99% bracket")  # fmt: skip
        axes.plot(m["n"], m["value"], "_", color="black", ms=9, label="plug-in (biased up)")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_ylim(0.008, 4)
        shade_vacuous(axes)
        axes.set_title(problem)
    for axes in panels[2:]:
        axes.set_xlabel("particles N")
    for axes in panels[::2]:
        axes.set_ylabel("total variation to the target")
    panels[0].legend(loc="lower left")
    return figure


def caption(table: pd.DataFrame) -> str:
    """State the measured error at the ends."""
    m = table[table["quantity"] == "measured error"].set_index(["problem", "n"])
    top = int(table["n"].max())

    def limits(problem: str, n: int) -> str:
        low, high = m.loc[(problem, n), ["low", "high"]].astype(float)
        return f"[{low:.3f}, {high:.3f}] at N={n}"

    parts = [f"{p}: {limits(p, 1)}, {limits(p, top)}" for p in ("lm-digits2", "lm-review")]
    return (
        "Prompt switching on a real language model's next-token tables: even with the exact value "
        "function the error falls only like 1/N (" + "; ".join(parts) + "). A perturbed PRM "
        "(lower row) costs accuracy at every N."
    )


LANGUAGE_MODEL_TABLES = FigureSpec(
    "language_model_tables", "A real language model's tables: error against N", caption, draw
)
