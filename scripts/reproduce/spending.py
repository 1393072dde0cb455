"""What `reproduce` costs: a line for each cell, and a table of seconds by experiment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from simulator.runs.cells import Cell, Task
from simulator.runs.spent import Spent

__all__ = ["note", "spending"]

FILE = "spent.jsonl"
COLUMNS = ["experiment", "cells", "measured", "seconds", "longest", "memory"]


def note(out: Path, task: Task, spent: Spent) -> None:
    """Keep what a cell has cost, behind what is known of the others.

    Parameters
    ----------
    out : Path
        Folder of `reproduce`.
    task : Task
        The cell.
    spent : Spent
        By its worker.
    """
    line = json.dumps({"experiment": task.study, "cell": dict(task.cell), **spent._asdict()})
    with (out / FILE).open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def spending(out: Path, cells: Mapping[str, Sequence[Cell]]) -> pd.DataFrame:
    """Tabulate what the cells cost when they were last computed, the dearest experiment first.

    Parameters
    ----------
    out : Path
        Folder of `reproduce`.
    cells : mapping of str to sequence of mappings
        The cells of each experiment.

    Returns
    -------
    DataFrame
        One row an experiment: cells; how many of them were measured; processor seconds, of all
        and of the longest cell; memory, the most that a worker had held by the end of one of
        them, in bytes.
    """
    found: dict[str, dict[str, object]] = {}
    path = out / FILE
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # a run that was killed has left half a line
        found[_key(entry["experiment"], entry["cell"])] = entry
    rows = []
    for name, wanted in cells.items():
        entries = [found[key] for cell in wanted if (key := _key(name, cell)) in found]
        seen = pd.DataFrame(entries, columns=["seconds", "memory"], dtype="float64")
        if len(seen):
            longest, memory = seen["seconds"].max(), seen["memory"].max()
            rows.append((name, len(wanted), len(seen), seen["seconds"].sum(), longest, memory))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.sort_values("seconds", ascending=False, kind="stable", ignore_index=True)


def _key(name: str, cell: Cell) -> str:
    return json.dumps([name, dict(cell)], sort_keys=True)
