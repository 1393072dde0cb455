"""All benchmarks in one run: a JSON file, tables of ratios, and a figure of the throughput."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from rich.console import Console
from rich.table import Table

from figures.figure import save
from figures.throughput import THROUGHPUT
from scripts.bench.c_code import CSMC, SIMD, compiler
from scripts.bench.kernels import Row, against_c, against_twins, options, threads
from scripts.bench.limits import memory, seconds_of_commands, seconds_of_engines
from scripts.bench.others import against_others
from scripts.bench.problems import SIZES, Size
from scripts.bench.scaling import GRID, exponents, scaling
from scripts.progress import console as make_console

__all__ = ["FULL", "Plan", "measure", "run"]


class Plan(NamedTuple):
    """What is measured.

    Attributes
    ----------
    sizes : sequence of Size
        Against C.
    other_sizes : sequence of Size
        Against other implementations.
    middle, small : Size
        For options; for the samplers against their twins, which are slow.
    grid : dict
        Of `scaling`.
    particles : int
        For the memory.
    rounds, other_rounds, starts : int
        Rounds of our kernels and C, of other implementations, and starts of a command.
    """

    sizes: Sequence[Size]
    other_sizes: Sequence[Size]
    middle: Size
    small: Size
    grid: dict[str, Sequence[Size]]
    particles: int
    rounds: int
    other_rounds: int
    starts: int


FULL = Plan(SIZES, SIZES[:4], SIZES[1], Size(8, 4, 64, 32, 400), dict(GRID), 10**6, 15, 5, 3)
TITLES = {
    "c": "Our speed over that of C (same tables and draws), of C with eight generators, and of C "
    "with a run a SIMD lane (same draws): the limit; million particle steps a second",
    "others": "How many times faster than other implementations, each on one core",
    "threads": "How many times faster two threads are than one, ours and those of C",
    "samplers": "How many times faster than the plain twins; million steps, proposals (SMC-RS) "
    "or moves (VGB) a second",
    "options": "How many times longer a call takes that keeps something",
    "exponents": "Time grows like the power of",
    "memory": "Peak resident size",
    "seconds": "Seconds, and the goal",
}


def measure(plan: Plan) -> dict[str, list[Row]]:
    """Measure everything; what cannot be measured here is said on stderr and left out.

    Returns
    -------
    dict of lists of dicts
        The tables by name.
    """
    out: dict[str, list[Row]] = {}
    with tempfile.TemporaryDirectory() as folder:
        c = None
        if compiler() is None:
            _say("there is no C compiler: nothing is measured against C")
        else:
            c = CSMC(Path(folder))
            for name in sorted(SIMD.keys() - set(c.simd)):
                _say(f"this processor has no {name}: that limit is not measured")
            _say("against C")
            out["c"] = against_c(c, plan.sizes, plan.rounds)
        _say("scaling")
        out["scaling"] = scaling(c, plan.grid, min(5, plan.rounds))
        _say("threads")
        many = [size for size in plan.sizes if size.n_runs > 1]  # one run is one thread's work
        out["threads"] = threads(c, many, plan.rounds)
    out["exponents"] = exponents(out["scaling"])
    _say("options, samplers")
    out["options"] = options(plan.middle, plan.rounds)
    out["samplers"] = against_twins(plan.small, min(3, plan.rounds))
    _say("memory, exact engines, starts of the command")
    out["memory"] = memory(plan.particles)
    out["seconds"] = seconds_of_engines() + seconds_of_commands(plan.starts)
    _say("other implementations")
    out["others"], absent = against_others(plan.other_sizes, plan.other_rounds)
    for name in absent:
        _say(f"{name} is not installed: not compared; see CONTRIBUTING")
    return out


def run(out: Path, plan: Plan = FULL) -> None:
    """Measure, write ``bench.json`` and the figure into a folder, and print the tables."""
    tables = measure(plan)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"cores": cores, "tables": tables}, indent=1, default=_plain)
    (out / "bench.json").write_text(text + "\n")
    save(THROUGHPUT, pd.DataFrame(tables["scaling"]), out)
    console = make_console()
    console.print(f"{cores} cores; medians, and quantiles 0.1 and 0.9 over interleaved rounds")
    for name, title in TITLES.items():
        if tables.get(name):
            _print(console, title, tables[name])


def _print(console: Console, title: str, rows: Iterable[Row]) -> None:
    rows = list(rows)
    table = Table(*rows[0], title=title, title_justify="left", box=None)
    for row in rows:
        table.add_row(*(f"{x:.3g}" if isinstance(x, float) else str(x) for x in row.values()))
    console.print()
    console.print(table)


def _say(line: str) -> None:
    print(f"particlebounds: {line}", file=sys.stderr)


def _plain(x: Any) -> Any:
    return x.item()
