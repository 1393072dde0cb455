"""The templates work where a user puts them: copied, renamed, registered and checked (T0)."""

import importlib
import sys
from pathlib import Path

import pytest
from hypothesis import given

import simulator.samplers.template
import theory.template
from scripts.cli.app import main
from simulator.errors import InputError, TooLargeError
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.contract import check_sampler
from simulator.samplers.registry import SAMPLERS, make_sampler, register
from simulator.samplers.template import PathRejection
from simulator.strategies import problems
from theory.criteria import criteria
from theory.template import sequence_coverage
from theory.verdict import check


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of a user's own that holds copies of both templates under other names."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    for source, old, new in (
        (theory.template, "sequence_coverage", "my_bound"),
        (simulator.samplers.template, "PathRejection", "MySampler"),
    ):
        text = Path(source.__file__).read_text().replace(f'"{old}"', f'"{new}"')
        text = text.replace(f"def {old}(", f"def {new}(").replace(f"class {old}(", f"class {new}(")
        (folder / f"{new}.py").write_text(text.replace("SIS-coverage", "mine"))
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [n for n in sys.modules if n.split(".")[0] == "mine"]:
        del sys.modules[name]


@pytest.mark.slow
def test_a_copied_sampler_is_registered_keeps_the_contract_and_gets_verdicts(package, monkeypatch):
    monkeypatch.setattr("simulator.samplers.registry.SAMPLERS", dict(SAMPLERS))
    made = importlib.import_module("mine.MySampler").MySampler
    register("mine")(made)
    sampler = make_sampler("mine", 3)
    assert isinstance(sampler, made)
    check_sampler(sampler)
    report = check(open_problem("reference:horizon=3"), sampler)
    assert [(v.id, v.status) for v in report.verdicts] == [("Z", "holds")]
    with pytest.raises(InputError, match="registered already"):
        register("mine")(made)


def test_copies_are_checked_on_the_command_line(package, monkeypatch, capsys):
    monkeypatch.chdir(package)
    for sampler, title in (
        (["--sampler", "sis", "--statement", "my_bound.py"], "sequence-level coverage"),
        (["--sampler", "MySampler.py:MySampler"], "mean shortfall of the estimate of Z"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["check", "reference:horizon=2", *sampler, "--json"])
        assert ended.value.code == 0
        assert title in capsys.readouterr().out


@given(problems(max_leaves=16))
def test_the_template_bound_is_never_below_the_error(problem):
    for n in (1, 2, 5):
        try:
            error = SIS(n).exact_law(problem, limit=1e6).tv
        except TooLargeError:
            return
        assert error <= sequence_coverage(problem, SIS(n)) + 1e-10


def test_a_smaller_constant_would_be_false():
    """One path of probability 1/C earns everything: with N = 1 the bound is attained."""
    problem = Problem(TabularModel.tree([[[0.25, 0.75]]]), [4.0, 0.0], "exact")
    coverage = criteria(problem).sequence_coverage
    error = SIS(1).exact_law(problem).tv
    assert error == pytest.approx(sequence_coverage(problem, SIS(1)), abs=1e-12)
    assert error > 0.9 * (coverage - 1) / coverage == pytest.approx(0.675)


@given(problems(max_leaves=8, max_horizon=3))
def test_the_template_sampler_has_the_law_of_its_definition(problem):
    """Each path is accepted with r/max r; checked against the target and the failure alone."""
    law = PathRejection(2).exact_law(problem)
    one = PathRejection(1).exact_law(problem)
    assert law.failure == pytest.approx(one.failure**2, abs=1e-12)
    assert law.tv == pytest.approx(law.failure, abs=1e-12)
    # N = 1 accepts y with pi_ref(y) r(y)/max r
    assert one.law.sum() == pytest.approx(1 - one.failure, abs=1e-12)
