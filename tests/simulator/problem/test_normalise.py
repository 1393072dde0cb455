"""Rows of few digits and of float32: divided by their sums when asked, refused otherwise."""

import json
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.files import FORMAT, load_problem, save_problem
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

THIRDS = [0.333, 0.333, 0.333]  # off by 1e-3, which is the most that is allowed
FLOAT32 = np.array([[1, 2, 4], [3, 3, 1], [5, 1, 1]], dtype=np.float32) / np.float32(7)
STAY = [[0, 1, 2]] * 3


def write(path, second):
    """A file whose second stage has these rows; its reward tells rows apart."""
    stages = [
        {"probs": [[0.25, 0.25, 0.5]]},
        {"probs": np.asarray(second).tolist(), "next_state": STAY},
    ]
    content = {"format": FORMAT, "stages": stages, "reward": [1.0, 2.0, 5.0], "prm": "exact"}
    path.write_text(json.dumps(content))
    return path


def test_float32_rows_become_the_exact_quotients():
    model = TabularModel([[[0.25, 0.25, 0.5]], FLOAT32], [None, STAY], normalise=True)
    given = [[Fraction(float(x)) for x in row] for row in FLOAT32]
    want = [[float(x / sum(row)) for x in row] for row in given]
    assert np.abs(model.probs[1] - want).max() < 2e-16
    change = max(abs(sum(row) - 1) for row in given)
    assert change > 1e-9  # the rows are refused without the option
    assert model.largest_change == pytest.approx(float(change), abs=3e-16)


def test_the_largest_change_is_that_of_all_stages():
    rows = [[0.5, 0.4995, 0.0], THIRDS, [0.2, 0.3, 0.5]]
    first, last = [[0.25, 0.25, 0.5001]], [[0.25, 0.25, 0.5002]] * 3
    model = TabularModel([first, rows, last], [None, STAY, STAY], normalise=True)
    assert model.largest_change == pytest.approx(1e-3, abs=1e-15)
    assert model.probs[1][0].tolist() == pytest.approx([0.5 / 0.9995, 0.4995 / 0.9995, 0])
    assert [float(p.sum(axis=1).max()) for p in model.probs] == pytest.approx([1, 1, 1], abs=1e-15)


def test_rows_that_need_no_option_stay_as_they_are():
    rows = [[0.1, 0.2, 0.7], [0.3, 0.3, 0.4], [1 / 3, 1 / 3, 1 / 3]]
    plain, divided = (
        TabularModel([[[0.25, 0.25, 0.5]], rows], [None, STAY], normalise=n) for n in (False, True)
    )
    assert all((a == b).all() for a, b in zip(plain.probs, divided.probs, strict=True))
    assert plain.largest_change == divided.largest_change < 1e-15


def test_without_the_option_the_line_names_it_and_the_row():
    with pytest.raises(InputError) as refusal:
        TabularModel([[[0.25, 0.25, 0.5]], [[1, 0, 0], THIRDS, THIRDS]], [None, STAY])
    assert str(refusal.value) == (
        "stage 1, row 1: probabilities sum to 0.999, not 1; "
        "normalise=True (--normalise) divides rows by their sums"
    )


@pytest.mark.parametrize("total", [0.9989, 1.0011, 0.5, 0.0])
def test_rows_further_off_are_refused_with_and_without(total):
    rows = [[1, 0, 0], [0, 1, 0], [total, 0, 0]]
    for normalise in (False, True):
        with pytest.raises(InputError) as refusal:
            TabularModel([[[0.25, 0.25, 0.5]], rows], [None, STAY], normalise=normalise)
        line = str(refusal.value)
        assert line.startswith(f"stage 1, row 2: probabilities sum to {total:g}, not 1")
        assert "--normalise" not in line  # it would not help
        assert line.endswith("which is more than 0.001 off") == normalise


def test_a_row_beyond_help_withholds_the_advice():
    with pytest.raises(InputError) as refusal:
        TabularModel.tree([[[0.5, 0.4999]], [[0.5, 0.5], [0.5, 0.3]]])
    assert "--normalise" in str(refusal.value)  # all of that stage could be divided
    with pytest.raises(InputError) as refusal:
        TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.4999], [0.5, 0.3]]])
    assert str(refusal.value) == "stage 1, row 0: probabilities sum to 0.9999, not 1"


def test_negative_entries_are_not_divided_away():
    with pytest.raises(InputError, match=r"row 0: probability -0\.0001 is negative"):
        TabularModel.tree([[[1.0, -0.0001]]], normalise=True)


def test_the_limit_itself_is_allowed_whatever_its_float_is():
    assert abs(0.5 + 0.499 - 1) > 1e-3  # by rounding
    assert TabularModel.tree([[[0.5, 0.499]]], normalise=True).n_actions == 2


def test_trees_take_the_option():
    assert TabularModel.tree([[THIRDS]], normalise=True).probs[0].tolist() == [[1 / 3] * 3]


@pytest.mark.parametrize("end", ["json", "npz"])
def test_files_take_the_option(tmp_path, end):
    path = write(tmp_path / "p.json", FLOAT32)
    if end == "npz":
        path = tmp_path / "p.npz"
        np.savez(
            path, format=FORMAT, prm="exact", reward=np.array([1.0, 2.0, 5.0]),
            probs0=np.array([[0.25, 0.25, 0.5]]), probs1=FLOAT32, next_state1=np.array(STAY),
        )  # fmt: skip
    with pytest.raises(InputError, match=r"p\.\w+: stage 1, row \d: .* not 1; .*--normalise"):
        load_problem(path)
    problem = load_problem(path, normalise=True)
    model = TabularModel([[[0.25, 0.25, 0.5]], FLOAT32], [None, STAY], normalise=True)
    want = Problem(model, [1.0, 2.0, 5.0], "exact")
    assert problem.digest == want.digest
    assert problem.model.largest_change == want.model.largest_change > 1e-9
    assert open_problem(path, normalise=True).digest == want.digest
    save_problem(problem, tmp_path / "again.npz")
    again = load_problem(tmp_path / "again.npz")  # needs the option no more
    assert all((a == b).all() for a, b in zip(again.model.probs, want.model.probs, strict=True))


def test_ready_problems_need_none():
    assert open_problem("eos", normalise=True).digest == open_problem("eos").digest
