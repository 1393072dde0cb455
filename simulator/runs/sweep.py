"""A sweep: many runs over a grid of problems, samplers and numbers of particles, in flat memory.

Runs are cut into shards. A shard keeps counts and exact sums only, which add up to the same
totals in any order and for any size of the shards; run r of a grid point draws from the same
stream as run r of ``sampler.run(problem, n_runs, rng=seed)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import groupby, product
from pathlib import Path

import numpy as np
import pandas as pd

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.runs.cells import Cell, cell_tables
from simulator.runs.shard import Total, read_sampler, run_shard
from simulator.runs.workers import Workers
from simulator.streams.seeds import BLOCK, seed_sequence

__all__ = ["SHARD", "Grid", "run_sweep"]

SHARD = 48 * BLOCK  # so many that the file of a shard takes little of its time
MOST_RUNS = 10**12
HERE = Workers()


@dataclass(frozen=True)
class Grid:
    """What a sweep runs over.

    Parameters
    ----------
    problems : tuple of str
        As in `simulator.problem.library.open_problem`.
    samplers : tuple of str
        As in `read_sampler`.
    runs : int
        Independent runs of each grid point. More runs with the same seed go on where fewer
        have stopped.
    seed : int
        The same for all grid points, so that their runs are paired.
    shard : int
        Runs a shard, a multiple of 1024.
    normalise : bool
        As in `simulator.problem.files.load_problem`.

    Raises
    ------
    InputError
        If an argument is out of range, empty or given twice.
    """

    problems: tuple[str, ...]
    samplers: tuple[str, ...]
    particles: tuple[int, ...]
    runs: int
    seed: int
    shard: int = SHARD
    normalise: bool = False

    def __post_init__(self) -> None:
        for name in ("problems", "samplers", "particles"):
            values = getattr(self, name)
            if not values:
                raise InputError(f"{name}: none is given")
            for value in values:
                if values.count(value) > 1:
                    raise InputError(f"{name}: {value} is given twice")
        for n in self.particles:
            check_int("particles", n, 1)
        check_int("runs", self.runs, 1, MOST_RUNS)
        seed_sequence(self.seed)
        check_int("shard", self.shard, BLOCK)
        if self.shard % BLOCK:
            raise InputError(f"shard: {self.shard} is not a multiple of {BLOCK}")
        for sampler, n in product(self.samplers, self.particles):
            read_sampler(sampler, n)

    @property
    def n_shards(self) -> int:
        """Number of shards."""
        points = len(self.problems) * len(self.samplers) * len(self.particles)
        return points * -(-self.runs // self.shard)

    def parameters(self, problems: Mapping[str, Problem]) -> dict[str, object]:
        """Return what the provenance of a sweep's tables holds.

        Parameters
        ----------
        problems : mapping
            From `open`.
        """
        return {**asdict(self), "digests": {spec: p.digest for spec, p in problems.items()}}

    def open(self) -> dict[str, Problem]:
        """Open the problems.

        Returns
        -------
        dict
            Text to `Problem`.
        """
        return {spec: open_problem(spec, normalise=self.normalise) for spec in self.problems}

    def cells(self, digests: Mapping[str, str]) -> list[Cell]:
        """List the shards, those of one grid point behind each other.

        Parameters
        ----------
        digests : mapping
            Digest of each problem, so that an edited file makes other shards.

        Returns
        -------
        list of mappings
            Arguments of `run_shard`.
        """
        how = {"normalise": True} if self.normalise else {}
        return [
            {"problem": p, "digest": digests[p], "sampler": s, "particles": n, "seed": self.seed,
             "first_block": begin // BLOCK, "runs": min(self.shard, self.runs - begin), **how}
            for p, s, n in product(self.problems, self.samplers, self.particles)
            for begin in range(0, self.runs, self.shard)
        ]  # fmt: skip


def run_sweep(
    grid: Grid,
    folder: Path | None,
    *,
    problems: Mapping[str, Problem] | None = None,
    workers: Workers = HERE,
    advance: Callable[[int], None] = lambda done: None,
    report: Callable[[str], None] = lambda line: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run a sweep, or what is left of it.

    Parameters
    ----------
    folder : Path or None
        Where shards are kept; None keeps none and runs everything here.
    problems : mapping, optional
        From ``grid.open()``.
    advance, report : callable
        As in `simulator.runs.cells.cell_tables`.

    Returns
    -------
    summary : DataFrame
        One row a grid point, with the columns of `Total.summary`.
    states : DataFrame
        How often each terminal state was output, and its target probability.
    """
    opened = grid.open() if problems is None else problems
    cells = grid.cells({spec: p.digest for spec, p in opened.items()})

    def inputs(cell: Cell) -> dict[str, object]:
        return {"opened": opened[str(cell["problem"])]}

    tables: Iterable[pd.DataFrame]
    if folder is None:
        tables = (pd.DataFrame(run_shard(**c, **inputs(c))) for c in cells)  # type: ignore[arg-type]
    else:
        tables = cell_tables(
            "sweep", run_shard, cells, folder,
            inputs=inputs, workers=workers, advance=advance, report=report,
        )  # fmt: skip
    summaries, states = [], []
    keys = ("problem", "sampler", "particles")
    shards = zip(cells, tables, strict=True)
    for values, of_point in groupby(shards, lambda pair: tuple(pair[0][k] for k in keys)):
        point = dict(zip(keys, values, strict=True))
        total = Total(opened[str(point["problem"])])
        for _, table in of_point:
            total.add({str(k): v for k, v in table.iloc[0].items()})
        summaries.append({**point, **total.summary()})
        seen = np.flatnonzero(total.states)
        target = total.problem.target[-1][seen]
        states.append(
            pd.DataFrame({**point, "state": seen, "count": total.states[seen], "target": target})
        )
    return pd.DataFrame(summaries), pd.concat(states, ignore_index=True)
