"""VGB and SMC-IND visit alike: run by run, and on average as predicted."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["COUPLING"]


def draw(table: pd.DataFrame) -> Figure:
    """Draw totals of coupled runs (left) and means of all prefixes (right)."""
    figure = new_figure(7.2, 3.3)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.5))
    runs = table[table["part"] == "run"]
    left.plot(runs["particles"], runs["walk"], "o", ms=3.5, alpha=0.35, mew=0)
    left.axline((0, 0), slope=1, color="black", lw=0.8)
    left.set_xlabel("particles of SMC-IND, all levels")
    left.set_ylabel("prefixes entered by VGB")
    left.set_title("one dot a coupled run")
    prefixes = table[table["part"] == "prefix"].reset_index(drop=True)
    x = np.arange(len(prefixes))
    right.vlines(x, prefixes["low"], prefixes["high"], color="#0072B2", lw=4, alpha=0.35)
    right.plot(x, prefixes["walk"], "o", color="#0072B2", ms=4, label="VGB, mean and 99% limits")
    right.plot(x, prefixes["particles"], "x", color="#D55E00", ms=6, label="SMC-IND, mean")
    right.plot(x, prefixes["expected"], "_", color="black", ms=13, mew=1.2,
               label="N π$_h$ V / V(root), exact")  # fmt: skip
    right.set_xticks(x, prefixes["name"], rotation=90, fontsize=7)
    right.set_xlabel("prefix")
    right.set_title("visits of each prefix")
    right.set_ylabel("mean visits")
    right.set_ylim(0, 1.45 * float(prefixes["high"].max()))
    right.legend(loc="upper right")
    return figure


def caption(table: pd.DataFrame) -> str:
    """Count equal runs and prefixes inside their limits."""
    runs, prefixes = (table[table["part"] == part] for part in ("run", "prefix"))
    equal = int(runs["equal"].sum())
    inside = int(prefixes["expected"].between(prefixes["low"], prefixes["high"]).sum())
    return (
        f"VGB until its {runs['n'].iloc[0] + 1}th visit to s and SMC-IND with N = "
        f"{runs['n'].iloc[0]} on common moves (E.1): in {equal} of {len(runs)} runs "
        "both visit each prefix equally often. The exact mean lies within the 99% limits for "
        f"{inside} of {len(prefixes)} prefixes."
    )


COUPLING = FigureSpec("coupling", "VGB and SMC-IND are one process", caption, draw)
