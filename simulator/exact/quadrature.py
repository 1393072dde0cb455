r"""The conditional mean of a self-normalised cloud, as one one-dimensional integral.

Given the past, the N pairs (parent, child) of a level are independent draws from a law q, and
nu~ = sum_i u_i delta_{x_i} / sum_i u_i with u >= 0 a function of the pair. As
1/s = Int_0^inf exp(-t s) dt,

    E[nu~(k) | past] = N q_k u_k Int_0^inf exp(-t u_k) phi(t)^{N-1} dt,
    phi(t) = sum_k q_k exp(-t u_k).

Pairs with u = 0 stay in phi; with probability q(u = 0)^N all u are zero and nu~ is failure.

With t = exp(s) the integrand is analytic for |Im s| < pi/2 and there
|phi(t e^{i a})| <= phi(t cos a), so the trapezoidal rule of step d in s is off by at most a
factor 1 ± (4 pi/d) e exp(-pi^2/d) to leading order: below 1e-15 relative at d = (log 2)/3.
Towards t = 0 the integrand in s is t - (N - 1 + u_k) t^2 + O(t^3): the sum over all nodes
further left is two geometric series.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import TooLargeError
from simulator.typing import Floats

__all__ = ["NODES", "self_normalised_mean"]


NODES = 1000  # at most, as long as weights are within e^±70 of each other
LEAST = 1e-304  # weights this far below the mean need nodes beyond the range of floats


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
    from simulator.exact.quadrature_kernel import integrate

    q, u = np.asarray(q, dtype=np.float64), np.asarray(u, dtype=np.float64)
    if n == 1:
        return np.asarray(np.where(u > 0, q, 0.0))
    out = np.zeros_like(u)
    mean = (q * u).sum(axis=1)
    if ((u > 0) & (q > 0) & (u < LEAST * mean[:, None])).any():
        raise TooLargeError(f"weights span more than a factor {1 / LEAST:g}")
    live = np.flatnonzero(mean > 0)
    within = np.empty((live.size, u.shape[1]))
    integrate(q[live], u[live] / mean[live, None], n, within)
    out[live] = within
    return out
