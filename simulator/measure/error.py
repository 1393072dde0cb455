"""The error of a sampler from independent runs: a bracket that holds at a stated confidence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.measure.confidence import clopper_pearson, mean_upper
from simulator.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import check_int
from simulator.samplers.streams import RngLike, seed_sequence

__all__ = ["Bracket", "bracket", "total_variation"]

CHUNK = 1 << 15


class Runnable(Protocol):
    """What a bracket needs of a sampler."""

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y), so that bound Z applies."""
        ...

    def run(self, problem: Problem, n_runs: int, *, rng: RngLike) -> Runs:
        """Draw independent runs."""
        ...


@dataclass(frozen=True)
class Bracket:
    """Limits of D_TV(law of one output, pi*), both at once with the stated confidence.

    Attributes
    ----------
    low, high : float
        Certified limits.
    confidence : float
        Probability that both hold is at least this.
    plug_in : float
        D_TV of the observed frequencies; biased upwards by up to about sqrt(K/R)/2 for K
        outcomes and R runs.
    shortfall_mean : float
        Mean of (1 - W^_H/Z)_+, whose expectation bounds the error (nan-free; 1 if not defined).
    failure : float
        Observed frequency of failed runs.
    n_runs : int
    """

    low: float
    high: float
    confidence: float
    plug_in: float
    shortfall_mean: float
    failure: float
    n_runs: int


def total_variation(target: npt.ArrayLike, law: npt.ArrayLike) -> float:
    """Sum of (target - law)_+ ; mass that `law` lacks (failure) counts as error.

    Parameters
    ----------
    target, law : (K,) arrays
        `target` sums to 1, `law` to at most 1.

    Returns
    -------
    float

    Examples
    --------
    >>> total_variation([0.5, 0.5], [0.5, 0.3])
    0.2
    """
    gap = np.asarray(target, dtype=np.float64) - np.asarray(law, dtype=np.float64)
    return float(np.maximum(gap, 0).sum())


def bracket(
    problem: Problem,
    sampler: Runnable,
    n_runs: int,
    *,
    rng: RngLike,
    confidence: float = 0.99,
) -> Bracket:
    r"""Bracket the error of a sampler from `n_runs` independent runs, in flat memory.

    With delta = 1 - confidence, half of it is spent on the lower limit: an event is
    learnt on the first half of the runs (terminal states drawn more often than pi* says,
    and failure), its probability bounded by Clopper-Pearson on the second half. The other
    half is spent on the upper limit, the smaller of the two that apply:
    E[(1 - W^_H/Z)_+] (arXiv 2603.07887, lemma C.3), when the sampler is properly
    weighted; and, when each terminal state is one path, the plug-in distance plus
    sqrt(log(1/delta')/(2R)) (McDiarmid; the plug-in distance is above D_TV on average).

    Parameters
    ----------
    problem : Problem
    sampler : Sampler
    n_runs : int
        At least 4.
    rng : int, SeedSequence or Generator
    confidence : float

    Returns
    -------
    Bracket

    Raises
    ------
    InputError
        If `n_runs` is below 4.
    """
    check_int("n_runs", n_runs, 4)
    delta = 1 - confidence
    target = problem.target[-1]
    half = n_runs // 2
    learn, test = np.zeros(target.size, dtype=np.int64), np.zeros(target.size, dtype=np.int64)
    failed = 0
    shortfall: list[npt.NDArray[np.float64]] = []
    for runs, first in _chunks(problem, sampler, n_runs, rng):
        ok = runs.states >= 0
        failed += int((~ok).sum())
        early = np.arange(first, first + len(runs)) < half
        learn += np.bincount(runs.states[ok & early], minlength=target.size)
        test += np.bincount(runs.states[ok & ~early], minlength=target.size)
        if sampler.properly_weighted and runs.log_w is not None:
            shortfall.append(np.maximum(0.0, -np.expm1(runs.log_w - problem.log_z)))
    event = learn > target * half
    hits = int(test[event].sum()) + (n_runs - half - int(test.sum()))
    # clopper_pearson gives each side half of its delta; only the lower side is used
    low = clopper_pearson(hits, n_runs - half, delta)[0] - float(target[event].sum())
    plug_in = total_variation(target, (learn + test) / n_runs)
    high, mean = 1.0, 1.0
    if shortfall:
        values = np.concatenate(shortfall)
        mean, high = float(values.mean()), mean_upper(values, delta / 4)
    if problem.is_tree:
        high = min(high, plug_in + math.sqrt(math.log(4 / delta) / (2 * n_runs)))
    low = max(low, 0.0)
    return Bracket(low, max(high, low), confidence, plug_in, mean, failed / n_runs, n_runs)


def _chunks(
    problem: Problem, sampler: Runnable, n_runs: int, rng: RngLike
) -> Iterator[tuple[Runs, int]]:
    root = seed_sequence(rng)
    for first in range(0, n_runs, CHUNK):
        size = min(CHUNK, n_runs - first)
        yield sampler.run(problem, size, rng=root.spawn(1)[0]), first
