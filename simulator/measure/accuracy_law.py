r"""The accuracy law: what N particles can do for right answers, and estimates of it from clouds.

E is the set of right answers, nu^ the last weighted cloud of a run, W^ its estimate of Z.

*At least one of N is right.* If the N particles of the last cloud are iid given something drawn
before, and a is the chance that a given one of them is right, then by Jensen

    P(some particle is right) <= 1 - (1 - a)^N <= N a,

with equality if they are iid: what particles share only costs.

*The right answers outweigh the wrong ones.* D = (W^/Z)(nu^(E) - nu^(not E)) has mean
d = pi*(E) - pi*(not E) where clouds are weighted properly and no mass is lost. The sign of D is
the vote of the cloud, whatever Z is, so by Cantelli

    P(D > 0) >= d^2/E[D^2] if d > 0,    P(D < 0) >= d^2/E[D^2] if d < 0.

From R runs d^2/E[D^2] is estimated by (sum W^ x)^2 / (R sum (W^ x)^2), x = nu^(E) - nu^(not E), in
which Z cancels, and pi*(E), to which the accuracy of a sampled answer goes as N grows, by
sum W^ nu^(E) / sum W^. These are estimates and no limits: where the W^ differ much, few runs
decide, and the share of the vote comes out too large (of one run it is 1). What is measured and
what is estimated from the same runs need not be in the order of the law.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int, check_real
from simulator.errors import InputError
from simulator.typing import Floats

__all__ = ["WeightedLaw", "pass_upper", "vote_limits", "weighted_law"]


def pass_upper(chance: float, n_particles: int) -> float:
    """Return 1 - (1 - a)^N, which P(some particle is right) does not pass.

    Parameters
    ----------
    chance : float
        a, the chance that a given particle of the last cloud is right.
    n_particles : int
        N.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If a is no probability, or N < 1.

    Examples
    --------
    >>> pass_upper(0.5, 2)
    0.75
    """
    check_real("chance", chance, 0, 1)
    check_int("n_particles", n_particles, 1)
    return 1.0 if chance == 1 else abs(math.expm1(n_particles * math.log1p(-chance)))


def vote_limits(difference: float, second_moment: float) -> tuple[float, float]:
    """Return limits of P(D > 0), the chance that right answers outweigh the wrong ones.

    Parameters
    ----------
    difference : float
        d = E[D].
    second_moment : float
        E[D^2] >= d^2.

    Returns
    -------
    low, high : float
        [d^2/E[D^2], 1] if d > 0, [0, 1 - d^2/E[D^2]] if d < 0, else [0, 1].

    Raises
    ------
    InputError
        If E[D^2] < d^2 beyond rounding.

    Examples
    --------
    >>> vote_limits(0.5, 0.5), vote_limits(-0.5, 0.5)
    ((0.5, 1.0), (0.0, 0.5))
    """
    square = difference * difference
    if not square <= second_moment * (1 + 1e-9):
        raise InputError(f"second_moment: {second_moment:g} is below the square of {difference:g}")
    share = min(square / second_moment, 1.0) if second_moment > 0 else 0.0
    return (share, 1.0) if difference > 0 else (0.0, 1 - share)


@dataclass(frozen=True)
class WeightedLaw:
    """Estimates from weighted clouds.

    Parameters
    ----------
    target : float
        pi*(E).
    vote_low, vote_high : float
        Of P(D > 0).
    effective_runs : float
        (sum W^)^2 / sum W^^2: about how many runs decide.
    """

    target: float
    vote_low: float
    vote_high: float
    effective_runs: float


def weighted_law(right: npt.ArrayLike, log_w: npt.ArrayLike) -> WeightedLaw | None:
    """Estimate pi*(E) and the law of the vote.

    Parameters
    ----------
    right : (R,) array
        nu^(E) of each run, in [0, 1].
    log_w : (R,) array
        log W^ of each run, -inf if it failed.

    Returns
    -------
    WeightedLaw or None
        None if all runs have failed: nothing is known then.

    Raises
    ------
    InputError
        If the arrays do not fit, or shares are outside of [0, 1].

    Examples
    --------
    Two runs that weigh 3 and 1; the heavy one has only right answers, the other half of them.

    >>> found = weighted_law([1.0, 0.5], np.log([3.0, 1.0]))
    >>> round(found.target, 3), round(found.vote_low, 3), round(found.effective_runs, 3)
    (0.875, 0.5, 1.6)
    """
    share: Floats = np.asarray(right, dtype=np.float64)
    logs: Floats = np.asarray(log_w, dtype=np.float64)
    if share.ndim != 1 or share.shape != logs.shape:
        raise InputError(f"right: shape {share.shape} for {logs.shape} weights")
    if not ((share >= -1e-9) & (share <= 1 + 1e-9)).all():
        raise InputError("right: a share is outside of [0, 1]")
    if share.size == 0 or np.isneginf(logs).all():
        return None
    w = np.exp(logs - logs.max())
    d = w * (2 * share - 1)
    low, high = vote_limits(float(d.mean()), float((d * d).mean()))
    return WeightedLaw(float(w @ share / w.sum()), low, high, float(w.sum() ** 2 / (w @ w)))
