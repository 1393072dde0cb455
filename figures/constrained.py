"""Local masking of tokens beside the law given a match, and what particles repair."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["CONSTRAINED"]

STYLES = {
    "alrs": ("#000000", "D", "ALRS: one particle"),
    "smc": ("#D55E00", "o", "SMC"),
    "smc, optimal proposal": ("#E69F00", "s", "SMC, optimal proposal"),
    "smc-rs": ("#009E73", "^", "SMC-RS"),
    "quasi-smc": ("#0072B2", "v", "quasi-SMC"),
}
PRMS = {"mask": "$\\hat{V}$: a match is possible", "expected": "$\\hat{V}$: by bigrams"}
NAMES = {"date": "a date", "address": "an address", "word": "a word in a text",
         "quotation": "one quotation"}  # fmt: skip
SPREAD = 1.09  # between samplers at one N


def draw(table: pd.DataFrame) -> Figure:
    """Draw limits of the error against N; a column a pattern, a row a PRM."""
    patterns = list(dict.fromkeys(table["pattern"]))
    figure = new_figure(8.2, 4.9)
    grid = figure.subplots(len(PRMS), len(patterns), sharex=True, sharey=True, squeeze=False)
    sizes = np.geomspace(1, 100, 60)
    ticks = sorted({int(n) for n in table["n"] if n > 0})
    for axes_row, (prm, words) in zip(grid, PRMS.items(), strict=True):
        for axes, pattern in zip(axes_row, patterns, strict=True):
            part = table[(table["pattern"] == pattern) & (table["prm"] == prm)]
            constants = {}
            for place, (name, (colour, mark, label)) in enumerate(STYLES.items()):
                rows = part[(part["sampler"] == name) & (part["n"] > 0)]
                x = rows["n"] * SPREAD ** (place - 2.5 if place else 0)
                span = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
                axes.errorbar(x, rows["value"], span, fmt=mark, color=colour, ms=4, label=label)
                law = part[(part["sampler"] == name) & (part["n"] == 0)]
                if len(law):
                    constants[label] = law["value"].iloc[0]
                    limit = law["value"].iloc[0] / sizes
                    seen = limit <= 1
                    axes.plot(sizes[seen], limit[seen], "--", color=colour, lw=1)
            known = ", ".join(f"{a:,.1f} ({label})" for label, a in constants.items())
            axes.set_title(f"{NAMES[pattern]}; {words}\nA = {known}", fontsize=8)
            axes.set_xscale("log", base=2)
            axes.set_xticks(ticks, [str(n) for n in ticks])
            axes.set_ylim(0, 1.03)
    for axes in grid[-1]:
        axes.set_xlabel("particles N")
    for axes in grid[:, 0]:
        axes.set_ylabel("total variation from π*")
    grid[0, min(1, len(patterns) - 1)].legend(loc="lower left", fontsize=7)
    return figure


def caption(table: pd.DataFrame) -> str:
    """State the error of local masking, and of SMC-RS at the largest N under both PRMs."""
    patterns = list(dict.fromkeys(table["pattern"]))
    most = int(table["n"].max())
    keys = ["pattern", "prm", "n", "sampler"]
    at = {tuple(row[k] for k in keys): row for row in table.to_dict("records")}

    def numbers(prm: str, n: int, sampler: str) -> str:
        return ", ".join(f"{at[p, prm, n, sampler]['value']:.2f}" for p in patterns)

    few = int(table.loc[table["n"] > 1, "n"].min())
    one, more = at["word", "expected", 1, "alrs"], at["word", "expected", few, "smc-rs"]
    worse = (
        f" On the word more particles are worse at first: one errs by at most {one['high']:.2f}, "
        f"N = {few} by at least {more['low']:.2f}, since a cloud follows the scale of V^ and one "
        "particle does not."
    )
    named = ", ".join(NAMES[p] for p in patterns)
    return (
        f"Texts under a trigram model of characters that match a pattern: {named}. ALRS with the "
        "mask as V^ is constrained decoding as people run it: every text matches, and its law is "
        f"{numbers('mask', 1, 'alrs')} away from the model given a match. SMC-RS with N = {most} "
        f"is {numbers('mask', most, 'smc-rs')} away (midpoints): particles repair the mask where "
        "each token is forced, and hardly where it sees the end too late. With V^ from bigrams "
        f"ALRS is {numbers('expected', 1, 'alrs')} away, and N = {most} "
        f"{numbers('expected', most, 'smc-rs')}. SMC without a proposal of its own draws what the "
        f"pattern forbids and fails.{worse if more['low'] > one['high'] else ''} Bars: 99% limits; "
        "dashed: A/N, where below 1."
    )


CONSTRAINED = FigureSpec(
    "constrained", "Constrained decoding: the mask, and the law given a match", caption, draw
)
