"""Count, for each bound, on how many problems it was tested and how close it came."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

__all__ = ["summarise"]

COLUMNS = ["bound", "problems", "not_vacuous", "largest_ratio", "violated"]


def summarise(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Gather all comparisons of error and bound in the stored tables.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of `reproduce` by name.

    Returns
    -------
    DataFrame
        One row a bound: comparisons made, how many had a bound below 1, the largest
        ratio of error (its lower limit where it was measured) to bound, and violations.
    """
    parts = [_compare(t) for t in tables.values() if "quantity" in t]
    if "ratios" in tables:
        parts.append(tables["ratios"][["bound", "value", "error"]])
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    both = pd.concat(parts, ignore_index=True)
    both["ratio"] = (both["error"] / both["value"]).where(both["value"] > 0, 0.0)
    both["bites"] = both["value"] < 1
    both["over"] = both["error"] > both["value"] + 1e-10
    grouped = both.groupby("bound", sort=True)
    return pd.DataFrame(
        {
            "problems": grouped.size(),
            "not_vacuous": grouped["bites"].sum(),
            "largest_ratio": grouped["ratio"].max(),
            "violated": grouped["over"].sum(),
        }
    ).reset_index()


def _compare(table: pd.DataFrame) -> pd.DataFrame:
    """Pair each bound of a (problem, n, quantity) table with the error of the same run."""
    keys = ["problem", "n"]
    measured = table[table["quantity"] == "measured error"].set_index(keys)["low"]
    exact = table[table["quantity"] == "exact error"].set_index(keys)["value"]
    error = exact.combine_first(measured).rename("error").reset_index()
    bounds = table[~table["quantity"].isin(["measured error", "exact error"])]
    paired = bounds.rename(columns={"quantity": "bound"}).merge(error, on=keys)
    return paired[["bound", "value", "error"]]
