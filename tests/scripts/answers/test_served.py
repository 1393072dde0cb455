"""`lm answers FILE` with a served model: tables on a free port, and the same tables at hand."""

import json

import pytest

from scripts.answers import setting
from scripts.cli import lm_study, served
from simulator.language_models.completions import CompletionsLM
from simulator.problem.model import TabularModel
from simulator.text.tabular import TabularLM
from tests.support.command_line import run
from tests.support.served import TableServer, serving

WORDS = ["4 ", "5 ", "no "]
SUM = TabularModel.tree([[[0.3, 0.5, 0.2]], [[0.2, 0.2, 0.6]] * 3])
OTHER = TabularModel.tree([[[0.1, 0.8, 0.1]], [[0.5, 0.25, 0.25]] * 3])
TABLES = TabularLM({"two and two: ": SUM, "one more: ": OTHER}, WORDS)
LINES = [{"prompt": "two and two: ", "answer": 4}, {"prompt": "one more: ", "answer": 5}]
FILE = "def value(texts):\n    return [3.0 if t.startswith('4') else 1.0 for t in texts]\n"
NAMES = ("smc", "smc:resampling=systematic", "sis", "best-of-n", "beam:draws=3", "lookahead")


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(CompletionsLM.__init__.__kwdefaults__, "wait", 0.001)
    setting.reference_texts.cache_clear()
    served.served_model.cache_clear()
    (tmp_path / "own.py").write_text(FILE)
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, LINES)))


def server(**faults):
    answers = {prompt: TableServer(TABLES, prompt) for prompt in ("two and two: ", "one more: ")}

    def answer(body):
        prompt = body["prompt"] if isinstance(body["prompt"], str) else body["prompt"][0]
        return next(a for p, a in answers.items() if prompt.startswith(p))(body)

    return serving(answer, **faults)


def ask(capsys, *options, model=None, code=0):
    where = ("--model", "tables")
    if model is not None:
        where = ("--model", model.url, "--name", "tables", "--step-tokens", 1)
    out, err = run(capsys, "lm", "answers", "q.jsonl", *where, "--horizon", 2, *options, code=code)
    told = [line for line in err.splitlines() if not line.endswith(" parts")]  # but the stage
    assert len(told) == (code != 0)
    return (json.loads(out) if "--json" in options and code == 0 else out), err


@pytest.fixture
def at_hand(monkeypatch):
    monkeypatch.setattr(setting, "loaded", lambda name, device: TABLES)
    monkeypatch.setattr(lm_study, "missing", lambda model: None)


@pytest.mark.slow
@pytest.mark.usefixtures("at_hand")
@pytest.mark.parametrize("prm", [("--prm", "own.py:value"), ("--prm", "majority", "--votes", 5)])
def test_a_served_model_gives_what_its_tables_give(capsys, prm):
    samplers = [x for name in NAMES for x in ("--sampler", name)]
    options = (*samplers, "-O", "rollouts=2", *prm, "-n", 3, "-r", 6, "--json")
    with server() as tables:
        got = ask(capsys, *options, model=tables)[0]["questions"]
        asked = len(tables.asked)
        assert (
            ask(capsys, *options, "--concurrency", 3, "--timeout", 60, model=tables)[0]["questions"]
            == got
        )
        assert len(tables.asked) == asked  # how fast it is asked makes no other question
        address = tables.url
    wanted = ask(capsys, *options)[0]["questions"]
    assert len(got) == len(LINES) * len(NAMES)
    for a, b in zip(got, wanted, strict=True):
        assert (a.pop("model"), b.pop("model")) == (address, "tables")
        assert a == b
    assert len({row["output"] for row in got}) > 1  # they differ, so that equality says something
    assert all((row["vote_calls"] > 0) == ("majority" in prm) for row in got)


@pytest.mark.slow
def test_a_server_that_dies_leaves_what_was_done(capsys):
    options = ("--sampler", "smc", "--sampler", "sis", "-n", 2, "-r", 8, "--json")
    with server() as whole:
        want = ask(capsys, *options, "--out", "whole", model=whole)[0]
        needed = len(whole.asked)
    with server(dies_after=needed * 5 // 8) as tables:
        out, err = ask(capsys, *options, model=tables, code=2)
        assert out == ""
        assert "no answer after 6 tries" in err
        assert err.endswith("; 2 of 4 parts are done and kept\n")
        tables.dies_after = None  # it is back at the same address
        before = len(tables.asked)
        found = ask(capsys, *options, model=tables)[0]
        assert len(tables.asked) - before < needed * 0.6  # two of four, and what it knows
    for row in found["questions"] + want["questions"]:
        del row["model"]
    assert found["questions"] == want["questions"]


def test_texts_without_seeds_share_requests(capsys):
    with server() as tables:
        options = ("--unseeded", "-n", 2, "-r", 40, "--json")
        rows = ask(capsys, *options, model=tables)[0]["questions"]
        assert max(len(b["prompt"]) for b in tables.asked if isinstance(b["prompt"], list)) > 2
    assert all("seed" not in body for body in tables.asked)
    assert all(0 < row["output"] < 1 for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--chat",), "goes on with plain prompts"), (("--stop", "."), "where a text ends"),
        (("--jobs", 2), "--concurrency requests at once"), (("--timeout", 0), "timeout"),
        (("-O", "proposal=optimal"), "only draws texts"), (("--sampler", "vgb"), "only draws"),
        (("--sampler", "beam"), "only draws texts"), (("--sampler", "smc-rs"), "a number is need"),
    ],
)  # fmt: skip
def test_what_cannot_be_served_is_refused(capsys, arguments, said):
    with server() as tables:
        assert said in ask(capsys, *arguments, "-r", 4, model=tables, code=2)[1]


def test_names_and_addresses_go_together(capsys):
    address = ("--model", "http://127.0.0.1:9/v1")
    for options, said in (
        (address, "--name says which"), (("--name", "m"), "go with --model http"),
        (("--unseeded",), "go with --model http"),
        ((*address, "--name", "m"), "nobody answers there"),
    ):  # fmt: skip
        err = run(capsys, "lm", "answers", "q.jsonl", *options, code=2)[1]
        assert said in err
        assert err.count("\n") == 1
    err = run(capsys, "lm", "answers", "--timeout", 3, code=2)[1]
    assert "--timeout: only with a file of questions" in err


def test_new_lines_end_steps(capsys):
    with server() as tables:
        ask(capsys, "--delimiter", "\\n", "-r", 4, model=tables)
        assert {tuple(b["stop"]) for b in tables.asked if len(b.get("stop", ())) == 1} >= {("\n",)}
