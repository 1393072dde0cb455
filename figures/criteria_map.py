"""Criteria against exact error over random trees: which of them predicts the error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from scipy.stats import norm, spearmanr

from figures.figure import FigureSpec, new_figure
from simulator.typing import Floats

__all__ = ["CRITERIA_MAP", "Rank", "rank_correlation"]

CRITERIA = {
    "action_coverage": "$C_{act}$",
    "prm_accuracy": "$C_\\infty$",
    "chi2": "largest χ²(π*$_h$ ‖ $\\hat{π}_h$)",
    "proposal_chi2": "largest χ²(π*$_h$ ‖ $η_h$)",
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
    """Draw a row a sampler and a column a criterion; one mark a tree."""
    figure = new_figure(9.4, 4.6)
    panels = figure.subplots(len(SAMPLERS), len(CRITERIA), sharex="col", sharey="row")
    for row, (sampler, label) in zip(panels, SAMPLERS.items(), strict=True):
        for axes, (name, text) in zip(row, CRITERIA.items(), strict=True):
            for family, (colour, mark) in MARKS.items():
                part = table[table["family"] == family]
                axes.plot(
                    part[name], part[sampler], mark, color=colour, ms=3, alpha=0.75, mew=0,
                    label=f"PRM {family}",
                )  # fmt: skip
            rank = rank_correlation(table[name].to_numpy(), table[sampler].to_numpy())
            axes.set_title(f"ρ = {rank.value:.2f} [{rank.low:.2f}, {rank.high:.2f}]", fontsize=8)
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.xaxis.set_minor_formatter(NullFormatter())
            if sampler == list(SAMPLERS)[-1]:
                axes.set_xlabel(text)
        row[0].set_ylabel(f"exact error of {label}")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def caption(table: pd.DataFrame) -> str:
    """Name the best and the worst predictor of each error."""
    told = []
    for sampler, label in SAMPLERS.items():
        ranks = {
            c: rank_correlation(table[c].to_numpy(), table[sampler].to_numpy()) for c in CRITERIA
        }
        best = max(ranks, key=lambda c: ranks[c].value)
        worst = min(ranks, key=lambda c: ranks[c].value)
        told.append(
            f"for {label} best {_plain(best)}, {_rank(ranks[best])}, and worst {_plain(worst)}, "
            f"{_rank(ranks[worst])}"
        )
    return (
        f"Exact error at N = {table['n'].iloc[0]} against the criteria on {len(table)} random "
        f"trees of {table['horizon'].iloc[0]} levels. Rank correlations (95% limits): "
        + "; ".join(told)
        + ". The chi-square of the level's targets sees only errors of the PRM, which is all that "
        "SMC-RS suffers from; that of the proposal also sees the steps of V*."
    )


def _plain(criterion: str) -> str:
    return {
        "action_coverage": "action coverage",
        "prm_accuracy": "PRM accuracy",
        "chi2": "chi-square of the targets",
        "proposal_chi2": "chi-square of the proposal",
    }[criterion]


def _rank(rank: Rank) -> str:
    return f"{rank.value:.2f} [{rank.low:.2f}, {rank.high:.2f}]"


CRITERIA_MAP = FigureSpec("criteria_map", "Which criterion predicts the error?", caption, draw)
