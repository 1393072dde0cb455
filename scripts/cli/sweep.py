"""The `sweep` command: run a grid, keep its shards, write and print the totals."""

from __future__ import annotations

from pathlib import Path

from scripts.cli import show
from scripts.cli.change import print_change
from scripts.progress import progress_bar, say
from simulator.errors import InputError
from simulator.runs.provenance import provenance
from simulator.runs.store import write_table
from simulator.runs.sweep import Grid, run_sweep
from simulator.runs.workers import Workers

__all__ = ["read_particles", "run"]

SHOWN = ("problem", "sampler", "particles", "failure", "plug_in", "shortfall", "shortfall_se")


def read_particles(text: str) -> tuple[int, ...]:
    """Read numbers of particles from a text such as 1,2,4."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"--particles {text!r}: not whole numbers with commas between") from None


def run(grid: Grid, workers: Workers, out: Path, as_json: bool) -> None:
    """Run a sweep into `out` and print its summary.

    Parameters
    ----------
    out : Path
        Gets shards/, summary.parquet and states.parquet.
    """
    problems = grid.open()
    if grid.normalise:
        print_change(max(p.model.largest_change for p in problems.values()))
    with progress_bar() as progress:
        task = progress.add_task("sweep", total=grid.n_shards)
        summary, states = run_sweep(
            grid, out / "shards", problems=problems, workers=workers,
            advance=lambda done: progress.advance(task, done),
            report=lambda line: say(progress, line),
        )  # fmt: skip
    given = grid.parameters(problems)
    write_table(states, out / "states.parquet", provenance("sweep-states", given))
    write_table(summary, out / "summary.parquet", provenance("sweep-summary", given))
    rows = [{str(k): v for k, v in row.items()} for row in summary.to_dict("records")]
    if not as_json:
        rows = [{name: row[name] for name in SHOWN} for row in rows]
    show.emit({"points": rows}, as_json)
