"""Run many independent cells of a study; finished ones are kept and never run twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import pandas as pd

from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.store import read_table, write_table

__all__ = ["run_cells"]

Cell = Mapping[str, object]
Rows = list[dict[str, object]]


def run_cells(
    name: str,
    function: Callable[..., Rows],
    cells: Sequence[Cell],
    folder: Path,
    *,
    jobs: int = 1,
    advance: Callable[[int], None] = lambda done: None,
) -> pd.DataFrame:
    """Evaluate `function(**cell)` for every cell and stack the rows, in the order of the cells.

    Each finished cell is one parquet file in `folder`. A file whose provenance is not the
    wanted one (other parameters or software versions) or that cannot be read is made again.

    Parameters
    ----------
    name : str
        Name of the study, part of the provenance.
    function : callable
        Importable by workers; returns rows. Its randomness must come from the cell's seed.
    cells : sequence of mappings
        JSON-like arguments of `function`.
    folder : Path
    jobs : int
        Worker processes.
    advance : callable
        Called with the number of cells that have just been finished.

    Returns
    -------
    DataFrame
    """
    paths = [folder / f"{_digest(name, cell)}.parquet" for cell in cells]
    missing = []
    for i, path in enumerate(paths):
        if _is_finished(path, provenance(name, cells[i])):
            advance(1)
        else:
            missing.append(i)
    work = (joblib.delayed(_evaluate)(name, function, cells[i], paths[i]) for i in missing)
    for _ in joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work):
        advance(1)
    return pd.concat([read_table(path)[0] for path in paths], ignore_index=True)


def _evaluate(name: str, function: Callable[..., Rows], cell: Cell, path: Path) -> None:
    write_table(pd.DataFrame(function(**cell)), path, provenance(name, cell))


def _is_finished(path: Path, wanted: dict[str, object]) -> bool:
    try:
        return read_table(path)[1] == wanted
    except InputError:
        return False


def _digest(name: str, cell: Cell) -> str:
    text = json.dumps([name, dict(cell)], sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
