"""What cells have cost is kept, and told by experiment."""

import math

from scripts.reproduce.spending import FILE, note, spending
from simulator.runs.cells import Task
from simulator.runs.spent import Spent, spend


def work(x):
    return []


CELLS = {"a": [{"x": 1}, {"x": 2}], "b": [{"x": 1}], "c": [{"x": 5}]}


def kept(out):
    note(out, Task("a", work, {"x": 1}), Spent(9.0, 100))
    note(out, Task("a", work, {"x": 1}), Spent(1.0, 400))  # computed again
    note(out, Task("a", work, {"x": 2}), Spent(2.0, 300))
    note(out, Task("b", work, {"x": 1}), Spent(4.0, None))
    note(out, Task("b", work, {"x": 7}), Spent(50.0, 10**12))  # of another profile


def test_the_last_cost_of_each_cell_counts_and_the_dearest_comes_first(tmp_path):
    kept(tmp_path)
    table = spending(tmp_path, CELLS)
    assert table["experiment"].tolist() == ["b", "a"]  # of c nothing is known
    assert table["seconds"].tolist() == [4.0, 3.0]
    assert table["longest"].tolist() == [4.0, 2.0]
    assert table[["cells", "measured"]].to_numpy().tolist() == [[1, 1], [2, 2]]
    assert table["memory"].tolist()[1] == 400
    assert math.isnan(table["memory"].tolist()[0])


def test_half_a_line_of_a_killed_run_is_no_fault(tmp_path):
    kept(tmp_path)
    path = tmp_path / FILE
    path.write_text(path.read_text()[:-9])
    assert spending(tmp_path, CELLS)["seconds"].tolist() == [4.0, 3.0]
    assert spending(tmp_path / "empty", CELLS).empty


def test_a_call_is_charged_its_own_seconds_and_memory():
    def use():
        block = bytearray(300_000_000)
        block[::4096] = b"x" * len(block[::4096])
        return sum(i * i for i in range(300_000))

    before = spend(lambda: None)[1]
    _, after = spend(use)
    assert after.seconds > before.seconds
    assert after.memory >= 3e8
