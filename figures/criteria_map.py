"""Criteria and the first-order law against exact errors over random trees: what predicts them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter
from scipy.stats import norm, spearmanr

from figures.figure import FigureSpec, new_figure
from simulator.typing import Floats

__all__ = ["CRITERIA_MAP", "Rank", "rank_correlation"]

LAW = "first_order"
SHORT = 100  # ratio of the ends of an axis that needs labels between powers of ten
CRITERIA = {
    "action_coverage": "$C_{act}$",
    "prm_accuracy": "$C_\\infty$",
    "chi2": "largest χ²(π*$_h$ ‖ $\\hat{π}_h$)",
    "proposal_chi2": "largest χ²(π*$_h$ ‖ $η_h$)",
    LAW: "A of the first-order law",
}

SAMPLERS = {"smc": "SMC", "smc-rs": "SMC-RS"}
MARKS = {"noisy": ("#0072B2", "o"), "tempered": ("#E69F00", "s"), "delayed": ("#009E73", "^")}


class Rank(NamedTuple):
    """Spearman's rank correlation and its limits."""

    value: float
    low: float
    high: float


def rank_correlation(
    x: Sequence[float] | Floats, y: Sequence[float] | Floats, confidence: float = 0.95
) -> Rank:
    """Return Spearman's rank correlation with limits from Fisher's transform.

    The variance of atanh(rho) is taken as (1 + rho^2/2)/(n - 3) (Bonett and Wright,
    Psychometrika 65, 2000).

    Parameters
    ----------
    x, y : (n,) arrays
        n > 3.

    Examples
    --------
    >>> rank = rank_correlation(list(range(10)), [0, 2, 1, 3, 4, 6, 5, 7, 9, 8])
    >>> [round(r, 2) for r in rank]
    [0.96, 0.8, 0.99]
    """
    rho = float(spearmanr(x, y).statistic)
    if abs(rho) == 1:
        return Rank(rho, rho, rho)
    half = norm.ppf(0.5 + confidence / 2) * math.sqrt((1 + rho**2 / 2) / (np.size(x) - 3))
    return Rank(rho, *(math.tanh(math.atanh(rho) + s * half) for s in (-1, 1)))


def draw(table: pd.DataFrame) -> Figure:
    """Draw a row a sampler and a column a criterion; two marks a tree, one for each N."""
    figure = new_figure(10.8, 4.9)
    panels = figure.subplots(len(SAMPLERS), len(CRITERIA), sharex="col", sharey="row")
    least, most = table["n"].min(), table["n"].max()
    for row, (sampler, label) in zip(panels, SAMPLERS.items(), strict=True):
        rows = table[table["sampler"] == sampler]
        for axes, (name, text) in zip(row, CRITERIA.items(), strict=True):
            for family, (colour, mark) in MARKS.items():
                part = rows[rows["family"] == family]
                few, many = part[part["n"] == least], part[part["n"] == most]
                axes.plot(few[name], few["error"], mark, color=colour, ms=3, mew=0.5, mfc="none",
                          alpha=0.6, label=f"PRM {family}, N = {least}")  # fmt: skip
                axes.plot(many[name], many["error"], mark, color=colour, ms=3, mew=0, alpha=0.8,
                          label=f"N = {most}")  # fmt: skip
            told = (f"ρ = {_rank(_ranked(rows, n)[name])} at N = {n}" for n in (least, most))
            axes.set_title("\n".join(told), fontsize=7)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            if table[name].max() < SHORT * table[name].min():  # few powers of ten
                axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            if sampler == list(SAMPLERS)[-1]:
                axes.set_xlabel(text)
        row[0].set_ylabel(f"exact error of {label}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2 * len(MARKS))
    return figure


def caption(table: pd.DataFrame) -> str:
    """Say how A, the better chi-square and the worst criterion rank the errors of each sampler."""
    told = []
    for sampler, label in SAMPLERS.items():
        rows = table[table["sampler"] == sampler]
        ranks = {n: _ranked(rows, n) for n in sorted(rows["n"].unique())}
        last = ranks[max(ranks)]
        chi2 = max((last[c], c) for c in ("chi2", "proposal_chi2"))[1]
        worst = min((last[c], c) for c in CRITERIA)[1]
        parts = (
            f"{_plain(c)} "
            + " and ".join(f"{_rank(found[c])} at N = {n}" for n, found in ranks.items())
            for c in (LAW, chi2, worst)
        )
        told.append(f"of {label}: " + ", ".join(parts))
    return (
        "Exact errors on "
        f"{len(table.drop_duplicates(['family', 'problem']))} random trees of "
        f"{table['horizon'].iloc[0]} levels, against the criteria and against A, what N times the "
        "error tends to. Rank correlations (95% limits) with the error "
        + "; ".join(told)
        + ". The chi-square of the level's targets sees only errors of the PRM, which is all that "
        "SMC-RS suffers from; that of the proposal also sees the steps of V*."
    )


def _ranked(rows: pd.DataFrame, n: int) -> dict[str, Rank]:
    """Rank correlation of each criterion with the error of one sampler at one N."""
    part = rows[rows["n"] == n]
    error = part["error"].to_numpy()
    return {c: rank_correlation(part[c].to_numpy(), error) for c in CRITERIA}


def _plain(criterion: str) -> str:
    return {
        "action_coverage": "action coverage",
        "prm_accuracy": "PRM accuracy",
        "chi2": "chi-square of the targets",
        "proposal_chi2": "chi-square of the proposal",
        LAW: "A",
    }[criterion]


def _rank(rank: Rank) -> str:
    return f"{rank.value:.2f} [{rank.low:.2f}, {rank.high:.2f}]"


CRITERIA_MAP = FigureSpec("criteria_map", "What predicts the error?", caption, draw)
