"""Tables that the package ships: results of hours, with their provenance."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

import pandas as pd

from simulator.runs.store import decode

__all__ = ["digest", "shipped"]


def shipped(name: str) -> pd.DataFrame:
    """Read a shipped table, which must be as it was written.

    Parameters
    ----------
    name : str

    Returns
    -------
    DataFrame

    Raises
    ------
    InputError
        If the file is damaged.
    """
    return decode(_content(name), f"{name}.parquet")[0]


def digest(name: str) -> str:
    """Return a digest of a shipped table, so that whoever keeps its rows sees it change.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
    """
    return hashlib.sha256(_content(name)).hexdigest()[:16]


@cache
def _content(name: str) -> bytes:
    return files("scripts.experiments").joinpath("data", f"{name}.parquet").read_bytes()
