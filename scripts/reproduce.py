"""The main job: every experiment, its table, its figure, the verdicts and the HTML report."""

from __future__ import annotations

import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from figures.catalogue import FIGURES, list_of_figures
from figures.figure import save
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.progress import progress_bar, say
from scripts.report import write_report
from scripts.show import claims
from scripts.verdicts import summarise
from simulator.errors import InputError
from simulator.runs.cells import run_cells
from simulator.runs.provenance import provenance
from simulator.runs.store import open_folder, write_table
from simulator.runs.workers import Workers

__all__ = ["run"]


def run(names: list[str], profile: str, workers: Workers, out: Path) -> bool:
    """Run experiments and write tables, figures and report into `out`.

    Parameters
    ----------
    names : list of str
        Experiments; all if empty.
    profile : {"quick", "full"}
    workers : Workers
    out : Path
        Cells that were finished there are not run again.

    Returns
    -------
    bool
        Whether any bound or claim is violated.
    """
    chosen = names or list(EXPERIMENTS)
    for name in chosen:
        if name not in EXPERIMENTS:
            raise InputError(
                f"experiment {name!r} is not known; there are {', '.join(EXPERIMENTS)}"
            )
    for name in list(chosen):
        gap = EXPERIMENTS[name].missing()
        if gap and names:
            raise InputError(f"experiment {name!r}: {gap}")
        if gap:
            Console(stderr=True).print(f"{name} is left out: {gap}", markup=False)
            chosen.remove(name)
    workers.reach()
    open_folder(out / "tables")
    begin = time.monotonic()
    tables = {}
    with progress_bar() as progress:
        for name in chosen:
            tables[name] = _one(name, profile, workers, out, progress)
    (out / "figures.md").write_text(list_of_figures(tables), encoding="utf-8")
    verdicts = summarise(tables)
    # claims belong to the whole: who names experiments wants to see those
    found = [] if names else claims([], thorough=profile == "full")
    report = write_report(tables, verdicts, found, profile, out)
    _print_summary(verdicts, found, report, time.monotonic() - begin)
    broken = any(c["verdict"] == "violated" for c in found)
    return broken or bool((verdicts["violated"] > 0).any())


def _one(name: str, profile: str, workers: Workers, out: Path, progress: Progress) -> pd.DataFrame:
    experiment = EXPERIMENTS[name]
    experiment.prepare()
    cells = experiment.cells(profile)
    task = progress.add_task(name, total=len(cells))
    table = run_cells(
        name, experiment.run_cell, cells, out / "cells", workers=workers,
        advance=lambda done: progress.advance(task, done),
        report=lambda line: say(progress, line),
    )  # fmt: skip
    made_by = provenance(name, {"cells": cells})
    write_table(table, out / "tables" / f"{name}.parquet", made_by)
    save(FIGURES[name], table, out / "figures")
    return table


def _print_summary(
    verdicts: pd.DataFrame, found: list[dict[str, object]], report: Path, seconds: float
) -> None:
    table = Table("bound", "problems", "not vacuous", "largest error/bound", "verdict", box=None)
    for row in verdicts.itertuples():
        table.add_row(
            str(row.bound), str(row.problems), str(row.not_vacuous), f"{row.largest_ratio:.3f}",
            "holds" if row.violated == 0 else f"VIOLATED {row.violated} times",
        )  # fmt: skip
    console = Console()
    console.print(table)
    if found:
        others = Table("claim", "comparisons", "verdict", box=None)
        for c in found:
            others.add_row(str(c["id"]), str(c["comparisons"]), str(c["verdict"]))
        console.print(others)
    console.print(f"{report} written in {seconds:.0f} s", soft_wrap=True)
