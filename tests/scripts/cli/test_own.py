"""Statements and samplers in files of a user's own, named on the command line."""

import json

import pytest

from scripts.cli.own import fault_of_a_file
from tests.support.command_line import run

STATEMENTS = '''
from theory import bound
from theory.assumptions import DRAWN

options = {"reference": "none", "assumptions": (DRAWN,)}


@bound(id="mine", title="a guess of my own", formula="2/N", **options)
def mine(problem, sampler):
    """Guess."""
    return 2 / sampler.n_particles


@bound(id="bold", title="a bold guess", formula="0", **options)
def bold(problem, sampler):
    """Guess boldly."""
    return 0.0
'''
SAMPLERS = '''
from dataclasses import dataclass, field

from simulator import SMC, Facts


@dataclass(frozen=True)
class Mine:
    n_particles: int
    lazy: bool = False

    def facts(self, problem):
        return Facts(drawn=not self.lazy)

    def exact_law(self, problem, **options):
        return SMC(self.n_particles).exact_law(problem, **options)


@dataclass(frozen=True)
class Deep:
    n_particles: int
    depth: int
    width: list = field(default_factory=list)

    def __post_init__(self):
        if self.depth > 3:
            raise ValueError("too deep")

    def facts(self, problem):
        return Facts(drawn=True)

    def exact_law(self, problem, **options):
        return SMC(self.n_particles + self.depth).exact_law(problem, **options)


class Loose:
    pass


def geometric(scores):
    """Geometric mean."""
    return scores.prod() ** (1 / len(scores))


@dataclass
class Late:
    lazy: bool
    n_particles: int
'''

DIVIDES = """
from dataclasses import dataclass

from simulator import SMC, Facts
from theory import bound


@bound(id="mine", title="a slip", reference="none", formula="1/0")
def mine(problem, sampler):
    return 1 / 0


@dataclass(frozen=True)
class Slip:
    n_particles: int

    def facts(self, problem):
        return Facts(drawn=True)

    def exact_law(self, problem, **options):
        return {}["law"]
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "statements.py").write_text(STATEMENTS)
    (tmp_path / "samplers.py").write_text(SAMPLERS)
    (tmp_path / "empty.py").write_text("from theory.registry import BOUNDS\nJ = BOUNDS['J']\n")
    (tmp_path / "syntax.py").write_text("def f(:\n")
    (tmp_path / "raises.py").write_text("raise RuntimeError('first line\\nsecond line')\n")
    (tmp_path / "divides.py").write_text(DIVIDES)
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(0)\n")
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_statement_of_a_file_meets_a_sampler_of_a_file(capsys):
    out, _ = run(
        capsys, "check", "reference:horizon=3", "--statement", "statements.py:mine",
        "--sampler", "samplers.py:Mine", "-n", 2, "--json",
    )  # fmt: skip
    report = json.loads(out)
    assert report["error"]["exact"] == pytest.approx(0.167576191303, abs=1e-10)
    assert report["bounds"] == [
        {"id": "mine", "title": "a guess of my own", "value": 1.0, "vacuous": True,
         "verdict": "holds"}
    ]  # fmt: skip
    assert report["skipped"] == {}


def test_all_statements_of_a_file_and_registered_ones_beside_them(capsys, folder):
    out, _ = run(
        capsys, "check", "reference:horizon=3", "--statement", folder / "statements.py",
        "--statement", "J", "-n", 4, "--json", code=1,
    )  # fmt: skip
    found = {b["id"]: b["verdict"] for b in json.loads(out)["bounds"]}
    assert found == {"mine": "holds", "bold": "violated", "J": "holds"}


@pytest.mark.usefixtures("folder")
def test_options_reach_a_sampler_of_a_file_and_facts_decide(capsys):
    out, _ = run(
        capsys, "check", "reference:horizon=2", "--statement", "statements.py:mine",
        "--sampler", "samplers.py:Mine", "-O", "lazy=true", "--json",
    )  # fmt: skip
    report = json.loads(out)
    assert report["bounds"] == []
    assert report["skipped"] == {"mine": "needs: an output drawn from the last weighted cloud"}


@pytest.mark.usefixtures("folder")
def test_an_option_without_a_default_is_read_as_a_number(capsys):
    sampler = ("--sampler", "samplers.py:Deep", "-O", "depth=1", "-n", 2)
    out, _ = run(capsys, "check", "reference:horizon=3", *sampler, "--json")
    plain, _ = run(capsys, "check", "reference:horizon=3", "--sampler", "smc", "-n", 3, "--json")
    assert json.loads(out)["error"] == json.loads(plain)["error"]


@pytest.mark.usefixtures("folder")
def test_an_aggregation_of_a_file_stands_in_the_audit(capsys):
    words = ("audit", "reference:horizon=3", "--aggregation", "samplers.py:geometric", "--json")
    out, _ = run(capsys, *words)
    rows = json.loads(out)["rules"]
    assert [r["rule"] for r in rows[-5:]] == ["product", "minimum", "last", "mean", "geometric"]
    assert rows[-1]["what"] == "Geometric mean."
    assert rows[-1]["limit_tv"] == pytest.approx(0.160, abs=1e-3)
    for wrong, told in (
        ("samplers.py", "is not FILE.py:FUNCTION"),
        ("minimum", "is not FILE.py:FUNCTION"),
        ("samplers.py:nothing", "samplers.py: holds no function 'nothing'"),
    ):
        _, err = run(capsys, "audit", "reference", "--aggregation", wrong, code=2)
        assert told in err
        assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "sampler"),
    [("F", "F-star", "smc"), ("F-level", "F-star", "smc"), ("F-RS", "F-star-RS", "smc-rs")],
)
def test_an_old_id_is_read_as_the_new_one_and_says_so(capsys, old, new, sampler):
    words = ("check", "reference:horizon=2", "--sampler", sampler, "-n", 2, "--json", "--statement")
    (out, err), (want, quiet) = run(capsys, *words, old), run(capsys, *words, new)
    assert out == want
    assert json.loads(out)["bounds"][0]["id"] == new
    assert err == f"particlebounds: {old} is now {new}; the old id goes in the next version\n"
    assert quiet == ""


BAD = [
    (["--statement", "missing.py"], "missing.py: there is no such file"),
    (["--statement", "syntax.py"], "syntax.py: SyntaxError"),
    (["--statement", "raises.py"], "raises.py, line 1: RuntimeError: first line second line"),
    (["--statement", "empty.py"], "empty.py: holds no statement"),
    (["--statement", "statements.py:other"], "no statement 'other', only mine, bold"),
    (["--statement", "nonsense"], "statement 'nonsense' is not known; there are 1.1"),
    (["--sampler", "missing.py:Mine"], "missing.py: there is no such file"),
    (["--sampler", "syntax.py:Mine"], "syntax.py: SyntaxError"),
    (["--sampler", "raises.py:Mine"], "raises.py, line 1: RuntimeError: first line second line"),
    (["--sampler", "samplers.py:Other"], "no class 'Other'; it holds Mine, Deep, Loose, Late"),
    (["--sampler", "samplers.py:dataclass"], "no class 'dataclass'; it holds Mine"),
    (["--sampler", "samplers.py"], "name a class, samplers.py:CLASS; it holds Mine"),
    (["--sampler", "empty.py"], "name a class, empty.py:CLASS; it holds no class"),
    (["--sampler", "samplers.py:Loose"], "Loose: not a dataclass whose first field is n_particles"),
    (["--statement", "leaves.py"], "leaves.py, line 2: SystemExit: 0"),
    (["--sampler", "samplers.py:Deep"], "Deep: no value for depth"),
    (["--sampler", "samplers.py:Deep", "-O", "depth=4"], "line 27: ValueError: too deep"),
    (["--sampler", "samplers.py:Late"], "Late: not a dataclass whose first field is n_particles"),
    (
        ["--sampler", "samplers.py:Mine", "-O", "eager=true"],
        "Mine has no option 'eager', only lazy",
    ),
    (["--sampler", "samplers.py:Mine", "-O", "lazy=maybe"], "option lazy: 'maybe' is not true"),
]


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("arguments", "told"), BAD, ids=[" ".join(a) for a, _ in BAD])
def test_a_wrong_file_is_one_line_and_code_two(capsys, arguments, told):
    out, err = run(capsys, "check", "reference:horizon=2", *arguments, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("particlebounds: ")
    assert told in err


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("check", "reference", "--statement", "divides.py"), "line 10: ZeroDivisionError: "),
        (("check", "reference", "--sampler", "divides.py:Slip"), "line 21: KeyError: 'law'"),
        (("falsify", "divides.py", "--seconds", "1"), "line 10: ZeroDivisionError: "),
    ],
)
def test_a_slip_in_a_file_is_no_violated_theorem(capsys, arguments, told):
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert f"divides.py, {told}" in err


def test_a_fault_of_our_own_keeps_its_traceback():
    with pytest.raises(KeyError) as stop:
        {}["ours"]
    assert fault_of_a_file(stop.value) is None
