"""Accuracy and sampling error as the PRM is sharpened: figure 4 of arXiv 2603.07887, exactly."""

from __future__ import annotations

from functools import cache

from scripts.experiments.accuracy import LAMBDAS, run_cell
from scripts.experiments.experiment import Rows

__all__ = ["LAMBDAS", "PARTICLES", "SIGMAS", "curve", "row"]

PARTICLES = (1, 2, 3)
SIGMAS = (0.0, 0.3, 0.6, 1.0)
SEED = 0


@cache
def row(n_particles: int, power: float, sigma: float) -> dict[str, float]:
    """Return accuracy, error and chi-square of SMC with V^ = (V* noise)^lambda, all exact.

    Parameters
    ----------
    n_particles : int
        N.
    power : float
        lambda.
    sigma : float
        Of the noise.
    """
    found: Rows = run_cell(n_particles, power, sigma, SEED)
    return {
        "accuracy": _number(found[0]["accuracy"]),
        "error": _number(found[0]["error"]),
        "chi2": _number(found[0]["chi2"]),
        "target": _number(found[0]["target_accuracy"]),
    }


def curve(n_particles: int, sigma: float) -> list[dict[str, float]]:
    """Return `row` for all `LAMBDAS`; about 0.5 s the first time with three particles.

    Parameters
    ----------
    n_particles : int
        N.

    Examples
    --------
    >>> made = curve(2, 0.3)
    >>> best = max(made, key=lambda r: r["accuracy"])
    >>> least = min(made, key=lambda r: r["error"])
    >>> best["error"] > least["error"], best["accuracy"] > least["accuracy"]
    (True, True)
    """
    return [row(n_particles, power, sigma) for power in LAMBDAS]


def _number(value: object) -> float:
    assert isinstance(value, (int, float))
    return float(value)
