"""Run many independent cells of a study; finished ones are kept and never run twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.spent import Spent, spend
from simulator.runs.store import decode, encode, open_folder, read_table, write_bytes
from simulator.runs.workers import Workers

__all__ = ["Cell", "Rows", "Task", "cell_tables", "finish", "run_cells"]

Cell = Mapping[str, object]
Rows = list[dict[str, object]]
HERE = Workers()


class Task(NamedTuple):
    """One cell of a study.

    Parameters
    ----------
    study : str
        Name of the study, part of the provenance.
    function : callable
        Importable by workers; makes the rows of the cell.
    cell : mapping
        Its JSON-like arguments.
    """

    study: str
    function: Callable[..., Rows]
    cell: Cell


def run_cells(
    name: str,
    function: Callable[..., Rows],
    cells: Sequence[Cell],
    folder: Path,
    *,
    workers: Workers = HERE,
    advance: Callable[[int], None] = lambda done: None,
    report: Callable[[str], None] = lambda line: None,
) -> pd.DataFrame:
    """Evaluate `function(**cell)` for every cell and stack the rows, in the order of the cells.

    Parameters
    ----------
    name, function, cells, folder, workers, advance, report
        As in `cell_tables`.
    """
    tables = cell_tables(
        name, function, cells, folder, workers=workers, advance=advance, report=report
    )
    return pd.concat(tables, ignore_index=True)


def cell_tables(
    name: str,
    function: Callable[..., Rows],
    cells: Sequence[Cell],
    folder: Path,
    *,
    inputs: Callable[[Cell], Mapping[str, object]] = lambda cell: {},
    workers: Workers = HERE,
    advance: Callable[[int], None] = lambda done: None,
    report: Callable[[str], None] = lambda line: None,
) -> Iterator[pd.DataFrame]:
    """Evaluate `function(**cell)` for every cell, then yield their tables in the order of cells.

    Each finished cell is one parquet file in `folder`, a shard. A file whose provenance is not
    the wanted one (other parameters or software versions) or that is damaged is reported and
    made again. Only this process writes, so workers need not see the folder; several processes
    may share it.

    Parameters
    ----------
    name : str
        Name of the study, part of the provenance.
    function : callable
        Importable by workers; returns rows. Its randomness must come from the cell's seed.
    cells : sequence of mappings
        JSON-like arguments of `function`.
    inputs : callable, optional
        Cell to further arguments that follow from it, such as the opened problem.
    advance : callable
        Called with the number of cells that have just been finished.
    report : callable
        Called with a line on each file that is not trusted.

    Yields
    ------
    DataFrame

    Raises
    ------
    InputError
        If a shard cannot be written or a worker runs other software.
    """
    tasks = [Task(name, function, cell) for cell in cells]
    finish(
        tasks, folder, inputs=inputs, workers=workers, report=report,
        advance=lambda task, spent: advance(1),
    )  # fmt: skip
    for cell in cells:
        path, wanted = _path(folder, name, cell), provenance(name, cell)
        table = _stored(path, wanted, report)
        if table is None:  # another program got at it meanwhile
            table = decode(_keep(path, function(**cell, **inputs(cell)), wanted, wanted), path)[0]
        yield table


def finish(
    tasks: Sequence[Task],
    folder: Path,
    *,
    inputs: Callable[[Cell], Mapping[str, object]] = lambda cell: {},
    workers: Workers = HERE,
    advance: Callable[[Task, Spent | None], None] = lambda task, spent: None,
    report: Callable[[str], None] = lambda line: None,
) -> None:
    """Evaluate all cells that `folder` lacks, be they of many studies, in the order given.

    Workers go on to the next study while the last cells of one are still at work, so that none
    of them waits. `cell_tables` and `run_cells` then find the cells done.

    Parameters
    ----------
    tasks : sequence of Task
        The cells; long ones should come first.
    folder, inputs, workers, report
        As in `cell_tables`.
    advance : callable, optional
        Called with each task when it is done and what it has cost its worker; None if it was
        done before.

    Raises
    ------
    InputError
        As in `cell_tables`.
    """
    workers.reach()
    open_folder(folder)
    missing: list[int] = []
    for i, task in enumerate(tasks):
        path = _path(folder, task.study, task.cell)
        if path.exists() and _stored(path, provenance(task.study, task.cell), report) is not None:
            advance(task, None)
        else:
            missing.append(i)
    calls: Iterable[tuple[object, ...]] = ((i, *tasks[i], inputs(tasks[i].cell)) for i in missing)
    for done in workers.map(_evaluate, calls):
        assert isinstance(done, tuple)
        i, rows, made_by, spent = done
        task = tasks[i]
        wanted = provenance(task.study, task.cell)
        _keep(_path(folder, task.study, task.cell), rows, made_by, wanted)
        advance(task, spent)


def _evaluate(
    index: int,
    name: str,
    function: Callable[..., Rows],
    cell: Cell,
    inputs: Mapping[str, object],
) -> tuple[int, Rows, dict[str, object], Spent]:
    """Run a cell; the provenance is made where the numbers are."""
    rows, spent = spend(lambda: function(**cell, **inputs))
    return index, rows, provenance(name, cell), spent


def _keep(path: Path, rows: Rows, made_by: dict[str, object], wanted: dict[str, object]) -> bytes:
    """Write a shard and return what was written."""
    if made_by != wanted:
        raise InputError(
            f"a worker runs other software than this process ({_difference(made_by, wanted)})"
        )
    content = encode(pd.DataFrame(rows), made_by)
    write_bytes(content, path)
    return content


def _stored(
    path: Path, wanted: dict[str, object], report: Callable[[str], None]
) -> pd.DataFrame | None:
    """Return a finished shard; None, after a report, if it is not to be trusted."""
    try:
        table, made_by = read_table(path)
    except InputError as fault:
        report(f"{fault}; computed again")
        return None
    if made_by != wanted:
        report(f"{path}: made by something else ({_difference(made_by, wanted)}); computed again")
        return None
    return table


def _difference(made_by: dict[str, object], wanted: dict[str, object]) -> str:
    """Name the first entry in which two provenances differ."""
    for key in sorted({*made_by, *wanted}):
        a, b = made_by.get(key), wanted.get(key)
        if a == b:
            continue
        if isinstance(a, dict) and isinstance(b, dict):
            return f"{key}: {_difference(a, b)}"
        return f"{key} is {a!r:.60}, not {b!r:.60}"
    return "no difference"


def _path(folder: Path, name: str, cell: Cell) -> Path:
    text = json.dumps([name, dict(cell)], sort_keys=True)
    return folder / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.parquet"
