"""Rank correlations within groups, with bootstrap intervals over groups."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["Correlation", "grouped_correlation"]

DRAWS, LEVEL = 2000, 0.95
DIGITS = 10  # of ranked numbers; what differs beyond is rounding

Correlation = tuple[float, float, float]


def grouped_correlation(table: pd.DataFrame, x: str, y: str, by: list[str]) -> Correlation:
    """Average Spearman's correlation within groups; families are what is drawn again.

    Parameters
    ----------
    table : DataFrame
        With the columns named and a column "family".
    x, y : str
        The columns to correlate; groups in which one of them is constant say nothing.
    by : list of str
        Columns that name a group.

    Returns
    -------
    mean, low, high : float
        The mean over families of their groups' mean, and the limits of a 95% percentile
        bootstrap over families.

    Raises
    ------
    ValueError
        If both columns vary in no group.

    Examples
    --------
    >>> rows = pd.DataFrame({"family": [0, 0, 1, 1], "x": [1, 2, 1, 2], "y": [5, 7, 6, 9]})
    >>> [round(x, 6) for x in grouped_correlation(rows, "x", "y", ["family"])]
    [1.0, 1.0, 1.0]
    """
    group = table.groupby(by, sort=True).ngroup()
    ranks = table[[x, y]].astype(np.float64).round(DIGITS).groupby(group).rank()
    a, b = (ranks[name] - ranks[name].groupby(group).transform("mean") for name in (x, y))
    sums = pd.DataFrame({"ab": a * b, "aa": a * a, "bb": b * b}).groupby(group).sum()
    sums["family"] = table["family"].groupby(group).first()
    varied = sums[(sums["aa"] > 0) & (sums["bb"] > 0)]
    found = varied.assign(rho=varied["ab"] / np.sqrt(varied["aa"] * varied["bb"]))
    means = found.groupby("family")["rho"].mean().to_numpy()
    if means.size == 0:
        raise ValueError(f"{x} or {y} is constant in each group")
    chosen = np.random.default_rng(0).integers(means.size, size=(DRAWS, means.size))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means[chosen].mean(axis=1), [tail, 1 - tail])
    return float(means.mean()), float(low), float(high)
