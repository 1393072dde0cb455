r"""Exact laws at any horizon for two instances whose particle clouds lump into counts.

*Product instance* (arXiv 2603.07887, C.8 and C.9): fair bits, V^ = V*, and a weight that is r
times as large for a one, r = 2 in the paper. The output of SMC is exactly Ber(p_N)^H. This holds
for every unbiased resampling scheme applied at every level: the bits of a level are independent of
the order of the slots, so the slot of the output lineage is uniform given its later bits; its
ancestor is drawn with probability E[counts_i]/N = W_i, which depends on the number A of ones of the
level only, and these numbers are independent Bin(N, 1/2).

*Two-branch instance*: a fair first bit b; if b = 1 each later bit multiplies the weight by
1 + s or 1 - s; V^ = V*. The number of particles with b = 1 is a Markov chain on 0..N.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulator.errors import InputError
from simulator.typing import Floats

__all__ = [
    "binomial_rows",
    "product_one_probability",
    "product_tv",
    "two_branch_bias",
    "two_branch_counts",
    "two_branch_transition",
]


NEGLIGIBLE = 1e-20


def product_one_probability(n_particles: int, ratio: float = 2.0) -> float:
    """Probability p_N that one token of SMC's output is a one on the product instance.

    p_N = E[rA/(N + (r-1)A)] with A ~ Bin(N, 1/2); the target has r/(1+r).

    Parameters
    ----------
    n_particles : int
        N.
    ratio : float, optional
        r > 0, weight of a one over that of a zero.

    Examples
    --------
    >>> product_one_probability(1)
    0.5
    >>> round(product_one_probability(8), 6)
    0.647396
    """
    _at_least(n_particles, 1, "n_particles")
    if not 0 < ratio < np.inf:
        raise InputError(f"ratio: {ratio}, but it must be positive and finite")
    ones = np.arange(n_particles + 1)
    from scipy.stats import binom

    chance = binom.pmf(ones, n_particles, 0.5)
    return float((chance * ratio * ones / (n_particles + (ratio - 1) * ones)).sum())


def product_tv(horizon: int, n_particles: int, ratio: float = 2.0) -> float:
    """Error D_TV(Ber(p_N)^H, Ber(q)^H), q = r/(1+r), of SMC on the product instance.

    It equals D_TV(Bin(H, p_N), Bin(H, q)): the number of ones is sufficient. Of two
    binomial laws with p < q the second is larger exactly from some k on, so the distance
    is a difference of two incomplete beta functions.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N.
    ratio : float, optional
        r > 0, weight of a one over that of a zero.

    Examples
    --------
    >>> [round(product_tv(h, 8), 3) for h in (64, 256, 1024, 4096)]
    [0.129, 0.255, 0.484, 0.806]
    """
    _at_least(horizon, 1, "horizon")
    if 0 < ratio < 1:
        ratio = 1 / ratio  # zeros take the place of ones
    p, q = product_one_probability(n_particles, ratio), ratio / (1 + ratio)
    if p >= q:  # by rounding only
        return 0.0
    up, down = np.log(q / p), np.log((1 - q) / (1 - p))
    k = int(np.floor(-horizon * down / (up - down))) + 1  # smallest k with the larger law Bin(q)
    from scipy.special import betainc

    return float(betainc(k, horizon - k + 1, q) - betainc(k, horizon - k + 1, p))


@lru_cache(maxsize=16)
def two_branch_transition(n_particles: int, s: float = 0.5) -> tuple[Floats, Floats]:
    """Make the tables of the two-branch instance under multinomial resampling at every level.

    Parameters
    ----------
    n_particles : int
        N.
    s : float
        Relative step of the weight in branch 1, 0 <= s <= 1.

    Returns
    -------
    transition : (N+1, N+1) array
        Law of the number in branch 1 at the next level, a row a number now; for levels
        that carry weights (2, ..., H).
    mean : (N+1,) array
        E[nu^_h(b=1)], the weighted share of branch 1, given the number.

    Examples
    --------
    >>> transition, mean = two_branch_transition(2)
    >>> mean.round(6).tolist()
    [0.0, 0.466667, 1.0]
    """
    _at_least(n_particles, 1, "n_particles")
    if not 0 <= s <= 1:
        raise InputError(f"s: {s}, but it must lie between 0 and 1")
    n = n_particles
    transition, mean = np.zeros((n + 1, n + 1)), np.zeros(n + 1)
    for k in range(n + 1):
        ups = np.arange(k + 1)
        chance = binomial_rows(k, np.array([0.5]))[0]
        weight = k + s * (2 * ups - k)
        total = n - k + weight
        # s = 1 and all particles in branch 1 with weight zero: a failed run, no share at all.
        chance[total == 0] = 0
        ups = np.flatnonzero(chance > NEGLIGIBLE)
        chance, share = chance[ups], weight[ups] / total[ups]
        mean[k] = chance @ share
        transition[k] = chance @ binomial_rows(n, share)
    transition.flags.writeable = mean.flags.writeable = False
    return transition, mean


def two_branch_counts(horizon: int, n_particles: int, s: float = 0.5) -> Floats:
    """Law of the number of particles with b = 1 at level H, before the last draw.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N.

    Returns
    -------
    (N+1,) array

    Examples
    --------
    >>> two_branch_counts(1, 2).round(12).tolist()
    [0.25, 0.5, 0.25]
    """
    _at_least(horizon, 1, "horizon")
    transition, _ = two_branch_transition(n_particles, s)
    now = np.arange(n_particles + 1)
    from scipy.stats import binom

    law = binom.pmf(now, n_particles, 0.5)
    if horizon > 1:  # the first bit carries no weight
        law = law @ binom.pmf(now[None], n_particles, now[:, None] / n_particles)
        law = law @ np.linalg.matrix_power(transition, horizon - 2)
    return np.asarray(law)


def two_branch_bias(horizon: int, n_particles: int, s: float = 0.5) -> float:
    """1/2 - E[nu^_H(b=1)], a lower bound of SMC's error on the two-branch instance.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N.

    Examples
    --------
    >>> round(two_branch_bias(8, 8), 10), round(two_branch_bias(64, 8), 10)
    (0.0290410873, 0.0446019253)
    """
    law = two_branch_counts(horizon, n_particles, s)
    if horizon == 1:
        return 0.0
    return float(0.5 - law @ two_branch_transition(n_particles, s)[1])


def binomial_rows(n: int, p: Floats) -> Floats:
    """Return the probabilities of Bin(n, p), one row for each p; faster than scipy's for tables.

    Parameters
    ----------
    p : (k,) array

    Returns
    -------
    (k, n+1) array
    """
    k = np.arange(n + 1)
    from scipy.special import gammaln, xlog1py, xlogy

    log_choose = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    pmf = np.exp(log_choose + xlogy(k, p[:, None]) + xlog1py(n - k, -p[:, None]))
    return np.asarray(pmf / pmf.sum(axis=1, keepdims=True))


def _at_least(value: int, low: int, name: str) -> None:
    if value < low:
        raise InputError(f"{name}: {value}, but at least {low} is needed")
