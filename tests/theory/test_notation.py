"""README has the first symbols of `theory.notation`, whose values are there in Python (T0)."""

import re
from pathlib import Path

import pytest

from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from theory.criteria import criteria
from theory.notation import SYMBOLS, glossary

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_readme_has_the_symbols_that_matter_first():
    assert glossary() in README


@pytest.mark.parametrize("symbol", SYMBOLS, ids=lambda s: s.text)
def test_a_symbol_is_said_in_one_sentence_and_has_its_value_in_python(symbol):
    assert symbol.meaning.endswith(".")
    assert not re.search(r"\.\s+[A-Z]", symbol.meaning), "one sentence"
    problem, sampler = open_problem("reference"), SMC(2)
    runs = sampler.run(problem, 2, rng=1, keep=("clouds",))
    names = {"problem": problem, "sampler": sampler, "runs": runs, "criteria": criteria}
    for code in symbol.code.split(", "):
        assert eval(code, names) is not None


def test_no_symbol_stands_twice():
    assert len({s.text for s in SYMBOLS}) == len(SYMBOLS) >= 16
