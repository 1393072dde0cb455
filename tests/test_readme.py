"""What README shows runs and is true."""

import contextlib
import re
import shlex
from pathlib import Path

import pytest

from scripts.cli.app import main
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from theory.registry import BOUNDS
from theory.status import RELATIONS, compare
from theory.survey import summarise

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = re.findall(r"^particlebounds .*?(?=\s*#|$)", README, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_python_in_the_readme_runs(number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(BLOCKS[number], f"README block {number}", "exec"), {"__name__": "readme"})
    assert "nan" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One for all commands: some read what an earlier one, or README's Python, has written."""
    folder = tmp_path_factory.mktemp("readme")
    for block in BLOCKS:
        if named := re.match(r"# (\w+\.py)\n", block):
            (folder / named[1]).write_text(block)
        elif ".write_text(" in block:
            with contextlib.chdir(folder):
                exec(compile(block, "README block", "exec"), {"__name__": "readme"})
    return folder


def both_paths(found):
    """The rule for arrays says of every comparison what the rule for one said when it was made."""
    for name, part in found.groupby("bound"):
        error, bound = (part["low"], part["high"]), (part["bound_low"], part["value"])
        again = compare(*error, RELATIONS[BOUNDS[name].kind], *bound)
        assert (again == part["status"]).all(), name
    assert len(found) > 5000
    return summarise(found)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_commands_in_the_readme_run(command, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("theory.survey.summarise", both_paths)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    assert ended.value.code == 0, capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "printed"), re.findall(r"```python\n([^`]*)```\n\n```text\n([^`]*)```", README)
)
def test_the_readme_shows_what_its_python_prints(code, printed, capsys):
    exec(compile(code, "README", "exec"), {"__name__": "readme"})
    assert capsys.readouterr().out == printed


def test_lines_of_prose_fit_on_a_screen():
    blocks = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    prose = [line for line in blocks.splitlines() if not line.startswith(("|", "    ", "!["))]
    assert [line for line in prose if len(line) > 120] == []


def test_the_paper_s_numbers_of_the_readme_are_those_of_the_paper():
    plan = (ROOT / "paper" / "generated" / "numbers.tex").read_text()
    few, enough, j, old = (
        re.search(rf"num{name}}}{{([^}}]*)}}", plan)[1].replace("\\,", ",")
        for name in ("PlanTooFew", "PlanEnough", "PlanJ", "PlanOneOne")
    )
    text = " ".join(README.split())
    assert f"between {few} and {enough} particles" in text
    assert f"bound 1.1 asks for {old}, ours (J) for {j}" in text


def test_every_statement_is_in_the_readme():
    missing = [b for b in BOUNDS if not re.search(rf"(?<![\w.]){re.escape(b)}(?![\w.])", README)]
    assert missing == []


def test_what_the_readme_says_of_schemes_is_what_statements_say():
    told = README.split("Which scheme has which guarantee?")[1].split("\n\n")[0]
    kept = re.search(r"keep (Z, T.*?), as it", " ".join(told.split()))[1]
    problem = open_problem("reference:horizon=3")
    for scheme in ("stratified", "residual", "ssp", "killing", "systematic", "single"):
        has = {b for b in BOUNDS if BOUNDS[b].why_not(problem, SMC(4, scheme)) is None}
        few = {"Z", "T", "TJ"}
        plus = {"S2-plus", "J-plus", "K-plus"}
        many = few | plus | set(re.search(r"\((S1.*?)\)", kept)[1].split(", ")) | {"O"}
        assert has == (few if scheme in ("systematic", "single") else many), scheme


def test_links_lead_to_files():
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", README):
        assert (ROOT / target).exists(), target


def test_constraints_name_packages_and_versions_only():
    lines = (ROOT / "constraints.txt").read_text().split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.+!]+", line) for line in lines)
