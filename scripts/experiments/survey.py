"""Every statement against every sampler on every family (the cases of `theory.survey`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.library import open_problem
from theory.registry import BOUNDS
from theory.survey import cases, compare_case


def run_cell(problem: str) -> Rows:
    """Return rows of `theory.survey.Comparison`, and the kind of the statement, of one problem."""
    mine = [case for case in cases() if case.problem == problem]
    opened = open_problem(problem)
    found = [c for i, case in enumerate(mine) for c in compare_case(case, i, opened)]
    return [asdict(c) | {"kind": BOUNDS[c.bound].kind} for c in found]


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a problem; both profiles look at the same."""
    return [{"problem": problem} for problem in dict.fromkeys(c.problem for c in cases())]


def seconds(cell: Mapping[str, str]) -> float:
    """Say about how long a problem takes: long ones have thousands of states, or large clouds."""
    problem = cell["problem"]
    return 20.0 if problem.startswith("lm-") else 10.0 if "dips" in problem else 1.0


SURVEY = Experiment("survey", run_cell, cells, seconds=seconds)
