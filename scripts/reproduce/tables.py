"""Stored tables of experiments, taken only from the code that is here now."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from scripts.experiments.experiment import Experiment
from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.store import read_table

__all__ = ["made_by", "stored"]


def made_by(experiment: Experiment, profile: str) -> dict[str, object]:
    """Return the provenance of an experiment's table.

    Parameters
    ----------
    experiment : Experiment
        One of the catalogue.
    profile : {"quick", "full"}
        How many runs and sizes.
    """
    return provenance(experiment.name, {"cells": experiment.cells(profile)})


def stored(
    name: str, maker: dict[str, object], out: Path, *, say: Callable[[str], None]
) -> pd.DataFrame | None:
    """Read a table if there is one that was made like this, and is whole.

    Parameters
    ----------
    name : str
        Of the experiment, or "claims".
    maker : dict
        Provenance that the table must have.
    out : Path
        Folder of `reproduce`.
    say : callable
        Is told in one line why a table that is there is not taken.
    """
    path = out / "tables" / f"{name}.parquet"
    if not path.exists():
        return None
    try:
        table, found = read_table(path)
    except InputError as fault:
        say(f"{fault}; it is left out")
        return None
    if found != maker:
        say(f"{path} is left out: made by other code or under another profile")
        return None
    return table
