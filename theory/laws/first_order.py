r"""The first-order law: what the error is for many particles, N D_TV -> A.

For finite problems without lost mass, with nu the law of the output and sigma(y) as in
`theory.laws.sigma`,

    N (nu(y)/pi*(y) - 1) -> -(sigma(y) - E_{pi*} sigma),   so
    N D_TV -> A = (1/2) E_{pi*}|sigma - E_{pi*} sigma|,
    N (P(output in E) - pi*(E)) -> -Cov_{pi*}(1_E, sigma).

Proof. nu(y)/pi*(y) = E^y[Z/W^_H], the mean under conditional SMC with y forced as one lineage.
There W^_H/Z has mean 1 + (sigma(y) - K)/N + O(1/N^2), K not depending on y, and variance C/N to
first order, C not depending on y either; higher moments are smaller, and W^_H is near 0 with
exponentially small probability only. So 1/x can be expanded at 1, and as nu sums to 1 up to
that probability, what does not depend on y must be what centres sigma.

The law says what N particles are at first order, no more: it bounds nothing at any given N.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError, TooLargeError
from simulator.interval import Interval
from simulator.measure.confidence import mean_interval
from simulator.problem.problem import Problem, check_tabular
from simulator.problem.target import target_paths
from simulator.problem.unfold import count_paths, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.streams.seeds import BLOCK, seed_sequence
from simulator.typing import Bools, Floats, RngLike
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, SECOND_MOMENT, Assumption
from theory.laws.density_sums import DensitySum
from theory.laws.path_sums import PathSum
from theory.laws.sigma import sigma

__all__ = ["FirstOrderLaw", "first_order_law", "why_no_law"]

PATHS = 200_000  # enumerated up to so many
CELLS = 1 << 22  # tokens that are drawn at once
ROUNDING = 1e-12

MANY = Assumption(
    "two particles or more: with one, nothing is resampled",
    lambda problem, sampler, facts: sampler.n_particles > 1,
)
NEEDS = (MANY, SECOND_MOMENT, DRAWN, NO_RESTART, KEEPS_MASS)


@dataclass(frozen=True)
class FirstOrderLaw:
    """What the error and the accuracy of a sampler are for many particles.

    Parameters
    ----------
    constant : Interval
        A, the limit of N D_TV(law of one output path, pi*): exact where the paths are few, else
        the mean over draws from pi* with certified limits.
    evaluations : float or None
        PRM evaluations a particle; with it A times this is the error times the cost of a run.
    probability, covariance : float or None
        pi*(E) and Cov_{pi*}(1_E, sigma), both exact; the probability of E among outputs is
        pi*(E) - covariance/N to first order. None without an event.
    """

    constant: Interval
    evaluations: float | None
    probability: float | None = None
    covariance: float | None = None


def why_no_law(problem: Problem, sampler: Sampler) -> str | None:
    """Say why the law does not speak of this sampler; None if it does.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        Of any class; `simulator.Facts` are what counts.

    Returns
    -------
    str or None
        A line that begins with "needs: ".

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> why_no_law(open_problem("reference"), SMC(4, select="best"))
    'needs: an output drawn from the last weighted cloud'
    """
    facts = facts_of(sampler, problem)
    for assumption in NEEDS:
        if not assumption.holds(problem, sampler, facts):
            return f"needs: {assumption.text}"
    return None


def first_order_law(
    problem: Problem,
    sampler: Sampler,
    correct: npt.ArrayLike | None = None,
    *,
    n_draws: int = 20_000,
    rng: RngLike = 0,
    confidence: float = 0.99,
) -> FirstOrderLaw:
    r"""Compute the constants of the first-order law; no sampler is run.

    Where there are more than 200,000 paths, or 10^8 edges, A = (1/2) E_{pi*}|sigma - E sigma| is
    a mean over draws from pi*. E sigma and the range of sigma are exact (one backward pass each),
    so the variable is bounded with known limits, and the interval holds at any number of draws: by
    betting, see `simulator.measure.confidence.mean_interval`.

    Parameters
    ----------
    problem : Problem
        What is sampled; it must lose no mass.
    sampler : Sampler
        With two particles or more, how many does not matter: SMC with multinomial resampling at
        every level, SMC-RS, SIS, or one that declares one of these laws.
    correct : (S_H,) bool array, optional
        Which terminal states are in the event E.
    n_draws : int, optional
        Draws from pi* where the paths are too many to enumerate, at least 2.
    rng : int, SeedSequence or Generator, optional
        For these draws.
    confidence : float, optional
        Of the limits of A where it is measured, in (0, 1).

    Returns
    -------
    FirstOrderLaw

    Raises
    ------
    InputError
        If the law does not speak of the sampler or of the problem, or an argument is malformed.
    TooLargeError
        If sigma is beyond the range of floats.

    Examples
    --------
    One level of SMC is self-normalised importance sampling.

    >>> from simulator.problem.model import TabularModel
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> law = first_order_law(problem, SMC(2), [False, True])
    >>> print(f"{law.constant.value:.4f} {law.probability:.4f} {law.covariance:.4f}")
    0.1875 0.7500 0.1875
    >>> [round(n * SMC(n).exact_law(problem).tv, 4) for n in (2, 8, 32)]
    [0.25, 0.2062, 0.192]
    """
    check_tabular(problem, "law")
    check_int("n_draws", n_draws, 2)
    check_real("confidence", confidence, 0, 1, above=True, below=True)
    reason = why_no_law(problem, sampler)
    if reason is not None:
        raise InputError(f"law: {reason}")
    facts = facts_of(sampler, problem)
    large = problem.tables.many  # then no array holds a number of each edge
    numbers = DensitySum(problem, facts.family) if large else sigma(problem, facts.family)
    constant = _constant(numbers, n_draws, rng, confidence)
    if correct is None:
        return FirstOrderLaw(constant, facts.evaluations)
    right = _event(problem, correct)
    probability = float(problem.target[-1][right].sum())
    covariance = numbers.mean(right.astype(np.float64) - probability) + 0.0  # no -0
    return FirstOrderLaw(constant, facts.evaluations, probability, covariance)


def _event(problem: Problem, correct: npt.ArrayLike) -> Bools:
    right = np.asarray(correct)
    if right.dtype != np.bool_ or right.shape != (problem.model.n_states[-1],):
        raise InputError(
            "correct: not an array of truth values, one of each of the "
            f"{problem.model.n_states[-1]} terminal states"
        )
    return right


def _constant(
    numbers: PathSum | DensitySum, n_draws: int, rng: RngLike, confidence: float
) -> Interval:
    """Return A, exact where that is cheap."""
    problem = numbers.problem
    low, high = numbers.limits()
    if not math.isfinite(high):
        raise TooLargeError("law: sigma is beyond the range of floats")
    centre = numbers.mean(np.ones(int(problem.model.n_states[-1])))
    farthest = max(high - centre, centre - low)
    if farthest <= ROUNDING * max(high, 1.0):
        return Interval.exactly(0.0)
    if isinstance(numbers, PathSum) and count_paths(problem) <= PATHS:
        paths = unfold(problem)
        away = np.abs(numbers.values(paths.tokens) - centre)
        return Interval.exactly(float(paths.problem.target[-1] @ away) / 2)
    away = np.abs(_draw(numbers, n_draws, rng) - centre)
    return mean_interval(np.minimum(away, farthest) / 2, confidence, 0.0, farthest / 2)


def _draw(numbers: PathSum | DensitySum, n: int, rng: RngLike) -> Floats:
    """Return sigma of paths drawn from pi*, a part at a time."""
    problem, root = numbers.problem, seed_sequence(rng)
    size = max(1, CELLS // problem.horizon // BLOCK) * BLOCK
    return np.concatenate(
        [
            numbers.values(
                target_paths(problem, min(size, n - first), root, first_block=first // BLOCK)
            )
            for first in range(0, n, size)
        ]
    )
