"""The survey: what it looks at, and that it would see a violation (T0)."""

import pandas as pd
import pytest

from simulator.problem.library import open_problem
from simulator.samplers.registry import SAMPLERS, make_sampler
from theory.status import compare
from theory.survey import Case, cases, compare_case, summarise
from theory.verdict import check


def rows(*found):
    """Comparisons (bound, problem, value, low, high of the error) with bounds that are exact."""
    table = pd.DataFrame(found, columns=["bound", "problem", "value", "low", "high"])
    return table.assign(bound_low=table["value"])


def test_every_statement_is_looked_at_on_twenty_problems():
    # by the families and samplers that it speaks of; `check --all` counts those that bite
    seen = {case.problem for case in cases()}
    for family in ("product", "two-branch", "all-or-nothing", "dips", "rare-path",
                   "hidden-labels", "recursive-delay"):  # fmt: skip
        assert sum(problem.startswith(family) for problem in seen) >= 20
    assert {case.sampler for case in cases()} <= set(SAMPLERS)


@pytest.mark.parametrize(
    "case",
    [
        Case("reference:horizon=2", "smc", "", 2),
        Case("reference:horizon=2", "vgb", "stop=visits", 2),
        Case("two-branch:horizon=24", "smc", "", 5),
        Case("hidden-labels:counts=3,theta=0.75", "smc-rs", "", 1),
        Case("reference:horizon=3", "smc", "", 64, 200),
    ],
)
def test_a_case_is_compared_with_all_that_speaks_of_it(case):
    found = compare_case(case)
    assert {"S2", "S2-ind"} & {c.bound for c in found}
    assert not summarise(pd.DataFrame(found))["violated"].any()


def test_what_cannot_be_enumerated_without_runs_is_left_out():
    assert compare_case(Case("random-automaton", "smc", "", 4)) == []


@pytest.mark.parametrize(
    ("bound", "value", "low", "high", "bites", "ratio", "undecided", "violated"),
    [
        ("S1", 0.4, 0.3, 0.3, 1, 0.75, 0, 0),
        ("S1", 0.4, 0.3, 0.5, 1, 0.75, 1, 0),
        ("S1", 0.4, 0.5, 0.6, 1, 1.25, 0, 1),
        ("S1", 1.5, 0.5, 0.6, 0, 1 / 3, 0, 0),
        ("S1", 1e-16, 3e-16, 3e-16, 1, 0.0, 0, 0),  # rounding
        ("two-branch", 0.1, 0.2, 0.4, 1, 0.25, 0, 0),
        ("two-branch", 0.1, 0.0, 0.05, 1, 2.0, 0, 1),
        ("two-branch", 0.0, 0.0, 0.05, 0, 0.0, 0, 0),
        ("C.8", 0.2, 0.2, 0.2, 1, 1.0, 0, 0),
        ("C.8", 0.2, 0.1, 0.3, 1, 0.5, 1, 0),
        ("C.8", 0.2, 0.3, 0.3, 1, 1.5, 0, 1),
    ],
)
def test_a_comparison_is_judged_by_its_kind(
    bound, value, low, high, bites, ratio, undecided, violated
):
    one = summarise(rows((bound, "p", value, low, high))).iloc[0]
    assert one["not_vacuous"] == bites
    assert one["largest_ratio"] == pytest.approx(ratio)
    assert (one["undecided"], one["violated"]) == (undecided, violated)


def test_a_measured_bound_counts_with_both_its_limits():
    """Ten cases at N = 64 were inconclusive for one path and held for the other."""
    one = pd.DataFrame(
        [("Z", "p", 0.3, 0.1, 0.15, 0.2)],
        columns=["bound", "problem", "value", "bound_low", "low", "high"],
    )
    found = summarise(one).iloc[0]
    assert (found["undecided"], found["violated"], found["verdict"]) == (1, 0, "inconclusive")
    assert compare(0.15, 0.2, "<=", 0.1, 0.3) == "inconclusive"


def test_problems_are_counted_once():
    table = summarise(rows(*[("S1", "p", 0.4, 0.3, 0.3)] * 3, ("S1", "q", 2.0, 0.3, 0.3)))
    assert table.loc[0, ["comparisons", "problems", "not_vacuous"]].tolist() == [4, 2, 1]


def test_the_survey_judges_as_check_does():
    case = Case("reference:horizon=3", "smc-rs", "", 2)

    report = check(open_problem(case.problem), make_sampler("smc-rs", 2))
    found = compare_case(case)
    assert [c.value for c in found] == [v.value for v in report.verdicts]
    assert [c.bound_low for c in found] == [v.low for v in report.verdicts]
    assert [c.status for c in found] == [v.status for v in report.verdicts]


def test_what_is_known_of_an_open_problem_changes_nothing():
    problem = open_problem("reference:horizon=3")
    for sampler, options, n in (("smc", "", 3), ("smc-rs", "", 2), ("smc", "", 2), ("smc", "", 3)):
        case = Case("reference:horizon=3", sampler, options, n)
        assert compare_case(case, problem=problem) == compare_case(case)
    beyond = Case("reference:horizon=3", "smc-rs", "method=enumerate", 64, 200)
    assert compare_case(beyond, 1, problem) == compare_case(beyond, 1)
