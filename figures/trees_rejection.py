"""Exact error of SMC-RS and every bound on it against N."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec
from figures.trees import draw_bounds

__all__ = ["TREES_REJECTION"]

ROUNDING = 1e-10

SHOWN = {
    "D.3": ("#CC79A7", ":"),
    "3.8": ("#E69F00", ":"),
    "F-star-RS": ("#D55E00", "-."),
    "S-RS": ("#0072B2", "--"),
    "S2": ("#009E73", "--"),
    "J": ("#009E73", "-"),
    "T-RS": ("#000000", "-"),
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a problem; both axes logarithmic."""
    return draw_bounds(table, SHOWN)


def caption(table: pd.DataFrame) -> str:
    """Say how close the best bounds come."""
    wide = table.pivot_table(index=["problem", "n"], columns="quantity", values="value")
    ratio = {b: (wide["exact error"] / wide[b]).max() for b in ("J", "S-RS", "3.8", "D.3")}
    both = wide.dropna(subset=["exact error"])
    bounds = both.drop(columns=["exact error", "measured error"], errors="ignore")
    over = int(bounds.lt(both["exact error"] - ROUNDING, axis=0).to_numpy().sum())
    return (
        f"SMC by rejection on {table['problem'].nunique()} of these trees. The exact error reaches "
        f"{ratio['J']:.2f} of bound J and {ratio['S-RS']:.2f} of S-RS, but {ratio['3.8']:.2f} of "
        f"theorem 3.8 and {ratio['D.3']:.2f} of D.3; it passes {over} of "
        f"{bounds.count().sum()} bounds."
    )


TREES_REJECTION = FigureSpec(
    "trees_rejection", "SMC-RS: exact error and every bound", caption, draw
)
