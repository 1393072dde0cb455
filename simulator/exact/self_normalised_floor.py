r"""The least that a self-normalised cloud keeps of its target, pair by pair: no integral.

Given the past, the N pairs of a level are independent draws from a law q, and
nu~ = sum_i u_i delta_{x_i} / sum_i u_i. Given that the first is pair k, the sum of the other
weights has mean (N-1) E[u], and 1/(u_k + s) is convex in s, so that

    E[nu~(k) | past] = N q_k u_k E[1/(u_k + sum of N-1 others)]
                    >= N q_k u_k / (u_k + (N-1) E[u]).

With w = u/E[u] the target q w keeps at least the share 1/(1 + (w-1)/N).
"""

from __future__ import annotations

import numpy as np

from simulator.typing import Floats

__all__ = ["self_normalised_floor"]


def self_normalised_floor(q: Floats, u: Floats, n: int) -> Floats:
    """Return a floor of `simulator.exact.quadrature.self_normalised_mean`, pair by pair.

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
        Exact for N = 1 and where all weights are equal.

    Examples
    --------
    >>> self_normalised_floor(np.array([[0.5, 0.5]]), np.array([[1.0, 2.0]]), 2).round(12).tolist()
    [[0.4, 0.571428571429]]
    """
    taken = q * u
    expected = u + (n - 1) * taken.sum(axis=1, keepdims=True)
    return np.asarray(n * taken / np.where(expected > 0, expected, 1.0))
