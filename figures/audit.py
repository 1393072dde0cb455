"""Error against N for weighting rules that particle filters ship, and what N cannot remove."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["AUDIT"]

STYLE = {
    "ratio": ("#000000", "o"),
    "absolute-corrected": ("#999999", "s"),
    "absolute": ("#D55E00", "o"),
    "absolute-twice": ("#E69F00", "s"),
    "annealed": ("#009E73", "o"),
    "softmax": ("#0072B2", "o"),
    "absolute-argmax": ("#CC79A7", "s"),
    "ratio-argmax": ("#CC79A7", "^"),
}


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a problem; a dashed line at the right is the limit of each rule."""
    problems = list(dict.fromkeys(table["problem"]))[::-1]
    figure = new_figure(8.6, 5.6)
    panels = figure.subplots(2, (len(problems) + 1) // 2, sharex=True, squeeze=False).ravel()
    top = int(table["n"].max())
    for axes, problem in zip(panels, problems, strict=False):
        for rule, (colour, marker) in STYLE.items():
            rows = table[(table["problem"] == problem) & (table["rule"] == rule)].sort_values("n")
            axes.plot(rows["n"], rows["value"], marker=marker, color=colour, ms=3.5, label=rule)
            axes.fill_between(
                rows["n"], rows["low"], rows["high"], color=colour, alpha=0.18, lw=0
            )  # fmt: skip
            limit = float(rows["limit"].iloc[0])
            axes.plot([top, 4 * top], [limit, limit], ls="--", lw=1, color=colour)
        axes.set_xscale("log", base=2)
        axes.set_ylim(-0.02, 1.02)
        axes.set_title(problem)
    for axes in panels[-2:]:
        axes.set_xlabel("particles N")
    for axes in panels[::2]:
        axes.set_ylabel("total variation to the target")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def caption(table: pd.DataFrame) -> str:
    """Name the errors that remain on the language model's table."""
    rows = table[table["problem"] == "lm-digits2"].drop_duplicates("rule").set_index("rule")
    left = {rule: float(rows.loc[rule, "limit"]) for rule in rows.index}
    return (
        "Only the ratio of values, or a weight that repairs the end, converges to the target. "
        f"On lm-digits2 no number of particles brings the absolute score below "
        f"{left['absolute']:.2f}, its double use at the end below {left['absolute-twice']:.2f}, "
        f"softmax weights below {left['softmax']:.2f}, taking the best particle below "
        f"{left['ratio-argmax']:.2f} (dashed: limits; bands: certified 99% brackets). "
        "With absolute scores more particles can be worse than fewer."
    )


AUDIT = FigureSpec("audit", "Weighting rules in use: what they converge to", caption, draw)
