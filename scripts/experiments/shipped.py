"""Tables that the package ships: results of hours, with their provenance."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from scripts.experiments.experiment import Rows
from simulator.runs.store import decode

__all__ = ["digest", "shipped_rows"]


def shipped_rows(name: str) -> Rows:
    """Read a shipped table, which must be as it was written; marked "shipped".

    Raises
    ------
    InputError
        If the file is damaged.
    """
    rows = decode(_content(name), f"{name}.parquet")[0].to_dict("records")
    return [{str(k): v for k, v in row.items()} | {"shipped": True} for row in rows]


def digest(name: str) -> str:
    """Return a digest of a shipped table, so that whoever keeps its rows sees it change."""
    return hashlib.sha256(_content(name)).hexdigest()[:16]


@cache
def _content(name: str) -> bytes:
    return files("scripts.experiments").joinpath("data", f"{name}.parquet").read_bytes()
