"""Run many independent cells of a study; finished ones are kept and never run twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.store import decode, encode, open_folder, read_table, write_bytes
from simulator.runs.workers import Workers

__all__ = ["Cell", "Rows", "cell_tables", "run_cells"]

Cell = Mapping[str, object]
Rows = list[dict[str, object]]
HERE = Workers()


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
    workers.reach()
    open_folder(folder)
    paths = [folder / f"{_digest(name, cell)}.parquet" for cell in cells]
    missing = []
    for i, path in enumerate(paths):
        if path.exists() and _stored(path, provenance(name, cells[i]), report) is not None:
            advance(1)
        else:
            missing.append(i)
    calls: Iterable[tuple[object, ...]] = (
        (i, name, function, cells[i], inputs(cells[i])) for i in missing
    )
    for done in workers.map(_evaluate, calls):
        assert isinstance(done, tuple)
        i, rows, made_by = done
        _keep(paths[i], rows, made_by, provenance(name, cells[i]))
        advance(1)
    for path, cell in zip(paths, cells, strict=True):
        wanted = provenance(name, cell)
        table = _stored(path, wanted, report)
        if table is None:  # another program got at it meanwhile
            table = decode(_keep(path, function(**cell, **inputs(cell)), wanted, wanted), path)[0]
        yield table


def _evaluate(
    index: int,
    name: str,
    function: Callable[..., Rows],
    cell: Cell,
    inputs: Mapping[str, object],
) -> tuple[int, Rows, dict[str, object]]:
    """Run a cell; the provenance is made where the numbers are."""
    return index, function(**cell, **inputs), provenance(name, cell)


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


def _digest(name: str, cell: Cell) -> str:
    text = json.dumps([name, dict(cell)], sort_keys=True)
    return f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
