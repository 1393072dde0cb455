"""The `law` command and the first-order line of `plan`."""

import json

import numpy as np
import pytest

from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from tests.support.command_line import run
from theory.laws.first_order import first_order_law


def test_it_prints_the_constants_and_exact_errors(capsys):
    problem = open_problem("reference")
    best = problem.reward > 2.5
    out, _ = run(capsys, "law", "reference", "--correct", "best", "--json")
    found, law = json.loads(out), first_order_law(problem, SMC(2), best)
    assert found["constant"] == law.constant.value
    assert found["evaluations"] == 3
    assert found["constant_times_evaluations"] == 3 * law.constant.value
    assert found["covariance"] == law.covariance
    assert found["probability"] == pytest.approx(problem.target[-1][best].sum(), abs=1e-15)
    assert [n for n, _ in found["exact"]] == [n for n, _ in found["exact_gain"]] == [2, 4, 8]
    for (n, error), (_, gain) in zip(found["exact"], found["exact_gain"], strict=True):
        exact = SMC(n).exact_law(problem)
        assert error == n * exact.tv
        assert gain == pytest.approx(n * (exact.law - exact.target)[best].sum(), abs=1e-13)
    assert "low" not in found


def test_where_it_is_measured_its_limits_are_printed(capsys):
    arguments = ("law", "product:horizon=64", "--draws", "2000", "--seed", "3", "--json")
    found = json.loads(run(capsys, *arguments)[0])
    assert found["low"] < found["constant"] < found["high"]
    assert found["exact"] == []
    assert "covariance" not in found
    assert found == json.loads(run(capsys, *arguments)[0])


def test_the_table_shows_each_size_in_a_row(capsys):
    out, _ = run(capsys, "law", "reference", "--correct", "0,2", "--sampler", "smc-rs")
    assert "N (P(E) - pi*(E))" in out
    assert "constant_times_evaluations" in out
    assert "0.37" in out


@pytest.mark.parametrize("content", ["[2, 0]", " [0,\n2]"])
def test_an_event_is_read_from_numbers_or_a_file(capsys, tmp_path, content):
    file = tmp_path / "event.json"
    file.write_text(content)
    of_file = run(capsys, "law", "reference", "--correct", file, "--json")
    assert of_file == run(capsys, "law", "reference", "--correct", "0, 2", "--json")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ("8", "correct: 8 is no terminal state, 0 to 7 are"),
        ("1,1", "correct: 1 is given twice"),
        ("-1", "correct: '-1' is neither 'best', nor numbers"),
        ("1,", "correct: '1,' is neither"),
        ("", "correct: '' is neither"),
        ("9" * 30, f"correct: '{'9' * 30}' is neither"),
        ("no/such.json", "correct: 'no/such.json' is neither"),
        ("a\0b", r"correct: 'a\x00b' is neither"),
    ],
)
def test_events_that_cannot_be_read_are_told_in_one_line(capsys, event, message):
    _, err = run(capsys, "law", "reference", "--correct", event, code=2)
    assert err.startswith(f"particlebounds: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}', "not a JSON list"),
        ("[0.5]", "0.5 is no terminal state"),
        ("[true]", "True is no terminal state"),
        ('["0"]', "'0' is no terminal state"),
        ("[0", "not JSON"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_files_that_hold_no_event_are_told_in_one_line(capsys, tmp_path, content, message):
    file = tmp_path / "event.json"
    file.write_text(content)
    _, err = run(capsys, "law", "reference", "--correct", file, code=2)
    assert err.startswith(f"particlebounds: {file}: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reference", "--sampler", "smc-ind"], "law: needs: multinomial SMC at every level"),
        (["reference", "-O", "select=best"], "law: needs: an output drawn from the last weighted"),
        (["reference", "--sampler", "alrs"], "n_particles: ALRS has one particle, not 2"),
        (["product", "--correct", "best"], "correct: 'best' needs rewards of terminal states"),
    ],
)
def test_what_has_no_law_is_refused_by_name(capsys, arguments, message):
    _, err = run(capsys, "law", *arguments, code=2)
    assert err.startswith(f"particlebounds: {message}")


def test_plan_shows_the_first_order_beside_the_bounds(capsys):
    out, _ = run(capsys, "plan", "reference:horizon=2", "-e", "0.05", "--json")
    shown = json.loads(out)
    a = first_order_law(open_problem("reference:horizon=2"), SMC(2)).constant.value
    assert shown["first_order"] == {
        "title": "first-order law: N D_TV tends to A; no bound",
        "particles": a / 0.05,
    }
    # the error is 0.58/N at N = 32 and 0.51/N at N = 8: the law is near the truth, not above it
    assert shown["exact"]
    assert np.isclose(shown["enough"], a / 0.05, atol=2)


def test_plan_of_a_sampler_without_the_law_says_none(capsys):
    out, _ = run(capsys, "plan", "reference:horizon=2", "-e", "0.2", "--sampler", "best-of-n",
                 "-r", "100", "--json")  # fmt: skip
    assert json.loads(out)["first_order"] is None
