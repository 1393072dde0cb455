"""The `falsify` command: exit codes, the file it writes, and what it refuses."""

import json
from contextlib import contextmanager

import pytest

import scripts.cli.app
import scripts.cli.falsify
from simulator.problem.files import load_problem
from tests.support.command_line import run

OWN = '''
from theory import bound
from theory.assumptions import DRAWN


@bound(id="bold", title="a bold guess", reference="none", formula="0", assumptions=(DRAWN,))
def bold(problem, sampler):
    """Guess boldly."""
    return 0.0


@bound(id="timid", title="a timid guess", reference="none", formula="1", assumptions=(DRAWN,))
def timid(problem, sampler):
    """Guess timidly."""
    return 1.0
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_a_theorem_is_not_refuted_and_its_nearest_instance_is_told(capsys, folder):
    out, err = run(capsys, "falsify", "J", "--evaluations", "60", "--out", "worst.json", "--json")
    found = json.loads(out)
    assert (found["statement"], found["verdict"]) == ("J", "not refuted")
    assert 0 < found["ratio"] <= 1 + 1e-9
    assert found["computed again"] is None
    assert found["evaluations"] <= 60
    assert load_problem(folder / "worst.json").name == found["name"]
    note = json.loads((folder / "worst.json").read_text())["note"]
    assert note == found["note"]
    assert note.startswith("D_TV <= J: not broken by SMC(")
    assert f"ratio {found['ratio']:.9g}" in note
    states = load_problem(folder / "worst.json").model.n_states.sum()
    assert len(found.get("instance", [])) in (0, states)
    assert "particlebounds: round 1, N = 2: largest ratio" in err


def test_a_false_statement_of_ones_own_ends_with_code_1_and_its_instance_breaks_it(capsys, folder):
    args = ("falsify", "own.py:bold", "--horizon", "1", "--evaluations", "40", "-n", "2",
            "--out", "bold.json")  # fmt: skip
    out, _ = run(capsys, *args, "--sampler", "smc", code=1)
    assert "violated" in out
    assert "probability to state" in out
    run(capsys, "check", "bold.json", "-n", "2", "--statement", "own.py:bold", code=1)


@pytest.mark.slow
def test_assumptions_can_be_dropped(capsys, folder):
    args = ("falsify", "S1", "--sampler", "smc", "-O", "resampling=single", "-n", "4",
            "--evaluations", "500", "--seed", "0", "--json")  # fmt: skip
    out, _ = run(capsys, *args)  # of one level only
    assert json.loads(out)["verdict"] == "not refuted"
    out, _ = run(capsys, *args, "--anyway", code=1)
    assert json.loads(out)["computed again"] == "confirmed in rational arithmetic"


@pytest.mark.slow
def test_conjectures_and_statements_about_families_and_single_particles(capsys, folder):
    args = ("variance-step", "--sampler", "smc", "-O", "resampling=systematic", "-n", "4")
    run(capsys, "falsify", *args, "--evaluations", "200", code=1)
    out, _ = run(capsys, "falsify", "C.8", "--evaluations", "10", "--json")
    assert json.loads(out)["name"].startswith("product:horizon=")
    out, _ = run(capsys, "falsify", "D.3", "--sampler", "alrs", "--evaluations", "10", "--json")
    assert json.loads(out)["sampler"] == "ActionLevelRejection(1)"


def test_an_interrupt_writes_the_best_so_far(capsys, folder, monkeypatch):
    @contextmanager
    def impatient():
        def watch(stage, best, share):
            if best > 0:
                raise KeyboardInterrupt

        yield watch

    def ended():
        raise SystemExit(130)

    monkeypatch.setattr(scripts.cli.falsify, "watched", impatient)
    monkeypatch.setattr(scripts.cli.app, "interrupted", ended)
    out, _ = run(capsys, "falsify", "S1", "--out", "worst.json", "--json", code=130)
    assert json.loads(out)["interrupted"]
    assert load_problem(folder / "worst.json").name == json.loads(out)["name"]


BAD = [
    (["G"], "'G' is not known"),
    (["missing.py:NAME"], "missing.py: there is no such file"),
    (["own.py"], "name one"),
    (["own.py:none"], "holds no statement 'none'"),
    (["one-more", "--anyway"], "conjectures have no assumptions"),
    (["J", "--out", "worst.txt"], "worst.txt"),
    (["J", "--out", "no/such/worst.json"], "worst.json"),
    (["J", "-O", "resampling=ssp"], "--option goes with --sampler"),
    (["J", "--sampler", "smcc"], "smcc"),
    (["J", "--sampler", "smc", "-n", "0"], "n_particles"),
    (["J", "--horizon", "0"], "--horizon"),
    (["J", "--actions", "1"], "--actions"),
    (["J", "--seconds", "0"], "--seconds"),
    (["J", "--seconds", "nan"], "seconds"),
    (["J", "--evaluations", "0"], "--evaluations"),
    (["3.8", "--sampler", "smc", "--evaluations", "50"], "3.8 speaks of none"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "told"), BAD)
def test_bad_input_is_one_line(arguments, told, capsys, folder):
    out, err = run(capsys, "falsify", *arguments, code=2)
    assert out == ""
    assert err.count("\n") == 1
    assert told in err
