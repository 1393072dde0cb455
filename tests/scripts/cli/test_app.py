"""The command line as a user meets it."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from numba import njit
from numba.core import event

from scripts.cli.show import emit
from scripts.experiments.experiment import Experiment
from scripts.progress import announce_compilation
from simulator.runs.store import read_table
from tests.support.command_line import run

DATA = Path(__file__).parents[2] / "data"
REFERENCE = {
    # tab:reference of paper/sections/experiments.tex
    # (H, N) -> log Z, SMC tv, relative variance, bound J
    (3, 2): (0.587786664902, 0.167576191303, 0.260515676192, 0.225130864498),
    (3, 3): (0.587786664902, 0.133395806144, 0.212465283739, 0.194770397648),
    (4, 2): (0.490622916448, 0.162223977367, 0.406448357492, 0.271938005972),
    (4, 4): (0.490622916448, 0.110959947614, 0.271274912392, 0.211463341760),
}


@pytest.mark.parametrize(("horizon", "n"), REFERENCE)
def test_exact_and_check_give_the_reference_table(capsys, horizon, n):
    log_z, tv, variance, j = REFERENCE[horizon, n]
    path = DATA / f"reference_h{horizon}.json"
    out, _ = run(capsys, "exact", path, "--sampler", "smc", "--particles", n, "--json")
    law = json.loads(out)
    assert law["log_z"] == pytest.approx(log_z, abs=1e-10)
    assert law["tv"] == pytest.approx(tv, abs=1e-10)
    assert law["relative_variance"] == pytest.approx(variance, abs=1e-10)
    assert law["mean_w_over_z"] == pytest.approx(1, abs=1e-12)
    assert sum(law["law"]) + law["failure"] == pytest.approx(1, abs=1e-12)
    out, _ = run(capsys, "check", path, "--sampler", "smc", "--particles", n, "--json")
    report = json.loads(out)
    assert report["error"]["exact"] == pytest.approx(tv, abs=1e-10)
    bounds = {b["id"]: b for b in report["bounds"]}
    assert bounds["J"]["value"] == pytest.approx(j, abs=1e-10)
    assert {b["verdict"] for b in report["bounds"]} == {"holds"}
    assert set(bounds) >= {
        "1.1", "3.2", "C.4", "S1", "3.5", "C.6", "S2", "J", "L", "F-star", "T", "Z"
    }  # fmt: skip
    for b in bounds.values():
        assert b["vacuous"] == (b["value"] == "inf" or b["value"] >= 1)


def test_check_brackets_the_error_as_where_z_is_unknown(capsys):
    asked = ("check", "reference:horizon=3", "--particles", 2, "--statement", "J", "--json")
    out, _ = run(capsys, *asked, "--unknown-z", "--runs", 1000)
    error = json.loads(out)["error"]
    assert error["low"] < REFERENCE[3, 2][1] < error["high"] < 0.3
    assert error["log_z_low"] < REFERENCE[3, 2][0] < error["log_z_high"]
    assert error["from"] == "exact draws"
    for wrong, told in (
        ((*asked, "--unknown-z"), "--unknown-z goes with a PROBLEM and --runs"),
        (("check", "--all", "--unknown-z", "--runs", 9), "--unknown-z goes with a PROBLEM"),
        ((*asked, "--sampler", "sis", "--unknown-z", "--runs", 9), "the sampler must be SMC"),
        ((*asked, "-O", "resampling=systematic", "--unknown-z", "--runs", 9), "is not SMC with"),
    ):
        _, err = run(capsys, *wrong, code=2)
        assert told in err
        assert err.count("\n") == 1


@pytest.mark.slow
def test_exact_on_states_reaches_where_paths_are_too_many(capsys):
    small = [
        json.loads(run(capsys, "exact", "eos:horizon=4", "-n", 2, "--on", on, "--json")[0])
        for on in ("paths", "states")
    ]
    assert 0 < small[1]["tv"] < small[0]["tv"]
    assert len(small[1]["law"]) < len(small[0]["law"])
    long = "random-automaton:n_states=2"
    found = json.loads(run(capsys, "exact", long, "-n", 16, "--on", "states", "--json")[0])
    assert sum(found["law"]) == pytest.approx(1, abs=1e-12)
    assert "precision" not in found
    more = f"{long},horizon=200"
    found = json.loads(run(capsys, "exact", more, "-n", 200, "--on", "states", "--json")[0])
    assert 0 < found["precision"] <= 1e-9
    _, err = run(capsys, "exact", more, "-n", 200, code=2)
    assert err.rstrip().endswith("that of terminal states reaches further (--on states)")
    _, err = run(capsys, "exact", "random-tree:horizon=9", "-n", 40, code=2)
    assert "--on states" not in err
    _, err = run(capsys, "check", long, "-n", 16, code=2)
    assert err.rstrip().endswith("its lower limit on terminal states (exact --on states)")
    _, err = run(capsys, "check", "random-tree:horizon=9", "-n", 40, code=2)
    assert err.rstrip().endswith("give a number of runs to measure the error (--runs)")


def test_check_says_how_far_exact_quantities_reach_where_it_needed_runs(capsys):
    asked = ("check", "random-automaton:n_states=2", "-n", 8, "--statement", "S2")
    out, _ = run(capsys, *asked, "--runs", 4, "--json")
    rows = json.loads(out)["reach"]
    assert all(set(row) == {"exact", "reaches", "command"} for row in rows)
    commands = [row["command"] for row in rows]
    assert "exact PROBLEM --on states" in commands
    for command in commands:  # each is one that there is, and runs
        words = [x.replace("PROBLEM", "random-automaton:horizon=2") for x in command.split()]
        json.loads(run(capsys, *words, "--json")[0])
    out, _ = run(capsys, "check", "reference:horizon=2", "--statement", "S2", "--json")
    assert "reach" not in json.loads(out)


def test_inspect_has_the_promised_keys(capsys):
    out, _ = run(capsys, "inspect", "reference:horizon=4", "--json")
    found = json.loads(out)
    promised = (
        "log_z action_coverage prm_coverage prm_accuracy chi2 proposal_chi2 bellman_ratio_min "
        "bellman_ratio_max sequence_chi2"
    )
    assert set(promised.split()) <= set(found)
    assert len(found["chi2"]) == len(found["proposal_chi2"]) == 4


def test_samplers_that_reject_are_known_by_name(capsys):
    for name in ("smc-rs", "alrs", "dmc", "smc-restart"):
        out, _ = run(capsys, "exact", "reference:horizon=3", "--sampler", name, "--json")
        law = json.loads(out)
        assert ("acceptance" in law) == (name in ("dmc", "smc-restart"))
        out, _ = run(capsys, "check", "reference:horizon=3", "--sampler", name, "--json")
        report = json.loads(out)
        assert report["error"]["exact"] == pytest.approx(law["tv"], abs=1e-12)
        assert bool(report["bounds"]) == ("acceptance" not in law)


def test_restarts_are_a_column_of_the_draws(capsys, tmp_path):
    path = tmp_path / "d.parquet"
    run(capsys, "sample", "reference:horizon=3", "--sampler", "dmc", "-r", 50, "--out", path)
    frame, made_by = read_table(path)
    assert (frame["model_calls"] == 12 * (1 + frame["restarts"])).all()
    assert frame["log_w"].isna().all()
    assert made_by["parameters"]["particles"] == 4


@pytest.mark.slow
def test_check_beyond_enumeration_gives_an_interval(capsys):
    out, _ = run(
        capsys, "check", "lm-digits2", "-n", 8, "--runs", 20000, "--seed", 1, "--json"
    )  # fmt: skip
    error = json.loads(out)["error"]
    assert error["confidence"] == 0.99
    # the error of this problem at N=8 is .265 less a bias of at most .015; false failure < 1e-9
    # as the interval is five times wider than its half-widths at confidence .99
    assert 0.15 < error["low"] < 0.265
    assert 0.25 < error["high"] < 0.40


@pytest.mark.parametrize("command", ["inspect", "exact", "check"])
def test_tables_for_people_are_plain_text(capsys, command):
    out, _ = run(capsys, command, "reference:horizon=3")
    assert "nan" not in out.lower()
    assert len(out.splitlines()) >= 6


def test_a_table_cuts_no_name_and_shows_no_dictionary(capsys):
    name = "random-tree:horizon=5,seed=3," * 9
    rows, limits = [{"problem": name}], {"J": 1 / 3, "T": 0.5}
    emit({"rows": rows, "error": {"high_from": limits}}, as_json=False)
    out = capsys.readouterr().out
    assert name in out.replace("\n", "").replace(" ", "")
    assert "J 0.333333, T 0.5" in out


def test_list_shows_texts_in_brackets(capsys):
    out, _ = run(capsys, "list")
    assert "[arXiv 2603.07887v1, 1.1]" in " ".join(out.split())


def test_list_names_everything(capsys):
    out, _ = run(capsys, "list", "--json")
    found = json.loads(out)
    assert "smc" in found["samplers"]
    assert {"multinomial", "systematic", "stratified", "residual"} <= set(found["resampling"])
    assert {"reference", "product", "two-branch", "lm-digits2"} <= set(found["problems"])
    assert "S1" in found["bounds"]


def test_sample_writes_draws_that_reproduce(capsys, tmp_path):
    for name in ("a", "b"):
        run(
            capsys, "sample", "reference:horizon=4", "-n", 3, "--runs", 500, "--seed", 9,
            "--out", tmp_path / f"{name}.parquet", "-O", "resampling=systematic",
        )  # fmt: skip
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    frame, made_by = read_table(tmp_path / "a.parquet")
    assert len(frame) == 500
    assert made_by["parameters"]["seed"] == 9
    assert (frame["prm_evaluations"] == 12).all()
    # the state of a tree is its tokens read as binary digits
    state = frame["tokens"].apply(lambda t: int("".join(map(str, t)), 2))
    assert (state == frame["state"]).all()
    assert not frame["log_w"].isna().any()


def test_audit_tells_what_each_rule_converges_to(capsys):
    out, _ = run(capsys, "audit", "reference", "-n", 2, "--json")
    rows = {row["rule"]: row for row in json.loads(out)["rules"]}
    assert rows["ratio"]["limit_tv"] < 1e-12
    assert rows["ratio"]["tv"] == pytest.approx(0.167576191303, abs=1e-10)
    assert rows["absolute"]["limit_tv"] > 0.2
    out, _ = run(capsys, "audit", "lm-digits2", "-n", 64)
    assert "–" in out


def test_infinite_bounds_are_strict_json(capsys):
    out, _ = run(capsys, "check", "variance:horizon=4", "-n", 2, "--json")
    json.loads(out, parse_constant=lambda name: pytest.fail(name))


BAD = [
    (["inspect", "no-such-problem"], "no-such-problem"),
    (["inspect", "missing.json"], "missing.json"),
    (["inspect", "reference:horizon=zero"], "horizon"),
    (["inspect", "reference:depth=3"], "depth"),
    (["inspect"], "PROBLEM"),
    (["inspect", "reference", "--jsn"], "--jsn"),
    (["frobnicate"], "frobnicate"),
    (["exact", "reference", "--sampler", "smcc"], "smcc"),
    (["exact", "reference", "--particles", "0"], "0"),
    (["exact", "reference", "--particles", "-3"], "-3"),
    (["exact", "reference", "--particles", "two"], "--particles 'two'"),
    (["exact", "reference", "-O", "resampling=magic"], "magic"),
    (["exact", "reference", "-O", "resampling"], "resampling"),
    (["exact", "reference", "-O", "colour=red"], "colour"),
    (["exact", "reference", "-O", "ess_threshold=2"], "ess_threshold"),
    (["exact", "reference", "-O", "ess_threshold=nan"], "ess_threshold"),
    (["exact", "reference", "-O", "select=worst"], "worst"),
    (["exact", "reference", "--sampler", "smc-rs", "-O", "eta=1"], "C^_act"),
    (["exact", "reference", "--sampler", "smc-rs", "-O", "eta=much"], "eta much"),
    (["exact", "reference", "--sampler", "alrs", "-n", "2"], "one particle"),
    (["exact", "reference:horizon=12", "--particles", "40"], "exact"),
    (["check", "lm-digits2", "--runs", "1"], "--runs '1'"),
    (["check", "reference", "--runs", "-5"], "--runs '-5'"),
    (["check", "reference", "--seed", "-1"], "--seed '-1'"),
    (["sample", "reference"], "--out"),
    (["sample", "reference", "--out", "x.csv"], "x.csv"),
    (["sample", "reference", "--out", "/proc/nope/x.parquet"], "/proc/nope"),
    (["sample", "reference", "--runs", "0", "--out", "x.parquet"], "--runs '0'"),
    (["reproduce", "nonsense"], "nonsense"),
    (["reproduce", "--profile", "slow"], "slow"),
    (["reproduce", "--jobs", "0"], "--jobs '0'"),
    (["reproduce", "product", "--out", "/proc/nope"], "/proc/nope"),
]

TAIL = ("COMMAND", "[ARGS]...")


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "named"), BAD, ids=lambda x: " ".join(x)[:40])
def test_bad_input_is_one_line_and_code_two(capsys, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert len(err.strip().splitlines()) == 1, err
    assert all(word in err for word in named.split()), err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("group", [(), ("lm",), ("import",)])
def test_a_group_of_commands_alone_shows_its_help(capsys, group):
    out, err = run(capsys, *group)
    assert out.splitlines()[0] == " ".join(("Usage: particlebounds", *group, "[OPTIONS]", *TAIL))
    assert "Commands:" in out
    assert err == ""


def test_violation_is_exit_code_one(capsys, monkeypatch):
    import theory.registry

    wrong = dict(theory.registry.BOUNDS)
    for bound in wrong.values():
        monkeypatch.setattr(type(bound), "value", lambda self, problem, sampler: 1e-6)
        break
    run(capsys, "check", "reference:horizon=3", "-n", 2, code=1)


@pytest.mark.slow
def test_check_all_survives_its_workers(capsys, monkeypatch):
    monkeypatch.setattr(
        "scripts.experiments.survey.SURVEY",
        Experiment("survey", os._exit, lambda profile: [{"status": 1}]),
    )
    _, err = run(capsys, "check", "--all", code=2)
    assert len(err.strip().splitlines()) == 1, err
    assert "a worker process was killed" in err


def test_installed_command_starts():
    done = subprocess.run(
        [Path(sys.executable).with_name("particlebounds"), "--help"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "reproduce" in done.stdout


def test_claims_are_printed_with_their_evidence(capsys):
    out, _ = run(capsys, "claims", "C.9", "ALRS", "--json")
    found = {c["id"]: c for c in json.loads(out)["claims"]}
    assert set(found) == {"C.9", "ALRS"}
    for c in found.values():
        assert c["verdict"] == "holds"
        assert c["comparisons"] == len(c["evidence"]) > 10
        assert {"instance", "left", "relation", "right", "holds"} <= set(c["evidence"][0])
    out, _ = run(capsys, "claims", "C.9")
    assert "holds" in out
    out, _ = run(capsys, "list", "--json")
    assert set(found) < set(json.loads(out)["claims"])
    _, err = run(capsys, "claims", "C.99", code=2)
    assert "C.99" in err


def test_a_violated_claim_is_exit_code_one(capsys, monkeypatch):
    monkeypatch.setattr("theory.claims.alrs_drift.growth", lambda horizon, eps: eps * horizon)
    out, _ = run(capsys, "claims", "ALRS", "--json", code=1)
    (found,) = json.loads(out)["claims"]
    assert found["verdict"] == "violated"
    assert not all(r["holds"] for r in found["evidence"])


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_hears_of_the_first_compilation_once(capsys, monkeypatch, terminal):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    monkeypatch.setattr(event, "_registered", defaultdict(list))
    announce_compilation()
    for _ in range(2):
        njit(lambda x: x + 1)(1)
    assert capsys.readouterr().err.count("compiling") == terminal


def test_exact_can_show_the_best_choice_too(capsys):
    arguments = ("exact", "reference:horizon=3", "-n", "3", "--json")
    plain = json.loads(run(capsys, *arguments)[0])
    shown = json.loads(run(capsys, *arguments, "--best-choice")[0])
    assert shown.pop("best_choice_error") == pytest.approx(0.0231, abs=5e-5)
    assert shown == plain
    _, err = run(capsys, "exact", "reference", "--sampler", "vgb", "--best-choice", code=2)
    assert "best choice" in err
    assert len(err.splitlines()) == 1


def test_the_rule_of_resampling_is_an_option(capsys):
    errors = []
    for when in ("ess", "max_weight"):
        option = ("-O", "ess_threshold=0.6", "-O", f"resample_when={when}")
        out, _ = run(capsys, "exact", "reference:horizon=3", "-n", "3", *option, "--json")
        errors.append(json.loads(out)["relative_variance"])
    assert abs(errors[0] - errors[1]) > 1e-4
    _, err = run(capsys, "exact", "reference", "-O", "resample_when=weights", code=2)
    assert "resample_when" in err


def test_quasi_smc_in_the_order_of_prefixes_is_cautioned_on_a_long_horizon(capsys, tmp_path):
    for horizon, order, told in (
        (65, "lexicographic", 1), (64, "lexicographic", 0), (65, "state", 0), (65, "auto", 0),
    ):  # fmt: skip
        _, err = run(
            capsys, "sample", f"product:horizon={horizon}", "--sampler", "quasi-smc", "-O",
            f"order={order}", "-r", 2, "-o", tmp_path / "draws.parquet",
        )  # fmt: skip
        assert len(err.splitlines()) == err.count("order=state does not") == told
