"""`--normalise` at every command that takes a problem file, and in what is made again from it."""

import json

import pytest

from simulator.problem.files import FORMAT
from tests.support.command_line import run

LINE = "particlebounds: rows normalised: largest change 0.0004\n"


@pytest.fixture
def few_digits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stages = [{"probs": [[0.3333, 0.6665]]}, {"probs": [[0.5, 0.5], [0.4998, 0.4998]]}]
    content = {"format": FORMAT, "stages": stages, "reward": [1, 2, 3, 4], "prm": "exact"}
    (tmp_path / "few.json").write_text(json.dumps(content))


COMMANDS = {
    "inspect": ["inspect", "few.json"],
    "exact": ["exact", "few.json", "-n", "2"],
    "check": ["check", "few.json", "-n", "2", "--statement", "J"],
    "plan": ["plan", "few.json", "-e", "0.1"],
    "law": ["law", "few.json"],
    "audit": ["audit", "few.json"],
    "sample": ["sample", "few.json", "--out", "draws.parquet", "--runs", "10"],
    "sweep": ["sweep", "few.json", "eos", "--out", "s", "--runs", "50", "--jobs", "1", "-n", "2"],
}


@pytest.mark.slow
@pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.usefixtures("few_digits")
def test_the_command_takes_it_and_says_what_it_changed(capsys, arguments):
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert err == (
        "particlebounds: few.json: stage 0, row 0: probabilities sum to 0.9998, not 1; "
        "normalise=True (--normalise) divides rows by their sums\n"
    )
    _, err = run(capsys, *arguments, "--normalise")
    assert LINE in err


@pytest.mark.usefixtures("few_digits")
def test_what_was_made_with_it_is_made_again(capsys, tmp_path):
    run(capsys, *COMMANDS["sample"], "--normalise")
    run(capsys, *COMMANDS["sweep"], "--normalise")
    tables = [tmp_path / "draws.parquet", *sorted((tmp_path / "s").rglob("*.parquet"))]
    assert len(tables) > 3
    for table in tables:
        out, _ = run(capsys, "replay", table)
        assert "equal" in out


@pytest.mark.usefixtures("few_digits")
def test_json_on_stdout_stays_json(capsys):
    out, _ = run(capsys, "inspect", "few.json", "--normalise", "--json")
    assert json.loads(out)
