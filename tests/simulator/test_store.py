import multiprocessing

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator.errors import InputError
from simulator.runs.cells import run_cells
from simulator.runs.provenance import provenance, software_versions
from simulator.runs.store import read_table, write_table

CALLS = multiprocessing.Value("i", 0)


def square(x: int, seed: int = 0):
    with CALLS.get_lock():
        CALLS.value += 1
    return [{"x": x, "y": x * x}]


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


def test_cells_resume_and_recompute_what_is_not_theirs(tmp_path):
    cells = [{"x": i} for i in range(4)]
    CALLS.value = 0
    first = run_cells("sq", square, cells, tmp_path)
    assert CALLS.value == 4
    assert first["y"].tolist() == [0, 1, 4, 9]
    done = []
    again = run_cells("sq", square, cells, tmp_path, advance=done.append)
    assert CALLS.value == 4
    assert sum(done) == 4
    pd.testing.assert_frame_equal(first, again)

    files = sorted(tmp_path.glob("*.parquet"))
    files[0].write_bytes(b"half a file")  # corrupt
    write_table(
        pd.DataFrame({"x": [7], "y": [7]}), files[1], provenance("sq", {"x": 99})
    )  # foreign
    pd.testing.assert_frame_equal(first, run_cells("sq", square, cells, tmp_path))
    assert CALLS.value == 6
