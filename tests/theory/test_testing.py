"""`assert_upper` and its like refute what is false, on small problems, and nothing else (T0)."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.problem.files import load_problem
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems, samplers
from tests.support.subprocesses import ENVIRONMENT
from theory.assumptions import (
    AT_MOST_MULTINOMIAL,
    DRAWN,
    EVERY_LEVEL,
    KEEPS_MASS,
    NEVER_RESAMPLED,
    PROPER,
    of_family,
)
from theory.criteria import criteria
from theory.registry import BOUNDS
from theory.statement import bound
from theory.testing import assert_identity, assert_lower, assert_upper

README = (Path(__file__).parents[2] / "README.md").read_text()


def statement(function, *assumptions, kind="upper"):
    name = function.__name__
    return bound(
        id=name,
        title=name,
        reference="none",
        formula="see there",
        assumptions=assumptions,
        kind=kind,
    )(function)


# --- false statements, each beside the true one that it is made of -------------------------------


def nine_tenths_of_j(problem, sampler):
    return 0.9 * BOUNDS["J"].function(problem, sampler)


def last_level_missing(problem, sampler):
    steps = np.sqrt(criteria(problem).proposal_chi2[:-1])
    return steps.sum() / (2 * np.sqrt(sampler.n_particles))


def rate_too_fast(problem, sampler):
    return BOUNDS["S1"].function(problem, sampler) / np.sqrt(sampler.n_particles)


def lost_mass_forgotten(problem, sampler):
    return BOUNDS["S1t"].function(problem, sampler) - problem.forward_backward.lost_mass


def coverage_of_the_mean(problem, sampler):
    """(chi2)/(N + chi2) in place of (C-1)/(N + C-1)."""
    chi2 = criteria(problem).sequence_chi2
    return chi2 / (sampler.n_particles + chi2)


def s1_of_any_scheme(problem, sampler):
    return BOUNDS["S1"].function(problem, SMC(sampler.n_particles))


def j_of_any_scheme(problem, sampler):
    return BOUNDS["J"].function(problem, SMC(sampler.n_particles))


SOUND = (AT_MOST_MULTINOMIAL, DRAWN, KEEPS_MASS)
LEVELS = problems(max_leaves=4, horizon=2, n_actions=2, tree=True)
SINGLE = st.just(SMC(8, "single"))
FALSE = {  # statement, sampler, problems, and the true one
    "constant": (statement(nine_tenths_of_j, *BOUNDS["J"].assumptions), SMC, None, "J"),
    "term": (statement(last_level_missing, *SOUND), SMC, None, "S1"),
    "exponent": (statement(rate_too_fast, *SOUND), SMC, None, "S1"),
    "lost mass": (statement(lost_mass_forgotten, *SOUND[:2]), SMC, None, "S1t"),
    "assumption": (
        statement(j_of_any_scheme, EVERY_LEVEL, DRAWN),
        samplers("smc", max_particles=3, resampling=["systematic", "single"]), LEVELS, "T",
    ),
    "scheme": (statement(s1_of_any_scheme, EVERY_LEVEL, DRAWN, KEEPS_MASS), SINGLE, LEVELS, "T"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", FALSE)
def test_a_false_statement_is_refuted_on_a_small_problem(name, tmp_path):
    false, sampler, where, _ = FALSE[name]
    with pytest.raises(AssertionError, match=rf"\A{false.id} is violated: error ") as told:
        assert_upper(false, sampler=sampler, problems=where)
    message = str(told.value).splitlines()
    (tmp_path / "found.json").write_text(message[-1])
    found = load_problem(tmp_path / "found.json")
    assert found.horizon <= 2
    assert found.model.n_actions == 2
    assert message[3].startswith(f"problem: horizon {found.horizon}, 2 tokens;")
    made = eval(message[2].removeprefix("sampler: "), {"SMC": SMC})
    error, value = made.exact_law(found).tv, false.value(found, made)
    assert error > value + 1e-10
    assert message[0].endswith(
        f"error {error:.6g} > bound {value:.6g}, ratio {error / value if value > 0 else 0:.6g}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", FALSE)
def test_the_true_one_survives(name):
    _, sampler, where, true = FALSE[name]
    tried = assert_upper(true, sampler=sampler, problems=where, max_examples=60)
    assert tried.problems >= 50
    assert 0.5 < tried.closest <= 1 + 1e-9


# --- lower bounds and identities -----------------------------------------------------------------


def lost(problem, sampler):
    return problem.forward_backward.lost_mass


def kept(problem, sampler):
    return 1 - problem.forward_backward.lost_mass


def mean(problem, sampler):
    return sampler.exact_law(problem).mean_w_over_z


@pytest.mark.slow
def test_lower_bounds():
    true, false = (statement(f, EVERY_LEVEL, kind="lower") for f in (lost, kept))
    tried = assert_lower(true, sampler=SMC, problems=problems(lossy=True), max_examples=40)
    assert tried.closest > 1 - 1e-9
    with pytest.raises(AssertionError, match=r"kept is violated: error 0 < bound 1, ratio 0"):
        assert_lower(false, sampler=SMC)


@pytest.mark.slow
def test_identities_of_any_number():
    true, false = (statement(f, PROPER, kind="exact") for f in (kept, lost))
    assert assert_identity(true, sampler=SMC, of=mean, max_examples=40).closest < 1e-10
    with pytest.raises(AssertionError, match=r"lost is violated: mean 1 != bound 0, difference 1"):
        assert_identity(false, sampler=SMC, of=mean)


def test_an_exact_statement_on_its_family():
    family = st.sampled_from([product(h) for h in (2, 3, 5)])
    tried = assert_identity(
        "C.8", sampler=samplers("smc", max_particles=30), problems=family, max_examples=30
    )
    assert tried.closest < 1e-10


def nothing(problem, sampler):
    return np.nan


@pytest.mark.slow
def test_a_number_that_is_none_is_a_violation():
    with pytest.raises(AssertionError, match="kept is violated: nothing nan"):
        assert_identity(statement(kept, kind="exact"), sampler=SMC, of=nothing)


# --- a test that checked nothing fails -----------------------------------------------------------


def endless(problem, sampler):
    return np.inf


class Refusing(SMC):
    def exact_law(self, *arguments, **options):
        raise InputError("not today")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("false", "options", "reason"),
    [
        (statement(endless), {}, "its value says nothing"),
        (statement(kept, of_family("nothing")), {}, "needs: the instance nothing"),
        (BOUNDS["J"], {"sampler": SMC(2, select="best")}, "needs: an output drawn from the last"),
        (statement(lost), {"sampler": Refusing(1)}, "the sampler refuses: not today"),
        (BOUNDS["J"], {"limit": 0}, "the error takes too long to compute"),
        (BOUNDS["J"], {}, "problems, not 20"),
    ],
    ids=["infinite", "family", "facts", "refused", "large", "few"],
)
def test_hardly_a_problem_fails_and_says_why(false, options, reason):
    with pytest.raises(
        AssertionError, match=r"was put to the test on \d+ problems, not 20"
    ) as told:
        assert_upper(false, **{"sampler": SMC, "max_examples": 10, **options})
    assert reason in str(told.value)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: assert_upper("none", sampler=SMC), "statement 'none' is not known"),
        (lambda: assert_upper(lost, sampler=SMC), "is none; decorate a function"),
        (
            lambda: assert_upper("C.8", sampler=SMC),
            "assert_upper: C.8 is of kind 'exact'",
        ),
        (lambda: assert_lower("J", sampler=SMC), "assert_lower: J is of kind 'upper'"),
        (lambda: assert_upper("J", sampler="none"), "sampler 'none' is not known"),
        (lambda: assert_upper("J", sampler=SMC, least=0), "least: 0"),
    ],
)
def test_bad_arguments_are_told_in_a_line(call, line):
    with pytest.raises(InputError, match=line):
        call()


@pytest.mark.slow
def test_a_fault_of_the_statement_is_not_passed_over():
    with pytest.raises(InputError, match="nothing: its value is not a number"):
        assert_upper(statement(nothing, NEVER_RESAMPLED), sampler="sis")


# --- in a user's own file ------------------------------------------------------------------------

OWN = """

from theory import bound
from theory.assumptions import DRAWN, NEVER_RESAMPLED


@bound(
    id="mine", title="a guess", reference="none", formula="1/(N+1)",
    assumptions=(NEVER_RESAMPLED, DRAWN),
)
def guess(problem, sampler):
    return 1 / (sampler.n_particles + 1)


def test_guess():
    assert_upper(guess, sampler="sis")
"""


@pytest.mark.slow
def test_readme_in_a_file_outside_the_repository(tmp_path):
    (block,) = re.findall(r"```python\n(# test_mine.py\n.*?)```", README, re.DOTALL)
    (tmp_path / "test_mine.py").write_text(block + OWN)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py"],
        cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "mine is violated: error" in done.stdout
    (line,) = re.findall(r'\{"format".*\}', done.stdout)
    assert json.loads(line)["format"] == "particlebounds-problem/1"


def test_a_problem_beyond_the_range_of_floats_has_no_file():
    far = Problem.from_log(reference(1).model, [2001.0, 2000.0], [2000.0, 2001.0, 2000.0])
    with pytest.raises(AssertionError, match="none: values beyond the range of floats"):
        assert_upper(statement(lost), sampler=SMC(1), problems=st.just(far), least=1)
