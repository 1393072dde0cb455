"""Gather all comparisons of errors and bounds that the experiments have stored."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from theory.survey import summarise as summarise_comparisons

__all__ = ["summarise"]

KEYS = ("problem", "n", "sampler")
COLUMNS = ["bound", "problem", "value", "bound_low", "low", "high"]


def summarise(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Gather all comparisons of error and bound in the stored tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of `reproduce` by name.

    Returns
    -------
    DataFrame
        As `theory.survey.summarise`.
    """
    parts = [_compare(t) for t in tables.values() if "quantity" in t]
    if "ratios" in tables:
        t = tables["ratios"]
        parts.append(t.assign(low=t["error"], high=t["error"], problem=t["problem"].astype(str)))
    if "survey" in tables:
        parts.append(tables["survey"])
    found = [p[COLUMNS] for p in parts if len(p)]
    return summarise_comparisons(
        pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)
    )


def _compare(table: pd.DataFrame) -> pd.DataFrame:
    """Pair each bound of a (problem, n, sampler, quantity) table with the error of the same run."""
    keys, limits = [k for k in KEYS if k in table], ["low", "high"]
    measured = table[table["quantity"] == "measured error"].set_index(keys)[limits]
    exact = table[table["quantity"] == "exact error"].set_index(keys)[limits]
    error = exact.combine_first(measured).reset_index()
    bounds = table[~table["quantity"].isin(["measured error", "exact error"])]
    named = bounds.rename(columns={"quantity": "bound", "low": "bound_low"}).drop(columns="high")
    return named.merge(error, on=keys)
