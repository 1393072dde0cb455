"""Result tables: parquet files that carry their provenance and appear whole or not at all."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import time
import uuid
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from simulator.checks import reading
from simulator.errors import InputError

__all__ = ["decode", "encode", "open_folder", "read_table", "write_bytes", "write_table"]

KEY = b"particlebounds"
# SHA-256 of the file with the 64 digits taken as zeros; it stands in the file's footer
SEAL_KEY = b"particlebounds.seal"
SEAL = re.compile(rb"sha256-of-this-file:([0-9a-f]{64})")
OPEN_SEAL = b"sha256-of-this-file:" + b"0" * 64
# what pyarrow and pandas raise at a table whose description is damaged
UNREADABLE = (OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError,
              AttributeError, OverflowError, MemoryError)  # fmt: skip
DRAFT_AGE = 3600.0


def encode(frame: pd.DataFrame, made_by: dict[str, object]) -> bytes:
    """Return the bytes of a parquet file with provenance and seal; equal for equal tables.

    Parameters
    ----------
    made_by : dict
        From `simulator.runs.provenance.provenance`.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    note = json.dumps(made_by, sort_keys=True).encode()
    notes = {**(table.schema.metadata or {}), KEY: note, SEAL_KEY: OPEN_SEAL}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(notes), buffer, compression="zstd")
    content = buffer.getvalue()
    return content.replace(OPEN_SEAL, OPEN_SEAL[:-64] + _digest(content), 1)


def decode(
    content: bytes, where: object, *, sealed: bool = True
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Read what `encode` has made.

    Parameters
    ----------
    where : object
        What messages call it.
    sealed : bool
        Refuse a file that was changed since it was written, be it by one bit.

    Returns
    -------
    frame : DataFrame
    made_by : dict

    Raises
    ------
    InputError
        If the file is damaged or not ours.
    """
    seals = SEAL.findall(content)
    broken = sealed and seals != [_digest(content)]
    if broken and seals:
        raise InputError(f"{where}: damaged, it is not as it was written")
    try:
        # tables are small: one thread, and no look for a data set of many files
        table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
        frame = table.to_pandas(use_threads=False)
        notes = table.schema.metadata or {}
    except UNREADABLE:
        raise InputError(f"{where}: not a readable parquet file") from None
    if KEY not in notes:
        raise InputError(f"{where}: has no provenance, so it was not made by particlebounds")
    if broken:
        raise InputError(f"{where}: damaged, it has lost its seal")
    try:
        made_by = json.loads(notes[KEY])
    except (ValueError, RecursionError):
        made_by = None
    if not isinstance(made_by, dict):
        raise InputError(f"{where}: its provenance is damaged")
    return frame, made_by


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(SEAL.sub(OPEN_SEAL, content)).hexdigest().encode()


def write_bytes(content: bytes, path: Path) -> None:
    """Write a file that appears whole or not at all, whoever else writes it at the same time.

    Parameters
    ----------
    path : Path
        Its folder is made if missing.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(content)
            os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as fault:
        raise InputError(f"{path}: {fault.strerror or 'cannot be written'}") from None


def open_folder(folder: Path) -> None:
    """Make a folder of results, see that one can write there, and clear it of old drafts.

    Killed writers leave drafts; as one lives for a moment only, an old one is nobody's.

    Raises
    ------
    InputError
        If it cannot be made or written in.
    """
    trial = folder / f".{uuid.uuid4().hex}.draft"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as fault:
        raise InputError(f"{folder}: {fault.strerror or 'cannot be written in'}") from None
    for draft in folder.glob(".*.draft"):
        try:
            if time.time() - draft.stat().st_mtime > DRAFT_AGE:
                draft.unlink()
        except OSError:  # another process was faster
            continue


def write_table(frame: pd.DataFrame, path: Path, made_by: dict[str, object]) -> None:
    """Write a table with its provenance; a kill leaves the old file or the new one.

    Parameters
    ----------
    path : Path
        Its folder is made if missing.
    made_by : dict
        From `simulator.runs.provenance.provenance`.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_bytes(encode(frame, made_by), path)


def read_table(path: Path, *, sealed: bool = True) -> tuple[pd.DataFrame, dict[str, object]]:
    """Read a table and its provenance.

    Parameters
    ----------
    sealed : bool
        Refuse a file that was changed since it was written, be it by one bit.

    Returns
    -------
    frame : DataFrame
    made_by : dict

    Raises
    ------
    InputError
        If the file is missing, damaged or not ours.
    """
    with reading(path):
        content = path.read_bytes()
    return decode(content, path, sealed=sealed)
