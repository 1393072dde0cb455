r"""The conditional mean of a self-normalised cloud, as one one-dimensional integral.

Given the past, the N pairs (parent, child) of a level are independent draws from a law q, and
nu~ = sum_i u_i delta_{x_i} / sum_i u_i with u >= 0 a function of the pair. As
1/s = Int_0^inf exp(-t s) dt,

    E[nu~(k) | past] = N q_k u_k Int_0^inf exp(-t u_k) phi(t)^{N-1} dt,
    phi(t) = sum_k q_k exp(-t u_k).

Pairs with u = 0 stay in phi; with probability q(u = 0)^N all u are zero and nu~ is failure.

With t = exp(s) the integrand is analytic for |Im s| < pi/2 and there
|phi(t e^{i a})| <= phi(t cos a), so the trapezoidal rule of step d in s is off by at most a
factor 1 ± (4 pi/d) e exp(-pi^2/d) to leading order: 1e-15 relative at d = 1/4. Towards t = 0 the
integrand in s is t - (N - 1 + u_k) t^2 + O(t^3): the sum over all nodes further left is two
geometric series.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import TooLargeError
from simulator.typing import Floats

__all__ = ["NODES", "self_normalised_mean"]


NODES = 1000  # at most, as long as weights are within e^±100 of each other
STEP = 0.25
LEAST = 1e-304  # weights this far below the mean need nodes beyond the range of floats
LEFT = 39.0  # exp(-39) = 1e-17: what lies to the left of the grid, relative to the scale 1/E[u]
NEAR = 2.0**-17  # (N + u) t up to which two terms of the series are enough: t^3 adds 1e-16
CHUNK = 1 << 21  # entries of the largest temporary array


def self_normalised_mean(q: Floats, u: Floats, n: int) -> Floats:
    """Return E[nu~(k) | past] of every pair k, for a batch of pasts.

    Parameters
    ----------
    q : (C, K) array
        Law of one pair given each past; rows sum to 1.
    u : (C, K) array
        Weights u >= 0 of the pairs, at any scale.
    n : int
        Number of particles N.

    Returns
    -------
    (C, K) array
        Rows sum to 1 - q(u = 0)^N.

    Raises
    ------
    TooLargeError
        If a weight is positive, but below 1e-304 of the mean.

    Examples
    --------
    >>> self_normalised_mean(np.array([[0.5, 0.5]]), np.array([[1.0, 2.0]]), 2).round(12).tolist()
    [[0.416666666667, 0.583333333333]]
    """
    q, u = np.asarray(q, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if n == 1:
        return np.asarray(np.where(u > 0, q, 0.0))
    out = np.zeros_like(u)
    mean = (q * u).sum(axis=1)
    if ((u > 0) & (q > 0) & (u < LEAST * mean[:, None])).any():
        raise TooLargeError(f"weights span more than a factor {1 / LEAST:g}")
    live = np.flatnonzero(mean > 0)
    nodes_at_most = int((LEFT + np.log(n) + 800) / STEP)
    rows = max(1, CHUNK // (nodes_at_most * u.shape[1] // 8 + 1))
    for first in range(0, live.size, rows):
        part = live[first : first + rows]
        out[part] = _batch(q[part], u[part] / mean[part, None], n)
    return out


def _batch(q: Floats, u: Floats, n: int) -> Floats:
    """Do the same for rows with E[u] = 1."""
    smallest = float(np.min(u, where=(u > 0) & (q > 0), initial=np.inf))
    right = np.log(45.0) - np.log(smallest)  # exp(-45) to the right of the grid
    near = max(np.exp(-LEFT) / n, NEAR / (n + float(u.max())))
    s = np.arange(np.log(near), right + STEP, STEP)
    total = _to_the_left(near, n - 1 + u)
    size = max(1, CHUNK // (8 * u.size))
    for first in range(0, s.size, size):
        t = np.exp(s[first : first + size])
        # phi - 1 from expm1 keeps log phi accurate where phi is close to 1
        with np.errstate(over="ignore"):  # exp(-inf) = 0 is right
            drop = np.expm1(-t[:, None, None] * u)
        log_phi = np.log1p(np.maximum((q * drop).sum(axis=2), -1.0 + 1e-16))
        weight = STEP * t[:, None] * np.exp((n - 1) * log_phi)
        total += np.einsum("tc,tck->ck", weight, drop + 1.0)
    return np.asarray(n * q * u * total)


def _to_the_left(near: float, slope: Floats) -> Floats:
    """Add up the nodes below `near`, where the integrand is t - slope t^2."""
    ratio = np.exp(-STEP)
    first = near * ratio / (1 - ratio)
    second = (near * ratio) ** 2 / (1 - ratio**2)
    # a pair whose weight dwarfs the mean has next to no share: it may lose the part
    return np.asarray(STEP * np.maximum(first - slope * second, 0.0))
