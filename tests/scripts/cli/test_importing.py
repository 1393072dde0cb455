"""`particlebounds import`: a file of another tool becomes a problem file, or one line."""

import json
import re

import numpy as np
import pytest

from simulator.problem.files import load_problem
from simulator.problem.importers import hidden_markov
from simulator.problem.importers.hidden_markov import HiddenMarkov
from simulator.problem.importers.prism import import_prism
from simulator.problem.ngrams.arpa import write_arpa
from simulator.problem.ngrams.constraint import Constraint
from simulator.problem.ngrams.counts import count_ngrams
from simulator.problem.prms import TemperedPRM
from tests.support.command_line import run

CHAIN = {
    "initial": [0.5, 0.5],
    "transition": [[0.75, 0.25], [0.5, 0.5]],
    "emission": [[0.5, 0.5], [0.25, 0.75]],
    "observations": [1, 0, 1],
}
MODEL = HiddenMarkov(CHAIN["initial"], CHAIN["transition"], CHAIN["emission"])


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chain.json").write_text(json.dumps(CHAIN))
    (tmp_path / "few.json").write_text(json.dumps(CHAIN | {"initial": [0.5, 0.4999]}))
    (tmp_path / "walk.tra").write_text("3 4\n0 1 0.5\n0 0 0.5\n1 2 0.25\n1 0 0.75\n")
    (tmp_path / "walk.lab").write_text('0="init" 1="end"\n0: 0\n2: 1\n')
    return tmp_path


def test_hidden_states(capsys):
    out, err = run(capsys, "import", "hmm", "chain.json", "--out", "problem.npz")
    problem = load_problem("problem.npz")
    want = MODEL.hidden([1, 0, 1])
    assert problem.digest == want.digest
    assert problem.name == "chain"
    z = f"log Z = {want.log_z:.12g}"
    assert out == f"problem.npz: H = 3, 2 tokens, at most 2 states a level, {z}\n"
    assert err == ""


def test_an_arpa_file(capsys):
    write_arpa(count_ngrams("abab aab", 2), "two.arpa", digits=4)
    command = ("import", "arpa", "two.arpa", "--pattern", "(ab ?)*", "--horizon", "5")
    out, err = run(capsys, *command, "--unit", "characters", "--out", "p.npz")
    problem = load_problem("p.npz")
    want = Constraint(count_ngrams("abab aab", 2), "(ab ?)*", 5).problem(TemperedPRM(0.0))
    assert problem.log_z == pytest.approx(want.log_z, abs=1e-3)
    assert problem.name == "two"
    assert out.startswith("p.npz: H = 5, 3 tokens, at most")
    assert re.search(r"rows normalised: largest change \d.\de-05", err)
    _, err = run(capsys, *command, "--out", "q.npz", code=2)
    assert "two.arpa: pattern: '(ab ?)*' has no match that 5 tokens spell" in err


def test_filters(capsys):
    command = ("import", "hmm", "chain.json", "--states", "filters", "--horizon", "5")
    out, _ = run(capsys, *command, "--out", "p.json")
    problem = load_problem("p.json")
    assert problem.horizon == 5
    assert np.exp(problem.log_z) == pytest.approx(1, abs=1e-14)
    assert "at most 32 states" in out
    run(capsys, "inspect", "p.json")


def test_a_prm_by_name(capsys):
    run(capsys, "import", "hmm", "chain.json", "--prm", "exact", "--out", "p.json")
    want = MODEL.hidden([1, 0, 1], prm="exact")
    assert load_problem("p.json").prm[1] == pytest.approx(want.prm[1], rel=1e-15)
    run(capsys, "import", "prism", "walk.tra", "--target", "end", "--horizon", "4",
        "--prm", "constant", "--out", "q.json")  # fmt: skip
    assert load_problem("q.json").prm[2].max() == 1


def test_a_chain(capsys):
    command = ("import", "prism", "walk.tra", "--target", "end", "--horizon", "4")
    out, err = run(capsys, *command, "--labels", "walk.lab", "--out", "walk.json")
    problem = load_problem("walk.json")
    want = import_prism("walk.tra", target="end", horizon=4).problem
    assert problem.log_z == pytest.approx(want.log_z, abs=1e-15)
    matrix = np.array([[0.5, 0.5, 0], [0.75, 0, 0.25], [0, 0, 1]])
    z = np.linalg.matrix_power(matrix, 4)[0, 2]
    sizes, _, shown = out.rpartition(" = ")
    assert sizes == "walk.json: H = 4, 2 tokens, at most 3 states a level, log Z"
    assert float(shown) == pytest.approx(np.log(z), rel=1e-11)
    assert len(out.splitlines()) == 1
    line = "walk.tra: loops added to states without transitions: 1"
    assert err == f"particlebounds: {line}\n"
    run(capsys, "check", "walk.json", "-n", "2", "--statement", "J")


def test_few_digits(capsys):
    _, err = run(capsys, "import", "hmm", "few.json", "--out", "p.json", code=2)
    assert "few.json: initial, row 0: probabilities sum to 0.9999" in err
    _, err = run(capsys, "import", "hmm", "few.json", "--normalise", "--out", "p.json")
    assert err == "particlebounds: rows normalised: largest change 0.0001\n"


@pytest.mark.slow
def test_values_too_small_to_write_are_refused(capsys, files):
    (files / "long.json").write_text(json.dumps(CHAIN | {"observations": [1] * 3000}))
    command = ("import", "hmm", "long.json", "--out", "p.npz")
    _, err = run(capsys, *command, "--prm", "exact", code=2)
    assert err == "particlebounds: p.npz: values beyond the range of floats cannot be written\n"
    out, _ = run(capsys, *command)  # V^ of the bootstrap filter is 1 everywhere
    assert load_problem("p.npz").log_z == MODEL.hidden([1] * 3000).log_z < -1000
    assert "H = 3000" in out


HMM = ("import", "hmm", "chain.json")
PRISM = ("import", "prism", "walk.tra", "--out", "p.json")
ARPA = ("import", "arpa", "chain.json", "--pattern", "a", "--horizon", "2")
BAD = [
    (["import", "hmm", "chain.json"], "--out"),
    (["import", "arpa", "chain.json"], "--pattern"),
    ([*ARPA, "--out", "p.json"], "chain.json: holds no"),
    (["import", "hmm", "--out", "p.json"], "FILE"),
    (["import", "hmm", "nowhere.json", "--out", "p.json"], "nowhere.json: no such file"),
    (["import", "hmm", "walk.tra", "--out", "p.json"], "walk.tra: JSON"),
    (["import", "hmm", ".", "--out", "p.json"], "Is a directory"),
    (["import", "hmm", "x" * 5000, "--out", "p.json"], "too long"),
    (["import", "prism", "x" * 5000, "--target", "a", "--horizon", "2", "--out", "p"], "too long"),
    ([*HMM, "--out", "p.txt"], "p.txt .json .npz"),
    ([*HMM, "--out", "nowhere/p.json"], "nowhere/p.json"),
    ([*HMM, "--out", "p.json", "--states", "both"], "--states 'both'"),
    ([*HMM, "--out", "p.json", "--horizon", "3"], "chain.json: horizon"),
    ([*HMM, "--out", "p.json", "--horizon", "0"], "--horizon '0'"),
    ([*HMM, "--out", "p.json", "--prm", "best"], "prm 'best'"),
    ([*HMM, "--out", "p.json", "--prm", "constant"], "chain.json: prm constant"),
    ([*HMM, "--out", "p.json", "--states", "filters", "--prm", "bootstrap"], "'bootstrap'"),
    ([*HMM, "--out", "p.json", "--states", "filters", "--horizon", "60"], "filters, too many"),
    ([*PRISM, "--horizon", "3"], "--target"),
    ([*PRISM, "--target", "end"], "--horizon"),
    ([*PRISM, "--target", "end", "--horizon", "0"], "--horizon '0'"),
    ([*PRISM, "--target", "end", "--horizon", "1"], "walk.tra: no target within 1 steps"),
    ([*PRISM, "--target", "fin", "--horizon", "3"], "walk.lab: no label 'fin' init, end"),
    ([*PRISM, "--target", "end", "--horizon", "9" * 23], "9" * 23),
    ([*PRISM, "--target", "end", "--horizon", "3", "--labels", "x.lab"], "x.lab: no such file"),
]  # fmt: skip


def label(arguments):
    return " ".join(arguments)[:90] if isinstance(arguments, list) else ""


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "named"), BAD, ids=label)
def test_bad_input_is_one_line_and_code_two(capsys, monkeypatch, files, arguments, named):
    monkeypatch.setattr(hidden_markov, "MOST_CELLS", 2**16)  # the real limit takes seconds
    before = sorted(p.name for p in files.iterdir())
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("particlebounds: ")
    assert all(word in err for word in named.split()), err
    assert sorted(p.name for p in files.iterdir()) == before
