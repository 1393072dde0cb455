"""Run the cells of a language-model study, which resume, and draw it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from figures.figure import FigureSpec, save
from figures.prompt_switching import LANGUAGE_MODEL_SWITCHING as SPEC
from scripts.experiments.language_model_switching import missing, run_cell
from scripts.progress import progress_bar
from simulator.errors import InputError
from simulator.language_models.packaged import DEFAULT_MODEL, converted
from simulator.runs.cells import Cell, Rows, run_cells
from simulator.runs.provenance import provenance
from simulator.runs.store import open_folder, write_table
from simulator.runs.workers import Workers

__all__ = ["compute", "run"]


def run(
    name: str,
    cells: list[Cell],
    model: str,
    jobs: int,
    out: Path,
    function: Callable[..., Rows] = run_cell,
    spec: FigureSpec = SPEC,
) -> None:
    """Run the cells of a study and write its table and picture into `out`.

    Parameters
    ----------
    name, cells, model, jobs, out, function
        As in `compute`.
    spec : FigureSpec, optional
        The picture; its name is that of the study.

    Raises
    ------
    InputError
        If packages are missing or `out` cannot be written.
    """
    table, path = compute(spec.name, name, cells, model, jobs, out, function)
    picture = save(spec, table, out / "figures", name)[0]
    print(f"{spec.caption(table)}\n{path}\n{picture}")


def compute(
    study: str,
    name: str,
    cells: list[Cell],
    model: str,
    jobs: int,
    out: Path,
    function: Callable[..., Rows],
) -> tuple[pd.DataFrame, Path]:
    """Run the cells that are not done, write the table into `out`, return it and its path.

    Parameters
    ----------
    study : str
        Its name in provenance.
    name : str
        Of the table and the picture.
    cells : list of dict
        From `scripts.experiments.language_model_switching`.
    model : str
        Name or folder of the language model.
    jobs : int
        Worker processes.
    out : Path
        Folder of results.
    function : callable
        Of a cell.

    Raises
    ------
    InputError
        If packages are missing, `out` cannot be written, or a cell fails; says how many are kept.
    """
    gap = missing(model)
    if gap:
        raise InputError(gap)
    if model == DEFAULT_MODEL:
        converted()  # before the workers all try
    open_folder(out / "tables")
    finished = 0

    def advance(more: int) -> None:
        nonlocal finished
        finished += more
        progress.advance(task, more)

    with progress_bar() as progress:
        task = progress.add_task(name, total=len(cells))
        try:
            table = run_cells(
                study, function, cells, out / "cells", workers=Workers(jobs), advance=advance
            )
        except InputError as fault:
            if not finished:
                raise
            kept = f"{finished} of {len(cells)} parts are done and kept"
            raise InputError(f"{fault}; {kept}") from None
    path = out / "tables" / f"{name}.parquet"
    write_table(table, path, provenance(study, {"cells": cells}))
    return table, path
