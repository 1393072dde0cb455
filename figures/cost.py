"""Error against PRM evaluations for every sampler: the question that the paper opens with."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from figures.figure import FigureSpec, new_figure

__all__ = ["COST"]

STYLE = {
    "smc": ("#000000", "o", "-"),
    "smc, systematic": ("#000000", "s", "--"),
    "quasi-smc": ("#E69F00", "o", "-"),
    "smc-restart": ("#000000", "^", ":"),
    "smc-rs": ("#0072B2", "o", "-"),
    "dmc": ("#0072B2", "^", ":"),
    "alrs": ("#0072B2", "*", ""),
    "smc-ind": ("#009E73", "o", "-"),
    "vgb": ("#009E73", "s", "--"),
    "pool-mh": ("#009E73", "^", ":"),
    "lookahead": ("#56B4E9", "o", "-"),
    "sis": ("#D55E00", "o", "-"),
    "action-is": ("#D55E00", "s", "--"),
    "best-of-n": ("#CC79A7", "o", "-"),
    "beam": ("#CC79A7", "s", "--"),
}
FLOOR = 1e-3
ROUNDING = 1e-9  # with one particle both have the same law


def draw(table: pd.DataFrame) -> Figure:
    """Draw one panel a problem; both axes logarithmic, errors below 0.001 on the floor."""
    problems = list(dict.fromkeys(table["problem"]))
    figure = new_figure(9.4, 5.8)
    panels = figure.subplots(2, (len(problems) + 1) // 2, sharey=True, squeeze=False).ravel()
    for axes, problem in zip(panels, problems, strict=False):
        for label, (colour, marker, line) in STYLE.items():
            rows = table[(table["problem"] == problem) & (table["sampler"] == label)]
            rows = rows[rows["exact"] | (rows["low"] > FLOOR)].sort_values("evaluations")
            axes.plot(
                rows["evaluations"], rows["value"].clip(lower=FLOOR), marker=marker, ls=line,
                color=colour, ms=7 if marker == "*" else 3.5, lw=1.1, label=label,
            )  # fmt: skip
            axes.vlines(
                rows["evaluations"], rows["low"].clip(lower=FLOOR), rows["high"].clip(lower=FLOOR),
                color=colour, lw=2.5, alpha=0.3,
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(0.8 * FLOOR, 1.2)
        axes.set_title(_title(problem), fontsize=7.5)
    for axes in panels[len(panels) // 2 :]:
        axes.set_xlabel("PRM evaluations an output")
    for axes in panels[:: len(panels) // 2]:
        axes.set_ylabel("total variation to the target")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    return figure


def _title(problem: str) -> str:
    family, _, rest = problem.partition(":")
    options = rest.split(",")
    lines = [",".join(options[i : i + 3]) for i in range(0, len(options), 3)]
    return "\n".join([family, *lines])


def cheapest(table: pd.DataFrame, error: float) -> pd.DataFrame:
    """Fewest PRM evaluations at which each sampler has at most this error for certain.

    Parameters
    ----------
    table : DataFrame
        Of the experiment.

    Returns
    -------
    DataFrame
        A row a sampler, a column a problem; missing where it has no such N in the table.
    """
    good = table[table["high"] <= error]
    return good.pivot_table(index="sampler", columns="problem", values="evaluations", aggfunc="min")


def caption(table: pd.DataFrame) -> str:
    """Say who reaches an error of 0.05 with the fewest evaluations on each problem."""
    first = []
    for problem, column in cheapest(table, 0.05).items():
        best = column.dropna().sort_values()
        name = str(problem).partition(":")[0] + ", perfect PRM" * ("prm=exact" in str(problem))
        if best.size:
            runner = f", then {best.index[1]} ({best.iloc[1]:.0f})" if best.size > 1 else ""
            first.append(f"{name}: {best.index[0]} ({best.iloc[0]:.0f}{runner})")
    return (
        "Error against the mean number of PRM evaluations for one output (rejected proposals and "
        "restarts count). Fewest evaluations for a certain error of at most 0.05: "
        + "; ".join(first)
        + f". {_against_smc(table)} Best-of-N and beam converge to another law. Bars: certified "
        "99% brackets where the law cannot be enumerated; errors below 0.001 stand on the floor."
    )


def _against_smc(table: pd.DataFrame) -> str:
    """Count where quasi-SMC errs less than SMC with as many particles for certain, and where more.

    It judges fewer prefixes then, as equal ones are one.
    """
    both = [
        table[table["sampler"] == name].set_index(["problem", "n"]) for name in ("quasi-smc", "smc")
    ]
    quasi, smc = (t.loc[both[0].index.intersection(both[1].index)] for t in both)
    less, more = (a["high"] < (1 - ROUNDING) * b["low"] for a, b in ((quasi, smc), (smc, quasi)))
    ratio = (quasi["evaluations"] / smc["evaluations"]).min()
    return (
        f"With as many particles, quasi-smc errs less than smc for certain at {less.sum()} of "
        f"{less.size} points, more at {more.sum()}, and asks for down to {ratio:.2f} times as "
        "many evaluations, as equal prefixes are one."
    )


COST = FigureSpec("cost", "Error against PRM evaluations", caption, draw)
