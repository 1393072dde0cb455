"""Confidence limits that hold at every sample size, for means of bounded variables.

No normal approximation: a limit at level 1 - delta fails with probability at most delta.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import betaincinv, rel_entr

__all__ = ["clopper_pearson", "mean_upper"]


def mean_upper(samples: npt.ArrayLike, delta: float, low: float = 0.0, high: float = 1.0) -> float:
    r"""Upper confidence limit for the mean of independent variables in [low, high].

    The smaller of two limits, each at delta/2: Chernoff's with the relative entropy
    kl(mean, mu) <= log(2/delta)/n (Hoeffding 1963, theorem 1), and the empirical
    Bernstein limit of Maurer and Pontil (2009, theorem 4).

    Parameters
    ----------
    samples : (n,) array
        Independent draws, n >= 2.
    delta : float
        Largest probability that the limit is below the mean.
    low, high : float
        Range of the variable.

    Returns
    -------
    float
        At most `high`.

    Examples
    --------
    >>> round(mean_upper([0.0] * 1000, delta=0.01), 5)
    0.00528
    """
    x = (np.asarray(samples, dtype=np.float64) - low) / (high - low)
    if x.size < 2 or not ((x > -1e-12) & (x < 1 + 1e-12)).all():
        raise ValueError("mean_upper needs at least two samples inside [low, high]")
    n, mean = x.size, min(max(float(x.mean()), 0.0), 1.0)
    log_term = math.log(4 / delta)
    bernstein = mean + math.sqrt(2 * float(x.var(ddof=1)) * log_term / n)
    bernstein += 7 * log_term / (3 * (n - 1))
    limit = min(_chernoff_upper(mean, math.log(2 / delta) / n), bernstein, 1.0)
    return low + (high - low) * limit


def _chernoff_upper(mean: float, budget: float) -> float:
    """Largest mu with kl(mean, mu) <= budget."""

    def excess(mu: float) -> float:
        return float(rel_entr(mean, mu) + rel_entr(1 - mean, 1 - mu)) - budget

    top = 1 - 1e-16
    if mean >= top or excess(top) <= 0:
        return 1.0
    return float(brentq(excess, mean, top, xtol=1e-15)) + 1e-12


def clopper_pearson(successes: int, n: int, delta: float) -> tuple[float, float]:
    """Exact limits for a binomial probability; each side fails with probability <= delta/2.

    Parameters
    ----------
    successes, n : int
        Number of successes in n independent trials.
    delta : float
        Error probability, both sides together.

    Returns
    -------
    low, high : float

    Examples
    --------
    >>> [round(x, 4) for x in clopper_pearson(0, 100, 0.05)]
    [0.0, 0.0362]
    """
    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, delta / 2))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1 - delta / 2))
    return low, high
