"""`lm sample` with a served model: tables on a free port."""

import json
import signal
import time

import numpy as np
import pandas as pd
import pytest

from scripts.cli.app import main
from simulator.language_models.completions import CompletionsLM
from simulator.problem.model import TabularModel
from simulator.text.tabular import TabularLM
from tests.support.served import LATE, TableServer, serving
from tests.support.subprocesses import start

JUDGE = """
from simulator import TextPRM

def value(texts):
    "V^ of texts."
    return [1.0 + t.count("a") for t in texts]

def broken(texts):
    return 1 / 0

prm = TextPRM(value)
"""


@pytest.fixture(scope="module")
def tables():
    rng = np.random.default_rng(3)
    model = TabularModel.tree([rng.dirichlet([2.0, 2.0, 0.7], 3**h) for h in range(4)])
    return TabularLM(model, ["a", "\n", "<end>"], eos=2)


@pytest.fixture
def judge(tmp_path):
    path = tmp_path / "judge.py"
    path.write_text(JUDGE, encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setitem(CompletionsLM.__init__.__kwdefaults__, "wait", 0.001)


def run(capsys, server, judge, *arguments, code=0, prm="value"):
    given = ("lm", "sample", "--model", server.url, "--name", "tables", "--prompt", "Go: ",
             "--prm", f"{judge}:{prm}", "--step-tokens", 2, "--horizon", 2, "-n", 16)  # fmt: skip
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in (*given, *arguments)])
    out, err = capsys.readouterr()
    assert stop.value.code == code, err
    assert err.count("\n") == (code != 0)
    return [json.loads(line) for line in out.splitlines()], err


@pytest.mark.slow
def test_texts_are_printed_and_repeat(tables, judge, capsys):
    with serving(TableServer(tables, "Go: ")) as server:
        rows, _ = run(capsys, server, judge, "--runs", 5)
        again, _ = run(capsys, server, judge, "--runs", 5, prm="prm")
        assert rows == again
        assert len(rows) == 5
        assert all(np.isfinite(row["log_w"]) for row in rows)
        steps, _ = run(capsys, server, judge, "--runs", 4, "--delimiter", "\\n", "--all")
        assert {row["run"] for row in steps} == {0, 1, 2, 3}
        assert all("".join(row["pieces"]) == row["text"] for row in steps)
        assert all(p.count("\n") == p.endswith("\n") for row in steps for p in row["pieces"])
        other, _ = run(capsys, server, judge, "--runs", 5, "--unseeded", "--concurrency", 2)
        assert len(other) == 5
        beam, _ = run(capsys, server, judge, "--sampler", "beam", "-O", "draws=4")
        assert beam[0]["log_w"] is None


@pytest.mark.slow
def test_a_server_that_dies_leaves_the_runs_that_were_done(tables, judge, capsys, tmp_path):
    with serving(TableServer(tables, "Go: ")) as server:
        whole, _ = run(capsys, server, judge, "--runs", 6)
        asked = len(server.asked)
    for out in (None, tmp_path / "texts.jsonl", tmp_path / "texts.parquet"):
        with serving(TableServer(tables, "Go: "), dies_after=asked - 3) as server:
            more = ("--out", out) if out else ()
            rows, err = run(capsys, server, judge, "--runs", 6, *more, code=2)
        assert "no answer after 6 tries" in err
        assert f"{server.server_port}/v1/completions" in err
        assert err.endswith("; 5 of 6 runs are done and kept\n")
        if out is not None and out.suffix == ".jsonl":
            rows = [json.loads(line) for line in out.read_text().splitlines()]
        elif out is not None:
            rows = pd.read_parquet(out).to_dict("records")
        assert rows == whole[:5]
    with serving(TableServer(tables, "Go: "), dies_after=3) as server:
        none = tmp_path / "none.jsonl"
        _, err = run(capsys, server, judge, "--runs", 6, "--out", none, code=2)
        assert "kept" not in err
        assert not none.exists()


@pytest.mark.slow
def test_interrupting_does_not_wait_for_the_server(tables, judge):
    with serving(TableServer(tables, "Go: "), ["late"] * 50) as server:
        command = start("lm", "sample", "--model", server.url, "--name", "m", "--prompt", "Go: ",
                        "--prm", f"{judge}:value")  # fmt: skip
        try:
            while not server.asked:
                assert command.poll() is None
                time.sleep(0.01)
            command.send_signal(signal.SIGINT)
            begin = time.perf_counter()
            said = command.communicate(timeout=60)[1]
        finally:
            command.kill()
    assert time.perf_counter() - begin < LATE / 2
    assert command.returncode == 130
    assert said == "particlebounds: interrupted; finished parts are kept\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "b"), "one of the three"), (("--chat",), "only draws texts"),
        (("--force-end",), "only draws texts"), (("-O", "proposal=optimal"), "only draws texts"),
        (("--sampler", "vgb"), "only draws texts"), (("--sampler", "beam"), "only draws texts"),
        (("--sampler", "smc-rs"), "a number is needed"), (("--concurrency", 0), "concurrency"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(tables, judge, capsys, arguments, said):
    with serving(TableServer(tables, "Go: ")) as server:
        _, err = run(capsys, server, judge, *arguments, code=2)
        assert said in err


def test_bad_prms_are_told(tables, judge, capsys):
    with serving(TableServer(tables, "Go: ")) as server:
        for prm, said in (
            ("broken", "ZeroDivisionError: division by zero"), ("none", "holds no function 'none'"),
            ("", "is not FILE.py:FUNCTION"),
        ):  # fmt: skip
            assert said in run(capsys, server, judge, code=2, prm=prm)[1]


def main_fails(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    err = capsys.readouterr().err
    assert stop.value.code == 2
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    "arguments",
    [
        ("bench",), ("figure2a", "--out"), ("study", "--out"), ("answers", "--out"),
        ("table", "--prompt", "a", "--target", "b", "-w", "c", "--out"),
    ],
    ids=lambda a: a[0],
)  # fmt: skip
def test_other_commands_want_a_model_at_hand(arguments, capsys, tmp_path):
    out = (tmp_path / "x.json",) if arguments[-1] == "--out" else ()
    err = main_fails(capsys, "lm", *arguments, *out, "--model", "http://127.0.0.1:9/v1")
    assert "a served model only draws texts" in err


def test_names_and_addresses_go_together(judge, capsys):
    sample = ("lm", "sample", "--prompt", "a")
    prm = ("--prm", f"{judge}:value")
    address = ("--model", "http://127.0.0.1:9/v1")
    assert "--name says which" in main_fails(capsys, *sample, *prm, *address)
    assert "go with --model http" in main_fails(capsys, *sample, *prm, "--name", "m")
    wrong = (*address, "--name", "m", "--target", "b")
    assert "it goes with --prm" in main_fails(capsys, *sample, *wrong)
