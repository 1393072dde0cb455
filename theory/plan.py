"""How many particles each statement asks for at a wanted error, and how many truly suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.checks import check_real
from simulator.errors import TooLargeError
from simulator.interval import Interval
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike
from theory.laws.first_order import first_order_law, why_no_law
from theory.registry import bounds_for
from theory.statement import Bound
from theory.verdict import measure_error

__all__ = ["Plan", "plan"]

MOST = 2**30  # particles at which the search for a bound gives up
MOST_SAMPLED = 2**14
MEASURED = 5_000  # runs for a bound that is a mean
LIMIT = 3e6  # cloud transitions of one enumeration
CONFIDENCE = 0.99


@dataclass(frozen=True)
class Plan:
    """Particles for an error of at most epsilon.

    What is measured is certified at 99% for each N that the search looks at, not for the search.

    Parameters
    ----------
    epsilon : float
        The error that is wanted, in (0, 1).
    asked : dict of str to (int or None)
        By statement id: smallest N at which its value is at most epsilon; None if no N up to
        2^30 is. A bound that can only be measured gives the smallest power of two, up to 2^14, at
        which its certified upper limit is.
    enough : int or None
        Smallest N found whose error is at most epsilon, exactly or certified; None if no N up to
        2^14 is.
    too_few : int
        Largest N found whose error is above epsilon, exactly or certified; 0 if none.
    exact : bool
        Whether both come from exact laws, or from statements that give the error exactly: then
        enough = too_few + 1.
    least_error : float
        What the error is at least for every N: the mass of pi* on paths that the sampler cannot
        output. Above epsilon, no N suffices, and nothing else is searched.
    first_order : Interval or None
        A/epsilon, the N at which the first-order law is at epsilon: asymptotic and no bound, but
        it needs no run at any horizon. Its limits are those of A, see
        `theory.laws.first_order.first_order_law`. None if the sampler has no such law.
    """

    epsilon: float
    asked: dict[str, int | None]
    enough: int | None
    too_few: int
    exact: bool
    least_error: float = 0.0
    first_order: Interval | None = None


def plan(
    problem: Problem,
    make: Callable[[int], Sampler],
    epsilon: float,
    *,
    n_runs: int = 20_000,
    rng: RngLike = 0,
) -> Plan:
    """Find the particles that each applicable upper bound asks for, and that truly suffice.

    Bounds fall as N grows, so their N is found by doubling and halving. The error itself is
    searched in the same way: exact where a statement gives it (C.8, P-ind) or as long as the law
    can be enumerated, then from `n_runs` runs, where the gap between `too_few` and `enough` is
    what the runs do not tell.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    make : callable
        Makes the sampler of a number of particles N.
    epsilon : float
        The error that is wanted, in (0, 1).
    n_runs : int, optional
        For what cannot be enumerated.
    rng : int, SeedSequence or Generator, optional
        The only source of randomness.

    Returns
    -------
    Plan

    Raises
    ------
    InputError
        If epsilon is not in (0, 1).

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> found = plan(problem, SMC, 0.1)
    >>> found.asked["S1"], found.asked["J"], found.enough, found.too_few
    (7, 4, 3, 2)
    >>> round(found.first_order.value, 12)  # 3/16 over 0.1
    1.875
    """
    check_tabular(problem, "plan")
    check_real("epsilon", epsilon, 0, 1, above=True, below=True)
    lost = facts_of(make(2), problem).lost_mass
    if lost > epsilon:
        hopeless: dict[str, int | None] = {b.id: None for b in _upper(problem, make(2))}
        return Plan(epsilon, hopeless, None, MOST, True, lost)
    of_truth, of_law, of_bounds = seed_sequence(rng).spawn(3)  # more bounds change no truth
    few = min(n_runs, MEASURED)
    asked = {
        b.id: _asked(b, problem, make, epsilon, few, of_bounds) for b in _upper(problem, make(2))
    }
    truth = _truth(problem, make, epsilon, n_runs, of_truth)
    return Plan(epsilon, asked, *truth, lost, _first_order(problem, make(2), epsilon, few, of_law))


def _first_order(
    problem: Problem, sampler: Sampler, epsilon: float, n_draws: int, seed: np.random.SeedSequence
) -> Interval | None:
    """Return A/epsilon, or None without a law."""
    if why_no_law(problem, sampler) is not None:
        return None
    try:
        law = first_order_law(
            problem, sampler, n_draws=max(n_draws, 2), rng=seed, confidence=CONFIDENCE
        )
    except TooLargeError:
        return None
    a = law.constant
    return Interval(a.value / epsilon, a.low / epsilon, a.high / epsilon, a.confidence)


def _upper(problem: Problem, sampler: Sampler) -> list[Bound]:
    return [b for b in bounds_for(problem, sampler) if b.kind == "upper"]


def _asked(
    bound: Bound,
    problem: Problem,
    make: Callable[[int], Sampler],
    epsilon: float,
    n_runs: int,
    root: np.random.SeedSequence,
) -> int | None:
    sampled = False

    def suffices(n: int) -> bool:
        nonlocal sampled
        if bound.infinite_because(problem, make(n)) is not None:
            return False
        try:
            if bound.measured:  # its value is a mean over all clouds
                make(n).exact_law(problem, limit=LIMIT)
            return bound.value(problem, make(n)) <= epsilon
        except TooLargeError:
            sampled = True
            seed = root.spawn(1)[0]
            return bound.estimate(problem, make(n), n_runs, seed, CONFIDENCE).high <= epsilon

    n = 1
    while not suffices(n):
        n *= 2
        if n > (MOST_SAMPLED if sampled else MOST):
            return None
    return n if sampled or n == 1 else _bisect(suffices, n // 2, n)


def _truth(
    problem: Problem,
    make: Callable[[int], Sampler],
    epsilon: float,
    n_runs: int,
    root: np.random.SeedSequence,
) -> tuple[int | None, int, bool]:
    exact, too_few = True, 0

    def suffices(n: int) -> bool:
        nonlocal exact, too_few
        seed = root.spawn(1)[0]
        error = _stated(problem, make(n))
        if error is None:
            error = measure_error(problem, make(n), n_runs, seed, CONFIDENCE, LIMIT)
        exact &= error.exact
        if error.low > epsilon:
            too_few = max(too_few, n)
        return error.high <= epsilon

    n = 1
    while not suffices(n):
        n *= 2
        if n > MOST_SAMPLED:
            return None, too_few, exact
    return (n if n == 1 else _bisect(suffices, n // 2, n)), too_few, exact


def _stated(problem: Problem, sampler: Sampler) -> Interval | None:
    """Return the error where a statement gives it exactly, at any size."""
    for bound in bounds_for(problem, sampler):
        if bound.kind == "exact":
            return Interval.exactly(bound.value(problem, sampler))
    return None


def _bisect(suffices: Callable[[int], bool], low: int, high: int) -> int:
    """Narrow down to the smallest N in (low, high] that suffices."""
    while high - low > 1:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle
    return high
