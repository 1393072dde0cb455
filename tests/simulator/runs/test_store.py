"""Stored tables: whole or absent, and never trusted when damaged."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.runs.provenance import provenance, software_versions
from simulator.runs.store import (
    decode,
    encode,
    open_folder,
    read_table,
    write_bytes,
    write_table,
)
from tests.support.subprocesses import ENVIRONMENT

GOOD = encode(
    pd.DataFrame({"a": [1, 2], "b": [0.5, float("inf")], "c": ["x", None], "d": [[1], [2, 3]]}),
    {"kind": "test"},
)


def test_round_trip_keeps_rows_and_provenance(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, float("inf")]})
    made_by = provenance("test", {"seed": 3})
    write_table(frame, tmp_path / "deep" / "t.parquet", made_by)
    back, note = read_table(tmp_path / "deep" / "t.parquet")
    pd.testing.assert_frame_equal(back, frame)
    assert note == made_by
    assert note["software"]["source"] == software_versions()["source"]


def test_equal_tables_are_equal_bytes(tmp_path):
    frame = pd.DataFrame({"a": [1, 2]})
    for name in "xy":
        write_table(frame, tmp_path / name, provenance("test", {}))
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_faulty_files_are_told_in_one_line(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "missing.parquet")
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 nonsense")
    with pytest.raises(InputError, match="not a readable parquet"):
        read_table(bad)
    pq.write_table(pa.table({"a": [1]}), bad)
    with pytest.raises(InputError, match="no provenance"):
        read_table(bad)


def test_a_failed_write_leaves_nothing(tmp_path):
    class Unwritable:
        pass

    with pytest.raises(Exception, match="Unwritable"):
        write_table(pd.DataFrame({"a": [Unwritable()]}), tmp_path / "t.parquet", {})
    assert list(tmp_path.iterdir()) == []


@given(data=st.data())
def test_a_table_with_any_damage_is_refused(data):
    """A reader that trusted what still parses would let more than a third of the flips through."""
    content = bytearray(GOOD)
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[at : at + data.draw(st.integers(1, 50))]
    with pytest.raises(InputError, match=r"^here: [^\n]*$"):
        decode(bytes(content), "here")


def test_a_table_that_was_written_again_is_read_unsealed_only(tmp_path):
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "t", provenance("test", {}))
    table = pq.read_table(tmp_path / "t")
    changed = table.set_column(0, "a", pa.array([2])).replace_schema_metadata(table.schema.metadata)
    pq.write_table(changed, tmp_path / "t")
    with pytest.raises(InputError, match="damaged"):
        read_table(tmp_path / "t")
    assert read_table(tmp_path / "t", sealed=False)[0]["a"].tolist() == [2]


def test_provenance_that_is_no_object_is_refused(tmp_path):
    for note in ([1], "text", None):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t", note)
        with pytest.raises(InputError, match="its provenance is damaged"):
            read_table(tmp_path / "t")


def test_writers_and_readers_of_one_file_do_not_meet(tmp_path):
    """Drafts of one shared name, or writing in place, fail here within a few rounds."""
    path = tmp_path / "t"
    frames = [pd.DataFrame({"a": np.full(20_000, k) + np.arange(20_000) % 97}) for k in range(3)]
    contents = [encode(f, {"k": k}) for k, f in enumerate(frames)]
    write_bytes(contents[0], path)
    with ThreadPoolExecutor(4) as pool:
        writers = [
            pool.submit(lambda c: [write_bytes(c, path) for _ in range(100)], content)
            for content in contents
        ]
        seen = 0
        while not all(w.done() for w in writers):
            assert path.read_bytes() in contents
            seen += 1
        for writer in writers:
            writer.result()
    assert seen > 1
    assert [p.name for p in tmp_path.iterdir()] == ["t"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs limits of file sizes")
@pytest.mark.parametrize("deadly", [True, False], ids=["killed", "disk full"])
def test_a_write_that_is_cut_short_leaves_the_old_file(tmp_path, deadly):
    """The system stops the writer at byte 500: writing in place would leave half a file."""
    path = tmp_path / "t"
    path.write_text("old")
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from simulator.runs.store import write_bytes\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
        f"signal.signal(signal.SIGXFSZ, signal.{'SIG_DFL' if deadly else 'SIG_IGN'})\n"
        "write_bytes(bytes(1000), Path(sys.argv[1]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == (-signal.SIGXFSZ if deadly else 1)
    assert path.read_text() == "old"
    drafts = [p for p in tmp_path.iterdir() if p != path]
    if deadly:
        (draft,) = drafts
        open_folder(tmp_path)  # the draft may be that of a writer at work
        assert draft.exists()
        os.utime(draft, (0, 0))
        open_folder(tmp_path)
        assert not draft.exists()
    else:
        assert drafts == []
        assert "InputError" in done.stderr
        assert "File too large" in done.stderr
