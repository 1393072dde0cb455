"""Compare the error of a sampler with every statement that speaks of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from simulator.checks import check_real
from simulator.errors import InputError, TooLargeError
from simulator.exact.law import DEFAULT_LIMIT
from simulator.interval import Interval
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.base import Sampler
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike
from theory.instances.known_errors import exact_limits
from theory.registry import BOUNDS, bound_named
from theory.statement import Bound
from theory.status import RELATIONS, Status, compare

__all__ = ["Report", "Verdict", "check", "measure_error"]


@dataclass(frozen=True)
class Verdict:
    """One statement against the error.

    Parameters
    ----------
    id : str
        Of the statement.
    title : str
        What it says, in words.
    value : float
        Its number; a certified upper limit of it if it could only be measured.
    low : float
        A certified lower limit of the number; equal to `value` unless measured.
    error : Interval
        Limits of the error that it was compared with.
    vacuous : bool
        Whether an upper bound is >= 1: no error is larger.
    status : {"holds", "violated", "inconclusive"}
        Whether error and value fit the statement; "inconclusive" if the runs do not tell.
    confidence : float
        Probability of the status being right, as far as sampling goes; 1 if all is exact.
    """

    id: str
    title: str
    value: float
    low: float
    error: Interval
    vacuous: bool
    status: Status
    confidence: float


@dataclass(frozen=True)
class Report:
    """The error of a sampler on a problem, and a verdict on each statement.

    Parameters
    ----------
    error : Interval
        D_TV(law of one output path, pi*): exact, or between two limits; a `Bracket` if it took
        runs.
    verdicts : tuple of Verdict
        One for each statement that speaks of the sampler and is in reach.
    skipped : dict
        Id to reason, for statements that do not apply or are out of reach here.
    """

    error: Interval
    verdicts: tuple[Verdict, ...]
    skipped: dict[str, str]


def check(
    problem: Problem,
    sampler: Sampler,
    n_runs: int | None = None,
    rng: RngLike | None = None,
    confidence: float = 0.99,
    bounds: Iterable[str | Bound] | None = None,
    limit: float = DEFAULT_LIMIT,
    known_z: bool = True,
) -> Report:
    r"""Compare the error of a sampler with every statement that speaks of it.

    The error is exact where the law of the sampler can be enumerated; otherwise it lies in a
    bracket from `n_runs` runs. With error in [low, high], an upper bound b holds if
    high <= b, is violated if low > b, and else the runs do not tell (to 1e-10 for rounding).

    A bound that is a mean over the sampler's own randomness (T, Z) is enumerated too where
    possible. Otherwise it is measured from other runs: b lies in [b_low, b_high] at the same
    confidence, and it holds if high <= b_low and is violated if low > b_high. `value` is
    then b_high, a certified bound on the error in its own right.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        A `Sampler`, or any object with `n_particles`, `properly_weighted`, `run` and, if there is
        one, `exact_law`.
    n_runs : int, optional
        Used only if something cannot be enumerated.
    rng : int, SeedSequence or Generator, optional
        Needed with `n_runs`.
    confidence : float, optional
        Of the error's bracket, and of each measured bound: a verdict that rests on both is
        right with probability at least ``2 * confidence - 1``.
    bounds : iterable of str or Bound, optional
        Ids, or statements of your own (`theory.bound`); by default all registered ones.
    limit : float, optional
        Largest amount of work for the exact law; see `Sampler.exact_law`.
    known_z : bool, optional
        As in `measure_error`: False takes the error from runs that use no table of V* or pi*.

    Returns
    -------
    Report

    Raises
    ------
    TooLargeError
        If the law cannot be enumerated and `n_runs` is not given.
    InputError
        If an id is not known or `confidence` is not in (0, 1).

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> report = check(problem, SMC(2), bounds=["S1", "3.2"])
    >>> print(f"{report.error.high:.4f}")
    0.1250
    >>> for v in report.verdicts:
    ...     print(f"{v.id}: {v.value:.4f} {v.status}")
    S1: 0.1768 holds
    3.2: 0.8660 holds
    """
    check_tabular(problem, "check")
    check_real("confidence", confidence, 0, 1, above=True, below=True)
    chosen, skipped = _choose(problem, sampler, bounds)
    root = seed_sequence(0 if rng is None else rng)
    error = measure_error(problem, sampler, n_runs, root, confidence, limit, known_z)
    verdicts = []
    for bound in chosen:
        try:
            if bound.measured and not error.exact:
                raise TooLargeError("a mean over a law that cannot be enumerated: give runs")
            low = value = bound.value(problem, sampler)
            sure = error.confidence
        except TooLargeError as fault:
            if bound.samples is None or n_runs is None:
                skipped[bound.id] = str(fault)
                continue
            seed = root.spawn(1)[0]
            try:
                measured = bound.estimate(problem, sampler, n_runs, seed, confidence)
            except TooLargeError as beyond:
                skipped[bound.id] = str(beyond)
                continue
            low, value = measured.low, measured.high
            sure = error.confidence + confidence - 1
        vacuous = bound.kind == "upper" and value >= 1
        status = compare(error.low, error.high, RELATIONS[bound.kind], low, value)
        verdicts.append(Verdict(bound.id, bound.title, value, low, error, vacuous, status, sure))
    return Report(error, tuple(verdicts), skipped)


def _choose(
    problem: Problem, sampler: Sampler, wanted: Iterable[str | Bound] | None
) -> tuple[list[Bound], dict[str, str]]:
    """Statements that speak of the sampler, and why the others do not."""
    chosen: list[Bound] = []
    skipped: dict[str, str] = {}
    for given in BOUNDS.values() if wanted is None else wanted:
        bound = bound_named(given) if isinstance(given, str) else given
        reason = bound.why_not(problem, sampler)
        if reason is None:
            chosen.append(bound)
        else:
            skipped[bound.id] = reason
    return chosen, skipped


def measure_error(
    problem: Problem,
    sampler: Sampler,
    n_runs: int | None = None,
    rng: RngLike = 0,
    confidence: float = 0.99,
    limit: float = DEFAULT_LIMIT,
    known_z: bool = True,
) -> Interval:
    """Return the error: exact where the law can be enumerated, else a bracket from runs.

    Some long instances need no runs: `theory.instances.known_errors.exact_limits`.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        A `Sampler`, or any object with `n_particles`, `properly_weighted`, `run` and, if there is
        one, `exact_law`.
    n_runs : int, optional
        Used only if the law cannot be enumerated.
    rng : int, SeedSequence or Generator, optional
        The only source of randomness.
    confidence : float, optional
        Probability that both limits hold, in (0, 1).
    limit : float, optional
        Largest amount of work for the exact law; see `Sampler.exact_law`.
    known_z : bool, optional
        False leaves out the exact law and all that the tables tell of Z and pi*: see
        `simulator.measure.error.bracket`.

    Returns
    -------
    Interval
        Limits of D_TV(law of one output path, pi*); a `Bracket` if it took runs, and a
        `Certificate` if Z counts as unknown.

    Raises
    ------
    TooLargeError
        If the law cannot be enumerated and `n_runs` is not given.
    InputError
        If Z counts as unknown and `n_runs` is not given.
    """
    from simulator.measure.error import bracket

    root = seed_sequence(rng)
    if not known_z:
        if n_runs is None:
            raise InputError("known_z: the error comes from runs where Z is unknown; give runs")
        return bracket(
            problem, sampler, n_runs, rng=root.spawn(1)[0], confidence=confidence, known_z=False
        )
    try:
        if not hasattr(sampler, "exact_law"):
            raise TooLargeError(f"{type(sampler).__name__} has no exact law")
        return Interval.exactly(sampler.exact_law(problem, limit=limit).tv)
    except TooLargeError as fault:
        limits = exact_limits(problem, sampler)
        if limits is not None:
            return limits
        if n_runs is None:
            raise TooLargeError(f"{fault}; {_what_else(problem)}") from None
    return bracket(problem, sampler, n_runs, rng=root.spawn(1)[0], confidence=confidence)


def _what_else(problem: Problem) -> str:
    """Say what still can be had where the law on paths is too large to enumerate."""
    runs = "give a number of runs to measure the error (--runs)"
    if problem.is_tree:
        return runs
    return f"{runs}, or see its lower limit on terminal states (exact --on states)"
