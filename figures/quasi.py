"""Quasi-SMC: 1/N^2 beside 1/N, variance at equal cost, and what a bad order does."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["QUASI"]

STYLES = {
    "smc": ("#D55E00", "o-", "SMC"),
    "smc, first order": ("#D55E00", "--", "SMC, A/N"),
    "smc, systematic": ("#E69F00", "s-", "SMC, systematic"),
    "smc-rs": ("#009E73", "^-", "SMC-RS"),
    "quasi, pivotal": ("#0072B2", "o-", "quasi, pivotal"),
    "quasi, systematic": ("#56B4E9", "s-", "quasi, systematic"),
    "quasi, threshold": ("#CC79A7", "D-", "quasi, threshold"),
}
ORDERS = {
    "smc": ("#D55E00", "o-", "SMC"),
    "smc, systematic": ("#E69F00", "s-", "SMC, systematic"),
    "quasi, pivotal, by state": ("#0072B2", "o-", "pivotal, by state"),
    "quasi, systematic, by state": ("#56B4E9", "s-", "systematic, by state"),
    "quasi, pivotal, by lexicographic": ("#0072B2", "o:", "pivotal, by prefix"),
    "quasi, systematic, by lexicographic": ("#56B4E9", "s:", "systematic, by prefix"),
}


def _trees(table: pd.DataFrame) -> pd.DataFrame:
    """Median errors, a column a sampler and a row a number of particles."""
    part = table[table["part"] == "tree"]
    return part.pivot_table(index="n", columns="sampler", values="value", aggfunc="median")


def draw(table: pd.DataFrame) -> Figure:
    """Draw errors on trees, variances against prefixes judged, and errors by order."""
    figure = new_figure(7.6, 3.2)
    left, middle, right = figure.subplots(1, 3)
    medians = _trees(table)
    for name, (colour, line, label) in STYLES.items():
        errors = medians[name].dropna()
        errors = errors[errors > 1e-12]  # exact where N reaches the number of paths
        left.plot(errors.index, errors, line, color=colour, ms=3, label=label)
    sizes = medians.index.to_numpy()
    square = 0.5 * medians["quasi, pivotal"].iloc[0] * (sizes[0] / sizes) ** 2
    left.plot(sizes, square, ":", color="#777777", lw=1, label="slope of 1/N²")
    left.set_title("median error on trees")
    left.set_xlabel("particles N")
    left.set_ylabel("exact total variation")
    part = table[(table["part"] == "table") & (table["problem"] == "lm-digits2")]
    for sampler, rows in part.groupby("sampler"):
        colour, line, label = STYLES[str(sampler)]
        span = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        middle.errorbar(
            rows["evaluations"],
            rows["value"],
            span,
            fmt=line,
            color=colour,
            ms=3,
            lw=1,
            label=label,
        )
    middle.set_title("language-model table lm-digits2")
    middle.set_xlabel("distinct prefixes judged in a run")
    middle.set_ylabel("relative variance of Ŵ")
    part = table[table["part"] == "orders"]
    horizon = part["problem"].str.extract(r"horizon=(\d+)")[0].astype(int)
    for name, (colour, line, label) in ORDERS.items():
        rows = part[part["sampler"] == name]
        right.plot(horizon[rows.index], rows["value"], line, color=colour, ms=3, label=label)
        right.fill_between(
            horizon[rows.index], rows["low"], rows["high"], color=colour, alpha=0.12, lw=0
        )
    right.set_title(f"two branches, N = {part['n'].iloc[0]}")
    right.set_xlabel("horizon H")
    right.set_ylabel("error of the first token")
    right.set_xscale("log", base=2)
    for axes in (left, middle):
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
    left.set_ylim(bottom=left.get_ylim()[0] / 50)  # room for the legend
    left.legend(loc="lower left", fontsize=6)
    right.set_ylim(top=1.2 * right.get_ylim()[1])  # room for names
    right.legend(loc="upper left", fontsize=6)
    return figure


def caption(table: pd.DataFrame) -> str:
    """State the gain at the largest common N, that at equal cost, and what the order costs."""
    medians = _trees(table)
    n = int(medians[["smc", "quasi, pivotal"]].dropna().index.max())
    error = medians.loc[n].astype(float).to_dict()
    part = table[(table["part"] == "table") & (table["problem"] == "lm-digits2")]
    most = int(part["n"].max())
    at = part[part["n"] == most].set_index("sampler")
    variance, judged = at["value"].to_dict(), at["evaluations"].to_dict()
    orders = table[table["part"] == "orders"]
    longest = orders[orders["problem"] == orders["problem"].iloc[-1]]
    away = longest.set_index("sampler")["value"].to_dict()
    trees = table[table["part"] == "tree"]["problem"].nunique()
    gain, less = (x["smc"] / x["quasi, pivotal"] for x in (error, variance))
    return (
        f"Quasi-SMC draws parent and token together. Left: on {trees} trees its median error at "
        f"N = {n} is {gain:.1f} times smaller than that of SMC, and falls like 1/N². Middle: at "
        f"N = {most} the relative variance of Ŵ is {less:.0f} times smaller, with "
        f"{judged['quasi, pivotal']:.0f} distinct prefixes judged against {judged['smc']:.0f} "
        "(bars: two standard errors). Right: where it loses. In the order of prefixes, systematic "
        "draws copy: the first token errs by "
        f"{away['quasi, systematic, by lexicographic']:.2f}, with pivotal ones by "
        f"{away['quasi, pivotal, by lexicographic']:.2f}, with SMC by {away['smc']:.3f}; in "
        f"the order of states pivotal draws err by {away['quasi, pivotal, by state']:.3f} "
        "(bands: 99%)."
    )


QUASI = FigureSpec("quasi", "Parents and tokens drawn together: error 1/N²", caption, draw)
