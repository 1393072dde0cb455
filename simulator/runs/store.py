"""Result tables: parquet files that carry their provenance and appear whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.errors import InputError

__all__ = ["read_table", "write_table"]

KEY = b"particlebounds"


def write_table(frame: pd.DataFrame, path: Path, made_by: dict[str, object]) -> None:
    """Write a table with its provenance; a kill leaves the old file or the new one.

    Parameters
    ----------
    frame : DataFrame
    path : Path
        Its folder is made if missing.
    made_by : dict
        From `simulator.runs.provenance.provenance`.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    note = json.dumps(made_by, sort_keys=True).encode()
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: note})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    try:
        pq.write_table(table, temporary, compression="zstd")
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_table(path: Path) -> tuple[pd.DataFrame, dict[str, object]]:
    """Read a table and its provenance.

    Parameters
    ----------
    path : Path

    Returns
    -------
    frame : DataFrame
    made_by : dict

    Raises
    ------
    InputError
        If the file is missing, corrupt or not ours.
    """
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, pa.ArrowException):
        raise InputError(f"{path}: not a readable parquet file") from None
    note = (table.schema.metadata or {}).get(KEY)
    if note is None:
        raise InputError(f"{path}: has no provenance, so it was not made by particlebounds")
    return table.to_pandas(), json.loads(note)
