"""Cells of a study: kept, resumed, and made again when they are not what they should be."""

import multiprocessing

import pandas as pd
import pytest

from simulator.errors import InputError
from simulator.runs import cells as module
from simulator.runs.cells import Task, cell_tables, finish, run_cells
from simulator.runs.provenance import provenance
from simulator.runs.store import read_table, write_table
from simulator.runs.workers import Workers

CALLS = multiprocessing.Value("i", 0)


def square(x: int, seed: int = 0):
    with CALLS.get_lock():
        CALLS.value += 1
    return [{"x": x, "y": x * x}]


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


def altered(change):
    """A change of the provenance of a stored shard."""

    def apply(path):
        table, made_by = read_table(path)
        write_table(table, path, change(made_by))

    return apply


def newer(made_by):
    return {**made_by, "software": {**made_by["software"], "numpy": "99.0"}}


FOREIGN = {
    "parameters": (altered(lambda m: {**m, "parameters": {"x": 1, "seed": 7}}), "seed is 7"),
    "software": (altered(newer), "numpy is '99.0'"),
    "kind": (altered(lambda m: {**m, "kind": "cube"}), "kind is 'cube'"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable parquet file"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-9]), "damaged, it is not as it was"),
    "no provenance": (lambda path: pd.DataFrame({"x": [1]}).to_parquet(path), "no provenance"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_foreign_is_reported_and_made_again(tmp_path, case):
    spoil, words = FOREIGN[case]
    cells = [{"x": 1}, {"x": 2}]
    first = run_cells("sq", square, cells, tmp_path)
    (path,) = [p for p in tmp_path.iterdir() if read_table(p)[0]["x"].tolist() == [1]]
    good = path.read_bytes()
    spoil(path)
    CALLS.value, lines = 0, []
    again = run_cells("sq", square, cells, tmp_path, report=lines.append)
    pd.testing.assert_frame_equal(first, again)
    assert path.read_bytes() == good
    assert CALLS.value == 1
    (line,) = lines
    assert str(path) in line
    assert words in line
    assert line.endswith("computed again")


def test_a_shard_that_is_spoilt_meanwhile_is_not_used(tmp_path):
    cells = [{"x": 1}, {"x": 2}]

    def spoil(done):
        for path in tmp_path.glob("*.parquet"):
            write_table(pd.DataFrame({"x": [0], "y": [5]}), path, provenance("other", {}))

    lines = []
    tables = list(cell_tables("sq", square, cells, tmp_path, advance=spoil, report=lines.append))
    assert [t["y"].tolist() for t in tables] == [[1], [4]]
    assert len(lines) == 2


def test_a_worker_with_other_software_is_refused(tmp_path, monkeypatch):
    def elsewhere(index, name, function, cell, inputs):
        return index, function(**cell), newer(provenance(name, cell)), None

    monkeypatch.setattr(module, "_evaluate", elsewhere)
    with pytest.raises(InputError, match=r"a worker runs other software .*numpy is '99\.0'"):
        run_cells("sq", square, [{"x": 1}], tmp_path)
    assert list(tmp_path.iterdir()) == []


def fail_at_two(x: int):
    if x == 2:
        raise InputError("two is refused")
    return square(x)


def test_a_fault_keeps_what_is_finished(tmp_path):
    with pytest.raises(InputError, match="two is refused"):
        run_cells("sq", fail_at_two, [{"x": i} for i in range(5)], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_inputs_are_no_part_of_the_identity(tmp_path):
    for seed in (1, 2):
        list(cell_tables("sq", square, [{"x": 3}], tmp_path, inputs=lambda cell: {"seed": seed}))  # noqa: B023
    (path,) = tmp_path.iterdir()
    assert read_table(path)[1]["parameters"] == {"x": 3}


def exhaust(x: int):
    import os

    os._exit(9)


@pytest.mark.slow
def test_a_worker_that_is_killed_is_told_in_one_line(tmp_path):
    with pytest.raises(InputError, match="worker process was killed"):
        run_cells("dead", exhaust, [{"x": 1}, {"x": 2}], tmp_path, workers=Workers(2))


def cube(x: int):
    return [{"x": x, "y": x**3}]


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_cells_of_many_studies_are_done_in_one_pool(tmp_path, jobs):
    tasks = [Task("sq", square, {"x": 3}), Task("cu", cube, {"x": 2}), Task("sq", square, {"x": 1})]
    told = []

    def advance(task, spent):
        told.append((task.study, task.cell["x"], spent))

    finish(tasks, tmp_path, workers=Workers(jobs), advance=advance)
    done = [(study, x) for study, x, _ in told]
    assert done == [("sq", 3), ("cu", 2), ("sq", 1)] if jobs == 1 else len(set(done)) == 3
    assert all(spent.seconds >= 0 and spent.memory > 1e6 for _, _, spent in told)
    CALLS.value = 0
    table = run_cells("sq", square, [{"x": 1}, {"x": 3}], tmp_path)
    assert table["y"].tolist() == [1, 9]
    assert run_cells("cu", cube, [{"x": 2}], tmp_path)["y"].tolist() == [8]
    assert CALLS.value == 0
    told.clear()
    finish(tasks, tmp_path, advance=advance)
    assert [spent for *_, spent in told] == [None] * 3
