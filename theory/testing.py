"""Property tests of statements: an attempt to break one, in a line of a user's test file.

::

    from simulator import SMC
    from theory.testing import assert_upper

    def test_j():
        assert_upper("J", sampler=SMC)

hypothesis (``pip install 'particlebounds[test]'``) draws problems on which the statement speaks,
steers towards errors that are large against its value, and where it is violated looks for the
smallest problem that shows it. What the message then holds is a problem file.
"""

from __future__ import annotations

import math
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from simulator.checks import check_int
from simulator.errors import InputError, TooLargeError
from simulator.interval import Interval
from simulator.problem.files import save_problem
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.strategies import problems as draw_problems
from simulator.strategies import samplers as draw_samplers
from theory.registry import bound_named
from theory.statement import Bound
from theory.status import RELATIONS, TOLERANCE, Kind, compare
from theory.verdict import measure_error

if TYPE_CHECKING:
    from hypothesis import strategies as st

__all__ = ["Tried", "assert_identity", "assert_lower", "assert_upper"]

Quantity: TypeAlias = Callable[[Problem, Sampler], float]

LIMIT = 1e6  # of the work for one exact law
ASSERTED_BY = {"upper": "assert_upper", "lower": "assert_lower", "exact": "assert_identity"}


class Tried(NamedTuple):
    """How hard a statement was tried that was not broken.

    Parameters
    ----------
    problems : int
        On how many it was compared and could have failed.
    closest : float
        Largest ratio of error to bound (bound to error for a lower one) of any of them, 1 being
        attained; for an identity, the largest difference.
    """

    problems: int
    closest: float


def assert_upper(
    statement: str | Bound,
    *,
    sampler: str | type | Sampler | st.SearchStrategy[Sampler],
    problems: st.SearchStrategy[Problem] | None = None,
    of: Quantity | None = None,
    max_examples: int = 200,
    least: int = 20,
    limit: float = LIMIT,
) -> Tried:
    """Assert that the error is never above the value of a statement.

    Where an assumption of the statement fails, where its value says nothing (1 or more, for the
    error) and where error or value are too large to compute, a problem is passed over; if fewer
    than `least` are left the assertion fails too. `theory.status.compare` judges, as everywhere.

    Parameters
    ----------
    statement : str or Bound
        Id of a registered statement, or one of your own (`theory.bound`).
    sampler : str, type, Sampler or SearchStrategy
        A registered name or a class, with N up to 4 and default options; one sampler; or a strategy
        such as ``simulator.strategies.samplers("smc", resampling=["ssp", "killing"])``.
    problems : SearchStrategy of Problem, optional
        By default `simulator.strategies.problems` with at most two levels of two tokens, and then
        up to three levels or tokens. Statements on one family need problems of it.
    of : callable, optional
        (problem, sampler) to the number that the statement bounds; by default the error, D_TV.
    max_examples : int, optional
        How many problems to draw. All other settings are those of hypothesis' current profile.
    least : int, optional
        On how many the statement must have been put to the test.
    limit : float, optional
        Largest amount of work for an exact law; see `Sampler.exact_law`.

    Returns
    -------
    Tried

    Raises
    ------
    AssertionError
        If it is violated, or was hardly put to the test; the message says which.
    InputError
        If the statement is not known, or of another kind.

    Examples
    --------
    >>> from theory import bound
    >>> from theory.assumptions import DRAWN, NEVER_RESAMPLED
    >>> @bound(
    ...     id="mine", title="a guess", reference="none", formula="1/(N+1)",
    ...     assumptions=(NEVER_RESAMPLED, DRAWN),
    ... )
    ... def guess(problem, sampler):
    ...     return 1 / (sampler.n_particles + 1)
    >>> assert_upper(guess, sampler="sis")
    Traceback (most recent call last):
        ...
    AssertionError: mine is violated: error 0.6... > bound 0.5, ratio 1.3...
    """
    return _search("upper", statement, sampler, problems, of, max_examples, least, limit)


def assert_lower(
    statement: str | Bound,
    *,
    sampler: str | type | Sampler | st.SearchStrategy[Sampler],
    problems: st.SearchStrategy[Problem] | None = None,
    of: Quantity | None = None,
    max_examples: int = 200,
    least: int = 20,
    limit: float = LIMIT,
) -> Tried:
    """Assert that the error is never below the value of a statement.

    As `assert_upper`; a lower bound says nothing where it is 0 or less.

    Parameters
    ----------
    statement : str or Bound
        As in `assert_upper`, as all others are.
    sampler : str, type, Sampler or SearchStrategy
        By what.
    problems : SearchStrategy of Problem, optional
        Where.
    of : callable, optional
        What is compared with the value.
    max_examples : int, optional
        How many problems to draw.
    least : int, optional
        On how many the statement must have been put to the test.
    limit : float, optional
        Largest amount of work for an exact law.

    Returns
    -------
    Tried

    Raises
    ------
    AssertionError, InputError
        As in `assert_upper`.

    Examples
    --------
    >>> from hypothesis import strategies as st
    >>> from simulator import SMC, open_problem
    >>> long = [open_problem(f"two-branch:horizon={h}") for h in (4, 8, 16)]
    >>> tried = assert_lower("two-branch", sampler=SMC(5), problems=st.sampled_from(long), least=3)
    >>> print(f"{tried.problems} problems, ratio {tried.closest:.3f}")
    3 problems, ratio 0.131
    """
    return _search("lower", statement, sampler, problems, of, max_examples, least, limit)


def assert_identity(
    statement: str | Bound,
    *,
    sampler: str | type | Sampler | st.SearchStrategy[Sampler],
    problems: st.SearchStrategy[Problem] | None = None,
    of: Quantity | None = None,
    max_examples: int = 200,
    least: int = 20,
    limit: float = LIMIT,
) -> Tried:
    """Assert that the error, or another number, is the value of a statement, up to rounding.

    As `assert_upper`, for a statement of kind "exact".

    Parameters
    ----------
    statement : str or Bound
        As in `assert_upper`, as all others are.
    sampler : str, type, Sampler or SearchStrategy
        By what.
    problems : SearchStrategy of Problem, optional
        Where.
    of : callable, optional
        What is compared with the value.
    max_examples : int, optional
        How many problems to draw.
    least : int, optional
        On how many the statement must have been put to the test.
    limit : float, optional
        Largest amount of work for an exact law.

    Returns
    -------
    Tried

    Raises
    ------
    AssertionError, InputError
        As in `assert_upper`.

    Examples
    --------
    >>> from simulator.strategies import problems
    >>> from theory import bound
    >>> from theory.assumptions import PROPER
    >>> @bound(
    ...     id="C.2", title="unbiased", reference="lemma C.2", formula="1 - lost mass",
    ...     assumptions=(PROPER,), kind="exact",
    ... )
    ... def kept(problem, sampler):
    ...     return 1 - problem.forward_backward.lost_mass
    >>> def mean(problem, sampler):
    ...     return sampler.exact_law(problem).mean_w_over_z
    >>> assert_identity(kept, sampler="smc", of=mean).problems > 100
    True
    """
    return _search("exact", statement, sampler, problems, of, max_examples, least, limit)


class _Passed(Exception):  # noqa: N818 - no error
    """A problem says nothing about the statement; the argument says why."""


@dataclass
class _Trial:
    """One statement on one problem after another.

    Attributes
    ----------
    judged : int
        Number of problems that could have broken it.
    closest : float
        As in `Tried`.
    passed : Counter
        Reason to number of problems that could not.
    """

    bound: Bound
    of: Quantity | None
    limit: float
    judged: int = 0
    closest: float = 0.0
    passed: Counter[str] = field(default_factory=Counter)

    def on(self, problem: Problem, sampler: Sampler) -> float:
        """Judge the statement, and return how close it came to failing.

        Raises
        ------
        _Passed
            If it could not have failed.
        AssertionError
            If it is violated.
        """
        bound, kind = self.bound, self.bound.kind
        if (reason := bound.why_not(problem, sampler)) is not None:
            raise _Passed(reason)
        try:
            value = bound.value(problem, sampler)
        except TooLargeError:
            raise _Passed("its value takes too long to compute") from None
        most = math.inf if self.of else 1.0
        if (kind == "upper" and value >= most) or (kind == "lower" and value <= 0 and not self.of):
            raise _Passed("its value says nothing")
        number = self._number(problem, sampler)
        status = compare(number.low, number.high, RELATIONS[kind], value, value)
        if status == "inconclusive":
            raise _Passed("the error is known up to limits only")
        close = _closeness(kind, number, value)
        if status == "violated":
            raise AssertionError(self._told(problem, sampler, number.value, value, close))
        self.judged, self.closest = self.judged + 1, max(self.closest, close)
        return close

    def _number(self, problem: Problem, sampler: Sampler) -> Interval:
        try:
            if self.of is not None:
                return Interval.exactly(float(self.of(problem, sampler)))
            return measure_error(problem, sampler, limit=self.limit)
        except TooLargeError:
            raise _Passed("the error takes too long to compute") from None
        except InputError as fault:
            raise _Passed(f"the sampler refuses: {fault}") from None

    def _told(
        self, problem: Problem, sampler: Sampler, number: float, value: float, close: float
    ) -> str:
        """Say all that is needed to see the violation again."""
        sign = {"upper": ">", "lower": "<", "exact": "!="}[self.bound.kind]
        what = "difference" if self.bound.kind == "exact" else "ratio"
        name = getattr(self.of, "__name__", "number") if self.of else "error"
        return "\n".join((
            f"{self.bound.id} is violated: {name} {number:.6g} {sign} bound {value:.6g}, "
            f"{what} {close:.6g}",
            f"statement: {self.bound.title}: {self.bound.formula}",
            f"sampler: {sampler!r}",
            f"problem: horizon {problem.horizon}, {problem.model.n_actions} tokens; as a file, for "
            "`particlebounds check FILE` and `simulator.load_problem`:",
            _file(problem),
        ))  # fmt: skip

    def hardly(self, least: int) -> str:
        """Say why the statement was hardly put to the test."""
        told = f"{self.bound.id} was put to the test on {self.judged} problems, not {least}"
        reasons = "; ".join(f"{reason} ({n})" for reason, n in self.passed.most_common(5))
        return told + (f". On the others it could not fail: {reasons}" if reasons else "")


def _search(
    kind: Kind,
    statement: str | Bound,
    sampler: str | type | Sampler | st.SearchStrategy[Sampler],
    problems: st.SearchStrategy[Problem] | None,
    of: Quantity | None,
    max_examples: int,
    least: int,
    limit: float,
) -> Tried:
    from hypothesis import HealthCheck, assume, given, settings, target
    from hypothesis.errors import Unsatisfiable

    check_int("max_examples", max_examples, 1)
    check_int("least", least, 1)
    trial = _Trial(_statement(statement, kind), of, limit)

    def attempt(problem: Problem, sampler: Sampler) -> None:
        try:
            close = trial.on(problem, sampler)
        except _Passed as reason:
            trial.passed[str(reason)] += 1
            assume(False)
        else:
            target(close)

    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    # one that fails on small problems should be seen there, not shrunk from large ones
    drawn = (problems,) if problems is not None else (
        draw_problems(max_leaves=4, n_actions=2), draw_problems(max_leaves=9, max_horizon=3)
    )  # fmt: skip
    for each in drawn:
        run = settings(
            max_examples=-(-max_examples // len(drawn)), deadline=None, database=None,
            report_multiple_bugs=False, suppress_health_check=slow,
        )  # fmt: skip
        try:
            run(given(problem=each, sampler=_samplers(sampler))(attempt))()
        except Unsatisfiable:
            continue
    if trial.judged < least:
        raise AssertionError(trial.hardly(least))
    return Tried(trial.judged, trial.closest)


def _statement(statement: str | Bound, kind: Kind) -> Bound:
    bound = bound_named(statement) if isinstance(statement, str) else statement
    if not isinstance(bound, Bound):
        raise InputError(
            f"statement: {statement!r:.60} is none; decorate a function with theory.bound"
        )
    if bound.kind != kind:
        raise InputError(
            f"{ASSERTED_BY[kind]}: {bound.id} is of kind {bound.kind!r}, which is for "
            f"{ASSERTED_BY[bound.kind]}"
        )
    return bound


def _samplers(
    sampler: str | type | Sampler | st.SearchStrategy[Sampler],
) -> st.SearchStrategy[Sampler]:
    from hypothesis import strategies as st

    if isinstance(sampler, (str, type)):
        return draw_samplers(sampler)
    return sampler if isinstance(sampler, st.SearchStrategy) else st.just(sampler)


def _closeness(kind: Kind, number: Interval, value: float) -> float:
    """Ratio that is 1 where a bound is attained, or the difference; 0 where all is rounding."""
    if kind == "exact":
        far = abs(number.value - value)
        return far if math.isfinite(far) else 0.0
    top, bottom = (value, number.high) if kind == "lower" else (number.low, value)
    if not (top > TOLERANCE and bottom > 0):
        return 0.0
    return top / bottom if math.isfinite(top) else 0.0


def _file(problem: Problem) -> str:
    """Return the text of a problem file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "problem.json"
        try:
            save_problem(problem, path)
        except InputError as fault:
            return f"none: {str(fault).removeprefix(f'{path}: ')}"
        return path.read_text(encoding="utf-8").strip()
