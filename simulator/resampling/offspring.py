"""Exact law of the offspring counts of each resampling scheme.

Every scheme here is unbiased, E[counts_i] = N W_i with W the normalised weights, and
returns ancestors that can be listed in nondecreasing order, so a count vector and a
nondecreasing sequence of N ancestors are the same thing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.checks import check_choice
from simulator.errors import InputError
from simulator.resampling.schemes import SCHEMES
from simulator.typing import Floats, Ints

__all__ = ["offspring_batch", "offspring_law"]


def offspring_law(scheme: str, weights: npt.ArrayLike) -> list[tuple[float, tuple[int, ...]]]:
    r"""Exact law of the offspring counts.

    * multinomial: N iid ancestors, P(i) = W_i;
    * systematic: one uniform u, ancestor k holds position (u + k)/N of the cumulated
      weights; integrated over the intervals of u on which the counts do not change;
    * stratified: the same with one uniform a stratum;
    * residual: floor(N W_i) copies, the rest multinomial on the residuals;
    * ssp: floor(N W_i) copies, the fractions settled pair by pair, every branch listed;
    * killing: each particle survives with probability W_i/max W, the others are redrawn; summed
      over the 2^N sets of survivors;
    * single: one ancestor for all, P(i) = W_i.

    Parameters
    ----------
    scheme : {"multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single"}
        Name of the scheme, as above.
    weights : (N,) array
        In particle order, >= 0, with a positive sum.

    Returns
    -------
    list of (float, tuple of N ints)
        Probability and counts of each outcome.

    Raises
    ------
    InputError
        If the scheme is not known or the weights are not as described.

    Examples
    --------
    >>> offspring_law("systematic", [3.0, 1.0])
    [(0.5, (2, 0)), (0.5, (1, 1))]
    >>> offspring_law("multinomial", [3.0, 1.0])
    [(0.5625, (2, 0)), (0.375, (1, 1)), (0.0625, (0, 2))]
    """
    w = np.array(weights, dtype=np.float64)
    if w.ndim != 1 or not np.isfinite(w).all() or (w < 0).any() or not w.sum() > 0:
        raise InputError("weights: a list of numbers >= 0 with a positive sum is needed")
    _, probability, ancestors = offspring_batch(scheme, w[None])
    counts = [tuple(np.bincount(a, minlength=w.size).tolist()) for a in ancestors]
    return list(zip(probability.tolist(), counts, strict=True))


def offspring_batch(scheme: str, weights: Floats) -> tuple[Ints, Floats, Ints]:
    """Exact law of the ancestors of many weight vectors at once.

    Parameters
    ----------
    scheme : str
        As in `offspring_law`.
    weights : (C, N) array
        One weight vector a row.

    Returns
    -------
    row : (R,) int array
        To which weight vector an outcome belongs.
    probability : (R,) array
        Positive; sums to 1 over the outcomes of a row.
    ancestors : (R, N) int array
        Nondecreasing.

    Raises
    ------
    InputError
        If the scheme is not known.

    Examples
    --------
    >>> import numpy as np
    >>> offspring_batch("stratified", np.array([[1.0, 1.0]]))
    (array([0]), array([1.]), array([[0, 1]]))
    """
    check_choice("resampling", scheme, SCHEMES)
    return SCHEMES[scheme].offspring(weights / weights.sum(axis=1, keepdims=True))
