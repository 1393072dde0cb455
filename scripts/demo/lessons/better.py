"""Samplers that err more and answer better: a sharpened PRM, few particles, ways to answer."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scripts.experiments.accuracy_bias import early_answer
from simulator.exact.integrated_law import integrated_law
from simulator.exact.law import total_variation
from simulator.measure.cloud_accuracy import SELECT, exact_accuracy
from simulator.problem.prms import TemperedPRM
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Bools
from theory.accuracy.laws import accuracy_limits
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.sharpened_product import SharpenedProduct
from theory.laws.first_order import first_order_law

__all__ = [
    "EARLY_PARTICLES", "EARLY_POWERS", "HORIZONS", "PARTICLES", "POWERS", "early", "early_law",
    "sharpened", "ways",
]  # fmt: skip

POWERS = tuple(k / 4 for k in range(25))
HORIZONS = (12, 30, 60, 120)
PARTICLES = (2, 4, 8, 16, 32, 64)
EARLY_POWERS = tuple(k / 2 for k in range(9))
EARLY_PARTICLES = (1, 2, 3, 4, 6, 8, 16, 32, 64)
WAYS = {
    "sample": "the sampler's output",
    "best": "the particle of highest reward",
    "vote": "the weighted vote",
    "any": "any of the N (pass@N)",
}


@lru_cache(maxsize=1024)
def sharpened(horizon: int, n_particles: int, power: float) -> dict[str, float]:
    """Return accuracy, its limits, error and chi-square on the product instance, all exact.

    An output is right if two thirds of its bits are ones.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.

    Examples
    --------
    >>> for power in (1.0, 3.0):
    ...     at = sharpened(60, 32, power)
    ...     print(f"{at['accuracy']:.3f} {at['error']:.3f} {at['chi2']:.0f}")
    0.166 0.019 0
    0.971 0.836 8909
    """
    at = SharpenedProduct(horizon, n_particles, power)
    k = -(-2 * horizon // 3)
    limits = sampled_accuracy(at.problem(), SMC(n_particles), np.arange(horizon + 1) >= k)
    return {
        "accuracy": at.at_least(k),
        "low": limits.low,
        "high": limits.high,
        "target": at.target_at_least(k),
        "error": at.tv(),
        "chi2": at.chi2(horizon - 1),
    }


@lru_cache(maxsize=16)
def _judged(power: float) -> tuple[Problem, Bools]:
    problem, correct = early_answer()
    return problem.with_prm(TemperedPRM(power)), correct


@lru_cache(maxsize=256)
def early(power: float, n_particles: int) -> dict[str, float]:
    """Return accuracy and error where the first token is the answer, exact.

    Parameters
    ----------
    power : float
        lambda.
    n_particles : int
        N.

    Examples
    --------
    >>> print(f"{early(4.0, 4)['accuracy']:.3f} {early(4.0, 64)['accuracy']:.3f}")
    0.805 0.696
    """
    problem, correct = _judged(power)
    law = integrated_law(problem, n_particles)
    return {
        "accuracy": float(law[correct].sum()),
        "error": total_variation(problem.target[-1], law),
    }


@lru_cache(maxsize=16)
def early_law(power: float) -> tuple[float, float]:
    """Return pi*(right) and the covariance whose share 1/N the accuracy loses, to first order.

    Parameters
    ----------
    power : float
        lambda.
    """
    problem, correct = _judged(power)
    law = first_order_law(problem, SMC(2), correct)
    assert law.probability is not None
    assert law.covariance is not None
    return law.probability, law.covariance


@lru_cache(maxsize=256)
def ways(power: float, n_particles: int) -> list[dict[str, object]]:
    """Return the accuracy of each way in which N particles can answer, with its limits.

    Parameters
    ----------
    power : float
        lambda.
    n_particles : int
        N.

    Examples
    --------
    >>> [round(r["Accuracy"], 3) for r in ways(1.0, 4)]
    [0.627, 0.846, 0.557, 0.846]
    """
    problem, correct = _judged(power)
    sampler = SMC(n_particles)
    rows: list[dict[str, object]] = []
    for select in SELECT:
        limits = accuracy_limits(problem, sampler, correct, select)
        rows.append(
            {"The answer is": WAYS[select],
             "Accuracy": exact_accuracy(problem, sampler, correct, select),
             "At least": limits.low, "At most": limits.high}
        )  # fmt: skip
    return rows
