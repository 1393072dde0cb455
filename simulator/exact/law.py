"""The exact law of a sampler's output, and the moments of its weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.typing import Floats, Ints

__all__ = ["DEFAULT_LIMIT", "ExactLaw", "relative_spread", "total_variation"]

DEFAULT_LIMIT = 3e8  # transitions between particle clouds, about half a minute


@dataclass(frozen=True)
class ExactLaw:
    """Exact law of the output of a sampler.

    Parameters
    ----------
    law : (K,) array
        P(Y = y) over terminal states, or over token paths if `tokens` is not None.
    failure : float
        P(all weights zero); ``law.sum() + failure == 1``.
    tv : float
        D_TV(law, pi*), failure counted as error: sum of (target - law)_+.
    mean_w_over_z : float or None
        E[W^_H]/Z; 1, or Z_e/Z if V^ loses mass. None for samplers that estimate no Z.
    relative_variance : float or None
        Var(W^_H)/E[W^_H]^2; None for samplers that estimate no Z.
    shortfall : float or None
        E[(1 - W^_H/Z)_+] if it was asked for.
    target : (K,) array
        pi* over the same outcomes as `law`.
    weighted : (K,) array or None
        E[(W^_H/Z) 1{Y = y}]; equals pi_ref(y) r(y)/Z for alive y when the output is a
        draw from the last weighted cloud (lemma C.2).
    tokens : (K, H) int array or None
        The paths; -1 for outcomes that pi_ref does not reach.
    acceptance : float or None, optional
        P(one run is accepted), for samplers that start again until a run is accepted; `law` is
        then that of the accepted run, `failure` the probability of giving up before, and the
        moments of W^_H are those of any run.
    precision : float, optional
        Sum of the errors of `law` and `failure` that is believed possible, at most 1e-9; 0 where
        there is only rounding.
    """

    law: Floats
    failure: float
    tv: float
    mean_w_over_z: float | None
    relative_variance: float | None
    shortfall: float | None
    target: Floats
    weighted: Floats | None
    tokens: Ints | None
    acceptance: float | None = None
    precision: float = 0.0


def total_variation(target: npt.ArrayLike, law: npt.ArrayLike) -> float:
    """Sum of (target - law)_+ ; mass that `law` lacks (failure) counts as error.

    Parameters
    ----------
    target, law : (K,) arrays
        `target` sums to 1, `law` to at most 1.

    Examples
    --------
    >>> total_variation([0.5, 0.5], [0.5, 0.3])
    0.2
    """
    gap = np.asarray(target, dtype=np.float64) - np.asarray(law, dtype=np.float64)
    return float(np.maximum(gap, 0).sum())


def relative_spread(first: float, second: float) -> float:
    """Var(W)/E[W]^2 of a W >= 0, from its first two moments; infinite where they do not tell.

    Parameters
    ----------
    first, second : float
        E[W] and E[W^2]; rounding may leave the latter a little below the square of the former.

    Examples
    --------
    >>> relative_spread(2.0, 5.0), relative_spread(1.0, 1.0 - 1e-16), relative_spread(0.0, 0.0)
    (0.25, 0.0, inf)
    """
    return max(second / first**2 - 1, 0.0) if first > 0 and second < math.inf else math.inf
