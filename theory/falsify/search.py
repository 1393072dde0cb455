"""Searching for the problem on which an inequality comes closest to failing, or fails."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from itertools import islice

import numpy as np

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import Floats
from theory.falsify.inequality import Inequality, ratio_of
from theory.falsify.rational import Confirmation, confirm
from theory.falsify.score import Budget, Score, Spent, Watch
from theory.falsify.shape import Shape
from theory.falsify.simplify import simplify
from theory.falsify.starts import starts

__all__ = ["NEAREST", "VIOLATED", "Found", "heading", "label", "search"]

VIOLATED = 1 + 1e-9
POOL = 20  # starts of a round
PROBE = 12  # problems after which a statement that speaks of none is about families
SILENT = 300  # problems in a row after which it is about nothing
SEARCHED = 0.8  # share of the budget before simplification
LOST = 0.001  # share of the ratio that a simpler instance may lose
WIDE, NARROW = 0.7, 0.1  # first steps of the climbs, in logarithms
ATTAINED = 1 - 1e-6  # a ratio from which nothing climbs
MOST = 1000  # evaluations of a climb
NOTHING = 30.0  # loss where the ratio is 0
NEAREST = "is nearest to equality for"


@dataclass(frozen=True)
class Found:
    """The worst instance of a search.

    Parameters
    ----------
    problem : Problem
        Its name says what it shows, or how its family makes it.
    sampler : Sampler
        For which the sides were computed.
    left, right : float
        The sides.
    ratio : float
        left/right; 0 if nothing above rounding was found.
    confirmation : Confirmation or None
        What came out when a ratio above 1 was computed again, without rounding where possible.
    evaluations : int
        How often the sides were computed.
    seconds : float
        That it took.
    interrupted : bool
        Whether it was stopped before its budget was spent.
    """

    problem: Problem
    sampler: Sampler
    left: float
    right: float
    ratio: float
    confirmation: Confirmation | None
    evaluations: int
    seconds: float
    interrupted: bool

    @property
    def violated(self) -> bool:
        """Whether the inequality is refuted."""
        return self.confirmation is not None and self.confirmation.violated


def search(
    inequality: Inequality,
    make: Callable[[int], Sampler],
    *,
    particles: Sequence[int] = (2, 3, 4, 1),
    horizon: int = 4,
    actions: int = 3,
    seed: int = 0,
    seconds: float = math.inf,
    evaluations: float = math.inf,
    watch: Watch | None = None,
) -> Found:
    """Look for the largest left/right over small problems.

    Rounds follow each other until the budget is spent or the inequality is refuted: random
    problems and members of families are compared, CMA-ES climbs from the best of them, and in
    every other round from the best of all, over the logarithms of all positive numbers. At last
    the numbers of the worst instance are made simple, and a ratio above 1 is computed again in
    fractions.

    Parameters
    ----------
    inequality : Inequality
        What is to be refuted; see `theory.falsify.inequality.of_bound`.
    make : callable
        Number of particles to sampler.
    particles : sequence of int, optional
        Numbers of particles that are tried.
    horizon, actions : int, optional
        Largest H and A; a statement about families is tried on all sizes of theirs.
    seed : int, optional
        Of all random draws.
    seconds, evaluations : float, optional
        Budget, one of which must be finite; with `evaluations` alone the result is the same at
        each call.
    watch : callable or None, optional
        Told (stage, best ratio, share of the budget spent) after each evaluation.

    Returns
    -------
    Found
        Also after an interrupt by the keyboard: the best so far.

    Raises
    ------
    InputError
        If the statement speaks of none of the problems, or the budget has no limit.

    Examples
    --------
    >>> from simulator import SMC
    >>> from theory.registry import BOUNDS
    >>> from theory.falsify.inequality import of_bound
    >>> found = search(of_bound(BOUNDS["S1"]), SMC, horizon=2, actions=2, evaluations=300)
    >>> found.violated, found.ratio > 0.8
    (False, True)
    """
    if math.isinf(seconds) and math.isinf(evaluations):
        raise InputError("falsify: give a number of seconds or of evaluations")
    check_int("horizon", horizon, 1)
    check_int("actions", actions, 2)
    score = Score(inequality, Budget(seconds, evaluations), *([watch] if watch else []))
    samplers = [make(n) for n in dict.fromkeys(particles)]
    interrupted = False
    try:
        try:
            score.until = SEARCHED
            _rounds(score, samplers, np.random.default_rng(seed), horizon, actions)
        except Spent:
            pass
        _check_spoken(score)
        score.until, score.stage = 1.0, "simplification"
        _tidy(score)
    except Spent:
        pass
    except KeyboardInterrupt:
        interrupted = True
        _check_spoken(score)
    assert score.instance is not None
    return _found(score, interrupted)


def _check_spoken(score: Score) -> None:
    if not score.spoken:
        raise InputError(
            f"{score.inequality.id} speaks of none of {score.budget.done} problems: "
            f"{score.silence or 'none was tried'}"
        )


def _rounds(
    score: Score, samplers: list[Sampler], rng: np.random.Generator, horizon: int, actions: int
) -> None:
    of_families = _is_about_families(score.inequality, samplers, horizon, actions)
    problems = starts(rng, horizon, actions, any_horizon=of_families)
    best: dict[int, tuple[float, Problem]] = {}  # for each number of particles
    count, waiting = 0, deque(samplers)
    while waiting and score.best <= VIOLATED:
        count, sampler = count + 1, waiting.popleft()
        n = sampler.n_particles
        score.stage = f"round {count}, N = {n}"
        spoken = _spoken_of(score, problems, sampler)
        pool = [(score(p, sampler), p) for p in islice(spoken, POOL)]
        if not pool:
            continue  # it is silent about this sampler
        waiting.append(sampler)
        start = max(pool, key=lambda one: one[0])
        if 0 < start[0] < ATTAINED and not of_families:
            climbed = _climb(score, start[1], sampler, rng, WIDE)
            again = n in best
            best[n] = max(climbed, best.get(n, climbed), key=lambda one: one[0])
            if again and best[n][0] < ATTAINED:
                best[n] = _climb(score, best[n][1], sampler, rng, NARROW)


def _spoken_of(score: Score, problems: Iterator[Problem], sampler: Sampler) -> Iterator[Problem]:
    """Leave out problems of which the claim does not speak, at most so many in a row."""
    silent = 0
    while silent < SILENT:
        problem = next(problems)
        reason = score.inequality.why_not(problem, sampler)
        silent = silent + 1 if reason else 0
        if reason is None:
            yield problem
        else:
            score.silence = reason


def _is_about_families(
    inequality: Inequality, samplers: list[Sampler], horizon: int, actions: int
) -> bool:
    """Whether a statement is silent on random problems, which belong to no family."""
    some = islice(starts(np.random.default_rng(0), horizon, actions), PROBE)
    plain = [Shape(p) for p in some]
    return all(
        inequality.why_not(shape.problem(shape.point), sampler) is not None
        for shape in plain
        for sampler in samplers
    )


def _climb(
    score: Score, problem: Problem, sampler: Sampler, rng: np.random.Generator, step: float
) -> tuple[float, Problem]:
    """Maximise the ratio over the positive numbers of a problem by CMA-ES; return the best."""
    from cma import CMAEvolutionStrategy

    shape, best = Shape(problem), (0.0, problem)

    def loss(point: Floats) -> float:
        nonlocal best
        at = shape.problem(point)
        ratio = score(at, sampler)
        if ratio >= best[0]:
            best = (ratio, at)
        return -math.log(ratio) if ratio > 0 else NOTHING

    padding = np.zeros(max(0, 2 - shape.size))  # CMA-ES wants two coordinates
    options = {
        "seed": math.nan, "randn": lambda *size: rng.standard_normal(size), "verbose": -9,
        "verb_log": 0, "tolfun": 1e-5, "tolx": 1e-4, "maxfevals": min(200 + 40 * shape.size, MOST),
    }  # fmt: skip
    climber = CMAEvolutionStrategy(np.concatenate([shape.point, padding]), step, options)
    while not climber.stop() and math.isfinite(score.best):
        points = climber.ask()
        climber.tell(points, [loss(point) for point in points])
    return best


def _tidy(score: Score) -> None:
    """Simplify the best instance."""
    assert score.instance is not None
    problem, sampler = score.instance
    if score.best == 0:
        return
    floor = score.best * (1 - LOST)
    if score.best > VIOLATED:
        floor = 1 + 0.9 * (min(score.best, 2.0) - 1)
    best = score.best
    for simpler in simplify(problem, lambda p: score(p, sampler) >= floor):
        score.instance = (simpler, sampler)
    score.best = best


def _found(score: Score, interrupted: bool) -> Found:
    assert score.instance is not None
    (problem, sampler), budget = score.instance, score.budget
    left, right = (0.0, math.inf)
    ratio, confirmation = 0.0, None
    if score.best > 0:
        left, right = score.inequality.sides(problem, sampler)
        ratio = ratio_of(left, right)
    if ratio > VIOLATED:
        confirmation = confirm(score.inequality, problem, sampler)
    found = Found(
        problem, sampler, left, right, ratio, confirmation, budget.done,
        time.monotonic() - budget.began, interrupted,
    )  # fmt: skip
    if problem.instance is not None:  # its name is how it is made
        return found
    verb = "is broken by" if found.violated else NEAREST
    problem.name = heading(score.inequality, verb, sampler, ratio)
    return found


def heading(inequality: Inequality, verb: str, sampler: Sampler, ratio: float) -> str:
    """Say what an instance shows, for its name.

    Parameters
    ----------
    inequality : Inequality
        What is claimed.
    verb : str
        What the instance does to it, as `NEAREST`.
    sampler : Sampler
        By which.
    ratio : float
        left/right.

    Returns
    -------
    str

    Examples
    --------
    >>> from simulator import SMC
    >>> from theory.falsify.inequality import of_bound
    >>> from theory.registry import BOUNDS
    >>> heading(of_bound(BOUNDS["J"]), NEAREST, SMC(2), 0.5)
    'D_TV <= J is nearest to equality for SMC(2): left/right = 0.5'
    """
    return f"{inequality.text} {verb} {label(sampler)}: left/right = {ratio:.6g}"


def label(sampler: Sampler) -> str:
    """Name a sampler with its number of particles and the options that are not the default.

    Parameters
    ----------
    sampler : Sampler
        Of any class.

    Returns
    -------
    str

    Examples
    --------
    >>> from simulator import SMC
    >>> label(SMC(4, resampling="ssp"))
    "SMC(4, resampling='ssp')"
    """
    options = ""
    if is_dataclass(sampler):
        options = "".join(
            f", {f.name}={getattr(sampler, f.name)!r}"
            for f in fields(sampler)[1:]
            if getattr(sampler, f.name) != f.default
        )
    return f"{type(sampler).__name__}({sampler.n_particles}{options})"
