"""The main job: every experiment, its table, its figure, the verdicts and the HTML report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.progress import Progress
from rich.table import Table

from figures.catalogue import FIGURES, list_of_figures
from figures.figure import render
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.progress import console, progress_bar, say
from scripts.reproduce.claims import claims, claims_table
from scripts.reproduce.report import verdict, write_report
from scripts.reproduce.spending import note, spending
from scripts.reproduce.tables import made_by, stored
from scripts.reproduce.verdicts import summarise
from simulator.errors import InputError
from simulator.runs.cells import Task, finish, run_cells
from simulator.runs.provenance import provenance
from simulator.runs.spent import Spent
from simulator.runs.store import open_folder, write_bytes, write_table
from simulator.runs.workers import Workers
from theory.registry import BOUNDS, CLAIMS

__all__ = ["run"]


def run(names: list[str], profile: str, workers: Workers, out: Path) -> bool:
    """Run experiments and write tables, figures and report into `out`.

    The report is on all tables in `out` that this code made under this profile, so that a run
    of one experiment adds to it.

    Parameters
    ----------
    names : list of str
        Experiments; all if empty.
    profile : {"quick", "full"}
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
            _say(f"{name} is left out: {gap}")
            chosen.remove(name)
    workers.reach()
    open_folder(out / "tables")
    begin = time.monotonic()
    with progress_bar() as progress:
        _compute(chosen, profile, workers, out, progress)
    tables = _stored_tables(profile, out)
    _draw(tables, workers, out)
    (out / "figures.md").write_text(list_of_figures(tables), encoding="utf-8")
    verdicts = summarise(tables)
    found = _claims(profile, workers, out, run_them=not names)
    spent = spending(out, {name: EXPERIMENTS[name].cells(profile) for name in tables})
    report = write_report(tables, verdicts, found, spent, profile, out)
    _print_summary(verdicts, found, report, time.monotonic() - begin)
    broken = any(c["verdict"] == "violated" for c in found)
    return broken or bool((verdicts["violated"] > 0).any())


def _compute(
    names: list[str], profile: str, workers: Workers, out: Path, progress: Progress
) -> None:
    """Do the cells of all experiments in one pool, the long ones first, and write the tables."""
    cells = {name: EXPERIMENTS[name].cells(profile) for name in names}
    tasks = [Task(name, EXPERIMENTS[name].run_cell, c) for name in names for c in cells[name]]
    tasks.sort(key=lambda task: -EXPERIMENTS[task.study].seconds(task.cell))
    for name in names:
        EXPERIMENTS[name].prepare()
    bar = progress.add_task("cells", total=len(tasks))

    def advance(task: Task, spent: Spent | None) -> None:
        if spent is not None:
            note(out, task, spent)
        progress.advance(bar)

    def report(line: str) -> None:
        say(progress, line)

    finish(tasks, out / "cells", workers=workers, advance=advance, report=report)
    for name in names:
        table = run_cells(
            name, EXPERIMENTS[name].run_cell, cells[name], out / "cells",
            workers=workers, report=report,
        )  # fmt: skip
        maker = made_by(EXPERIMENTS[name], profile)
        write_table(table, out / "tables" / f"{name}.parquet", maker)


def _stored_tables(profile: str, out: Path) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, experiment in EXPERIMENTS.items():
        table = stored(name, made_by(experiment, profile), out, say=_say)
        if table is not None:
            tables[name] = table
    return tables


def _draw(tables: Mapping[str, pd.DataFrame], workers: Workers, out: Path) -> None:
    """Have the workers draw; only this process writes."""
    for done in workers.map(_picture, tables.items()):
        assert isinstance(done, tuple)
        name, pictures = done
        for kind, content in pictures.items():
            write_bytes(content, out / "figures" / f"{name}.{kind}")


def _picture(name: str, table: pd.DataFrame) -> tuple[str, dict[str, bytes]]:
    return name, render(FIGURES[name], table)


def _claims(profile: str, workers: Workers, out: Path, *, run_them: bool) -> list[dict[str, Any]]:
    """Check all claims, or read what was found when they were last checked."""
    thorough = profile == "full"
    maker = provenance("claims", {"thorough": thorough})
    if run_them:
        with progress_bar() as progress:
            task = progress.add_task("claims", total=len(CLAIMS))
            checked: dict[object, dict[str, object]] = {}
            for found in workers.map(claims, (([name], thorough) for name in CLAIMS)):
                assert isinstance(found, list)
                checked.update((claim["id"], claim) for claim in found)
                progress.advance(task)
        table = claims_table([checked[name] for name in CLAIMS if name in checked])
        write_table(table, out / "tables" / "claims.parquet", maker)
    else:
        # they belong to the whole: who names experiments waits for those only
        kept = stored("claims", maker, out, say=_say)
        table = pd.DataFrame() if kept is None else kept
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _say(line: str) -> None:
    console(stderr=True).print(f"particlebounds: {line}", soft_wrap=True, markup=False)


def _print_summary(
    verdicts: pd.DataFrame, found: list[dict[str, Any]], report: Path, seconds: float
) -> None:
    heads = ("bound", "what it is", "rate in N", "problems", "not vacuous", "largest error/bound",
             "verdict")  # fmt: skip
    table = Table(*heads, box=None)
    for row in verdicts.itertuples():
        table.add_row(
            str(row.bound), BOUNDS[str(row.bound)].title, BOUNDS[str(row.bound)].rate,
            str(row.problems), str(row.not_vacuous), f"{row.largest_ratio:.3f}", verdict(row),
        )  # fmt: skip
    out = console()
    out.print(table)
    if found:
        others = Table("claim", "what it is", "comparisons", "verdict", box=None)
        for c in found:
            cells = (str(c[key]) for key in ("id", "title", "comparisons", "verdict"))
            others.add_row(*cells)
        out.print(others)
    out.print(f"{report} written in {seconds:.0f} s", soft_wrap=True)
