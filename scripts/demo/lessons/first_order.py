"""N times the error and its limit A, on an instance that drifts and on one that wanders."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from scripts.experiments.first_order import INSTANCES, walks
from simulator.interval import Interval
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats
from theory.laws.first_order import first_order_law

__all__ = ["HORIZONS", "NAMES", "PARTICLES", "constant", "scaled_error", "straight", "sums"]

NAMES = tuple(INSTANCES)
HORIZONS = (8, 16, 32, 64, 128, 256)
PARTICLES = (2, 4, 8, 16, 32, 64, 128)
PATHS = 12
ROUNDING = 1e-9


@lru_cache(maxsize=8)
def _instance(name: str, horizon: int) -> Problem:
    return open_problem(f"{name}:horizon={horizon}")


@lru_cache(maxsize=64)
def constant(name: str, horizon: int) -> Interval:
    """Return A: exact where paths are few, else with 99% limits from 20,000 draws from pi*.

    Parameters
    ----------
    name : str
        Of `NAMES`.

    Examples
    --------
    >>> print(f"{constant('product', 8).value:.4f} {constant('two-branch', 8).value:.4f}")
    0.3642 0.5256
    """
    return first_order_law(_instance(name, horizon), SMC(2)).constant


@lru_cache(maxsize=256)
def scaled_error(name: str, horizon: int, n_particles: int) -> Interval:
    """Return N D_TV of SMC: exact on the product instance, else between exact limits.

    Parameters
    ----------
    name : str
        Of `NAMES`.
    n_particles : int
        N.

    Examples
    --------
    >>> found = scaled_error("two-branch", 8, 64)
    >>> print(f"{found.low:.4f} {found.high:.4f}")
    0.4995 0.5005
    """
    n, found = n_particles, INSTANCES[name](horizon, n_particles)
    low, high = n * found.low, n * found.high
    return Interval((low + high) / 2, low, high, found.confidence)


@lru_cache(maxsize=64)
def sums(name: str, horizon: int) -> Floats:
    """Return sums of the first 0, 1, ..., H steps of sigma along 12 paths, less their means.

    Parameters
    ----------
    name : str
        Of `NAMES`.

    Returns
    -------
    (12, H + 1) array
    """
    return walks(_instance(name, horizon), PATHS)


def straight(name: str, horizon: int) -> int:
    """Return on how many of the 12 paths all steps after the first are equal.

    Parameters
    ----------
    name : str
        Of `NAMES`.

    Examples
    --------
    >>> straight("product", 16), 0 < straight("two-branch", 16) < 12
    (0, True)
    """
    steps = np.diff(sums(name, horizon), axis=1)[:, 1:]
    return int((np.ptp(steps, axis=1) < ROUNDING).sum())
