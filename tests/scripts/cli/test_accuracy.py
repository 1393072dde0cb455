"""The `accuracy` command."""

import json

import numpy as np
import pytest

from simulator.measure.cloud_accuracy import SELECT, exact_accuracy
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from tests.support.command_line import run
from theory.accuracy.laws import accuracy_limits
from theory.laws.first_order import first_order_law


def found(capsys, *arguments):
    return json.loads(run(capsys, "accuracy", *arguments, "--json")[0])


@pytest.mark.parametrize("select", SELECT)
def test_it_prints_the_exact_accuracy_its_limits_and_a_guess(capsys, select):
    problem = open_problem("reference")
    best = problem.reward > 2.5
    got = found(capsys, "reference", "--correct", "best", "--select", select, "-n", "3")
    limits = accuracy_limits(problem, SMC(3), best, select)
    assert got["exact"] == pytest.approx(exact_accuracy(problem, SMC(3), best, select), abs=1e-15)
    assert (got["low"], got["high"]) == (limits.low, limits.high)
    assert got["low"] <= got["exact"] <= got["high"]
    assert got["predicted"] == limits.predicted
    assert got["target"] == pytest.approx(problem.target[-1][best].sum(), abs=1e-15)
    assert (got["select"], got["particles"]) == (select, 3)
    assert "confidence" not in got
    assert "omitted" not in got
    if select == "sample":
        law = first_order_law(problem, SMC(2), best)
        want = law.probability - law.covariance / 3
        assert got["first_order"] == pytest.approx(want, abs=1e-15)
    else:
        assert "first_order" not in got


def test_runs_are_measured_beside_it_and_can_be_made_again(capsys):
    arguments = ("reference", "--correct", "0,2", "--select", "vote", "--runs", "4000",
                 "--confidence", "0.999999999", "--seed", "4")  # fmt: skip
    got = found(capsys, *arguments)
    # limits at 1 - 1e-9: a false failure has that probability
    assert got["measured_low"] <= got["exact"] <= got["measured_high"]
    assert got["runs"] == 4000
    assert got == found(capsys, *arguments)
    assert got != found(capsys, *arguments[:-1], "5")


@pytest.mark.parametrize("select", SELECT)
def test_at_scale_it_answers_without_enumeration(capsys, select):
    arguments = ("lm-digits2", "--correct", "0,700,3333", "-n", "64", "--select", select)
    got = found(capsys, *arguments)
    assert "exact" not in got
    assert "cloud transitions" in got["omitted"]["exact"]
    assert 0 <= got["low"] <= got["high"] <= 1


def test_a_long_horizon_with_a_perfect_prm_needs_no_draws(capsys):
    got = found(capsys, "product:horizon=300", "--correct", "0", "-n", "64", "--seed", "1")
    assert got["low"] <= got["exact"] == pytest.approx(1)
    assert "confidence" not in got


def test_limits_of_drawn_paths_state_their_confidence(capsys):
    problem = "random-automaton:horizon=40,seed=2"
    got = found(capsys, problem, "--correct", "0,1", "-n", "32", "--draws", "500",
                "--confidence", "0.9")  # fmt: skip
    assert got["confidence"] == 0.9
    assert 0 < got["low"] < got["high"] < 1
    assert got["low"] < got["predicted"] < got["high"]
    assert got["low"] < got["target"] < got["high"]


def test_the_table_says_in_words_what_each_number_is(capsys):
    out, _ = run(capsys, "accuracy", "reference", "--correct", "best", "--select", "any")
    for words in (
        "one of the N proposals is right", "exact accuracy, by enumeration",
        "accuracy is at least", "accuracy is at most", "predicted, no limit",
    ):  # fmt: skip
        assert words in out


def test_a_sampler_without_laws_has_an_exact_accuracy_and_a_reason(capsys):
    problem = open_problem("reference")
    got = found(capsys, "reference", "--correct", "best", "-O", "resampling=systematic")
    law = SMC(4, "systematic").exact_law(problem).law
    assert got["exact"] == pytest.approx(law[problem.reward > 2.5].sum(), abs=1e-12)
    assert got["omitted"]["limits"].startswith("needs:")
    assert "low" not in got


def test_the_table_says_in_words_what_it_leaves_out(capsys):
    out, _ = run(capsys, "accuracy", "reference", "--correct", "1", "-O", "resampling=systematic")
    assert "not said, and why" in out
    assert "limits of the accuracy" in out
    assert "needs: multinomial SMC at every level" in " ".join(out.split())


def test_where_nothing_is_known_runs_are_measured(capsys):
    arguments = ("lm-digits2", "--correct", "1", "-O", "resampling=systematic", "-n", "64")
    _, err = run(capsys, "accuracy", *arguments, code=2)
    assert err.startswith("particlebounds: accuracy: needs: multinomial SMC")
    assert "--runs measures it" in err
    got = found(capsys, *arguments, "--runs", "100")
    assert got["measured"] <= got["measured_high"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["reference", "--correct", "9"], "correct: 9 is no terminal state"),
        (["reference"], "Missing option '--correct'"),
        (["reference", "--correct", "1", "--select", "most"], "Invalid value for '--select'"),
        (["reference", "--correct", "1", "--sampler", "sis", "--select", "best"],
         "SIS: has no option to choose the best"),
        (["reference", "--correct", "1", "--sampler", "vgb", "--select", "vote"],
         "Backtracking: the law of its last cloud is not known"),
        (["reference", "--correct", "1", "--confidence", "1"], "confidence: 1"),
        (["reference", "--correct", "1", "--draws", "1"], "Invalid value for '--draws'"),
        (["reference", "--correct", "1", "--runs", "0"], "Invalid value for '--runs'"),
    ],
)  # fmt: skip
def test_bad_input_ends_with_one_line(capsys, arguments, message):
    _, err = run(capsys, "accuracy", *arguments, code=2)
    assert err.startswith(f"particlebounds: {message}")
    assert err.count("\n") == 1


def test_an_event_that_nothing_reaches_is_never_answered(capsys, tmp_path):
    file = tmp_path / "half.json"
    file.write_text(json.dumps({
        "format": "particlebounds-problem/1", "name": "half",
        "stages": [{"probs": [[1.0, 0.0]], "next_state": [[0, 1]]}],
        "reward": [1.0, 1.0], "prm": [[1.0], [1.0, 1.0]],
    }))  # fmt: skip
    for select in SELECT:
        got = found(capsys, str(file), "--correct", "1", "--select", select)
        assert got["exact"] == got["low"] == 0
        assert np.isclose(got["high"], 0)
