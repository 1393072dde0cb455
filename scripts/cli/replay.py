"""The `replay` command: make a stored table again from its provenance and compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from scripts.cli import draws
from scripts.cli.own import make_named_sampler
from scripts.experiments.catalogue import EXPERIMENTS
from scripts.reproduce.claims import claims, claims_table
from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.runs.provenance import provenance
from simulator.runs.shard import run_shard
from simulator.runs.store import decode, encode, read_table
from simulator.runs.sweep import Grid, run_sweep

__all__ = ["remake", "replay"]


def replay(file: Path) -> tuple[str, bool, list[str]]:
    """Make the table of a file again and compare.

    Parameters
    ----------
    file : Path
        From `sample`, `sweep` or `reproduce`.

    Returns
    -------
    verdict : str
        One line.
    equal : bool
    remarks : list of str
        What may explain a difference.

    Raises
    ------
    InputError
        If the file or its provenance cannot be read.
    """
    stored, made_by = read_table(file, sealed=False)
    kind, parameters, software = (made_by.get(k) for k in ("kind", "parameters", "software"))
    if not (isinstance(kind, str) and isinstance(parameters, dict) and isinstance(software, dict)):
        raise InputError(f"{file}: its provenance lacks kind, parameters or software")
    try:
        fresh = remake(kind, parameters)
    except InputError as fault:
        raise InputError(f"{file}: {fault}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise InputError(f"{file}: its parameters cannot be run again: {fault}") from None
    now = provenance(kind, parameters)
    fresh = decode(encode(fresh, now), file)[0]
    remarks = [
        f"{name} was {software.get(name)}, is {version}"
        for name, version in now["software"].items()  # type: ignore[attr-defined]
        if software.get(name) != version
    ]
    difference = _difference(stored, fresh)
    if difference:
        return f"{file}: differs: {difference}", False, remarks
    return f"{file}: equal, {len(stored)} rows", True, remarks


def remake(kind: str, parameters: Mapping[str, Any]) -> pd.DataFrame:
    """Make a table from the provenance of a stored one.

    Raises
    ------
    InputError
        If the kind is not known or the problem is not the one it was.
    """
    makers: dict[str, Callable[..., pd.DataFrame]] = {
        "claims": lambda thorough: claims_table(claims([], thorough)),
        "sample": _sample,
        "sweep": lambda **cell: pd.DataFrame(run_shard(**cell)),
        "sweep-summary": lambda **given: _sweep(**given)[0],
        "sweep-states": lambda **given: _sweep(**given)[1],
    }
    if kind in makers:
        return makers[kind](**parameters)
    if kind not in EXPERIMENTS:
        raise InputError(f"made by {kind!r:.60}, which cannot be run again")
    cells = parameters["cells"] if set(parameters) == {"cells"} else [parameters]
    parts = [pd.DataFrame(EXPERIMENTS[kind].run_cell(**cell)) for cell in cells]
    return pd.concat(parts, ignore_index=True)


def _sample(
    problem: str,
    digest: str,
    sampler: str,
    particles: int,
    option: list[str],
    runs: int,
    seed: int,
    normalise: bool = False,
) -> pd.DataFrame:
    opened = open_problem(problem, normalise=normalise)
    if opened.digest != digest:
        raise InputError(f"{problem}: not the problem that was meant, it has changed")
    made = make_named_sampler(sampler, particles, option)
    return draws.table(opened, made, runs, seed)


def _sweep(digests: Mapping[str, str], **given: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    grid = Grid(**plain)
    problems = grid.open()
    for spec, problem in problems.items():
        if problem.digest != digests[spec]:
            raise InputError(f"{spec}: not the problem that was meant, it has changed")
    return run_sweep(grid, None, problems=problems)


def _difference(stored: pd.DataFrame, fresh: pd.DataFrame) -> str:
    """Say where two tables differ first; empty if nowhere."""
    a, b = (pa.Table.from_pandas(x, preserve_index=False) for x in (stored, fresh))
    if a.column_names != b.column_names:
        return f"columns {', '.join(a.column_names)} are stored, {', '.join(b.column_names)} made"
    if len(a) != len(b):
        return f"{len(a)} rows are stored, {len(b)} made"
    for name in a.column_names:
        if a[name].equals(b[name]):
            continue
        if a[name].type != b[name].type:
            return f"column {name} is stored as {a[name].type}, made as {b[name].type}"
        for i, (x, y) in enumerate(zip(a[name].to_pylist(), b[name].to_pylist(), strict=True)):
            if x != y:
                return f"column {name}, row {i}: {x!r:.60} is stored, {y!r:.60} made"
    return ""
