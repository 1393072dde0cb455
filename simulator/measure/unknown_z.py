r"""Limits of the error of SMC where Z is not known, from draws alone.

Along a path y, conditional SMC has E[1/W^_H | y] = nu(y)/(pi_ref(y) r(y)), nu the law of SMC's
output; see `simulator.samplers.smc.conditional_text`. As pi_ref r = Z pi*,

    D_TV(nu, pi*) = E_{y ~ pi*}[(1 - Z E[1/W^_H | y])_+],

failure being an output that pi* never gives. From this:

* The mean of k inverse weights in place of E[1/W^_H | y] makes the right-hand side larger (the
  function is convex), and so does any L <= Z in place of Z. The variable stays in [0, 1]; at k = 1
  and L = Z its mean is E[(1 - W^_H/Z)_+], and as k grows it becomes D_TV itself.
* L comes from ordinary runs, E[W^_H] <= Z; and E[1/W^_H] = (1 - P(failure))/Z <= 1/Z over
  y ~ pi* gives an upper limit of Z.
* Any randomised test g of outputs has D_TV >= pi*(g) - nu(g). The best event is that nu is below
  pi*, so g is 1 where the mean of k inverse weights, from fresh conditional runs, is below a
  threshold that does not depend on these runs: 1/Z^, or one that is learnt.
* Where pi* cannot be drawn from: E[(1 - W^_H/U)_+] >= D_TV for every U >= Z (arXiv 2603.07887,
  lemma C.3, at U = Z), and pi*(g) = E_ref[r g | r > 0]/E_ref[r | r > 0].

(Conditional SMC along y ~ pi*: bidirectional Monte Carlo, Grosse, Ghahramani and Adams 2015.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from simulator.measure.confidence import (
    log_mean_lower,
    mean_upper,
    proportion_lower,
    proportion_upper,
)
from simulator.typing import Bools, Floats

__all__ = [
    "Limits",
    "learn_threshold",
    "limits_by_ratio",
    "limits_by_target",
    "log_mean_inverse",
    "missing_share",
    "seems_rare",
]

MOST = 300.0  # largest log of a weight that is looked at
DIGITS = 12


@dataclass(frozen=True)
class Limits:
    """Limits that hold all at once, of Z and of the error of a sampler.

    Parameters
    ----------
    log_z_low, log_z_high : float
        Limits of log Z.
    high : float
        Upper limit of D_TV(law of one output, pi*).
    on_target, on_output : float
        Lower limit of the probability of an event under pi*, and upper limit of that under the
        law of the output.
    """

    log_z_low: float
    log_z_high: float
    high: float
    on_target: float
    on_output: float

    @property
    def low(self) -> float:
        """Lower limit of D_TV."""
        return min(max(self.on_target - self.on_output, 0.0), self.high)


def log_mean_inverse(log_w: Floats) -> Floats:
    """Return the log of the mean of 1/W^_H over the conditional runs along each path.

    Parameters
    ----------
    log_w : (P, k) array
        log W^_H; inf where 1/W^_H counts as 0.

    Returns
    -------
    (P,) array

    Examples
    --------
    >>> np.exp(log_mean_inverse(np.log([[2.0, 4.0], [1.0, np.inf]]))).tolist()
    [0.375, 0.5]
    """
    return np.asarray(np.logaddexp.reduce(-log_w, axis=1) - math.log(log_w.shape[1]))


def missing_share(log_w: Floats, log_z: float) -> Floats:
    """Return (1 - z mean(1/W^_H))_+ of each path, what nu seems to miss of pi* there.

    Parameters
    ----------
    log_w : (P, k) array
        log W^_H of conditional runs along paths y ~ pi*.
    log_z : float
        log z; for z <= Z the mean of the result is at least D_TV.

    Returns
    -------
    (P,) array
        In [0, 1].

    Examples
    --------
    >>> missing_share(np.log([[2.0, 4.0], [1.0, np.inf]]), np.log(2.0)).round(4).tolist()
    [0.25, 0.0]
    """
    return np.asarray(0.0 - np.expm1(np.minimum(log_z + log_mean_inverse(log_w), 0.0)))


def seems_rare(log_w: Floats, log_threshold: float) -> Bools:
    """Return the test g: whether nu seems to be below pi* at each path.

    Parameters
    ----------
    log_w : (P, k) array
        log W^_H of conditional runs along any paths.
    log_threshold : float
        log of a number that does not depend on these runs; 1/Z^, or as learnt.

    Returns
    -------
    (P,) bool array
        Whether the mean inverse weight is below the threshold.
    """
    return np.asarray(log_mean_inverse(log_w) < log_threshold)


def learn_threshold(log_w: Floats, log_z: float) -> float:
    """Choose the threshold of `seems_rare` that separates pi* and nu best on some paths of pi*.

    pi*(g) - nu(g) = E_{y ~ pi*}[g(y) (1 - Z E[1/W^_H | y])]; each conditional run in turn stands
    for the expectation, and the others of its path for the test. As few runs tell nu from pi*
    poorly, the best threshold is not 1/Z; it may be infinite, so that the event is success.

    Parameters
    ----------
    log_w : (P, k) array
        log W^_H of conditional runs along paths y ~ pi*.
    log_z : float
        log of an estimate of Z.

    Returns
    -------
    float
        log of the threshold; that of 1/Z^ where k is 1 or nothing is better.

    Examples
    --------
    >>> round(learn_threshold(np.log([[2.0, 2.0], [0.5, 0.5]]), 0.0), 3)  # between 1/2 and 2
    0.223
    """
    n_paths, k = log_w.shape
    ratio = np.exp(np.minimum(log_z - log_w, MOST))
    if k > 1 and n_paths > 0:
        others = (ratio.sum(axis=1, keepdims=True) - ratio) / (k - 1)
        value, where = np.unique(others.round(DIGITS), return_inverse=True)
        gain = np.cumsum(np.bincount(where.ravel(), 1 - ratio.ravel()))
        best = int(np.argmax(gain))
        if gain[best] > 0:
            return math.inf if best == value.size - 1 else _between(value, best) - log_z
    return -log_z


def _between(value: Floats, k: int) -> float:
    return float(np.log((value[k] + value[k + 1]) / 2))


def limits_by_target(
    forward: Floats, along: Floats, on_target: Bools, on_output: Bools, delta: float
) -> Limits:
    """Bracket Z and the error by means of exact draws from pi*.

    Each of the five limits fails with probability at most delta/5.

    Parameters
    ----------
    forward : (n,) array
        log W^_H of runs of the sampler; -inf for failed ones.
    along : (P, k) array
        log W^_H of conditional runs along independent paths y ~ pi*; at least two.
    on_target : (m,) bool array
        `seems_rare` at other paths y ~ pi*; its threshold may depend on `forward` and `along`.
    on_output : (q,) bool array
        The same at outputs of other runs of the sampler, and False for failed ones.
    delta : float
        Largest probability that one of the limits does not hold.

    Returns
    -------
    Limits

    Examples
    --------
    >>> exact = np.zeros(4000)  # a perfect sampler: W^_H = Z = 1
    >>> limits = limits_by_target(exact, exact[:, None], exact > 0, exact > 0, 0.05)
    >>> limits.low, round(limits.high, 3)
    (0.0, 0.003)
    """
    share = delta / 5
    log_z_low = log_mean_lower(forward, share)
    log_z_high = -log_mean_lower(log_mean_inverse(along), share)
    return Limits(
        log_z_low,
        log_z_high,
        mean_upper(missing_share(along, log_z_low), share),
        proportion_lower(int(on_target.sum()), on_target.size, share),
        proportion_upper(int(on_output.sum()), on_output.size, share),
    )


def limits_by_ratio(
    forward: Floats,
    rewards: Floats,
    rare: Bools,
    on_output: Bools,
    log_r_max: float,
    delta: float,
) -> Limits:
    """Bracket Z and the error by means of draws from pi_ref and their rewards in [0, r_max].

    Each of the six limits fails with probability at most delta/6.

    Parameters
    ----------
    forward : (n,) array
        log W^_H of runs of the sampler; -inf for failed ones.
    rewards : (m,) array
        log(r/r_max) of draws from pi_ref, at most 0; at least two.
    rare : (p,) bool array
        `seems_rare` at the first p of the draws of positive reward; its threshold may depend on
        `forward`. How many these are may depend on which draws have a positive reward.
    on_output : (q,) bool array
        The same at outputs of other runs of the sampler, and False for failed ones.
    log_r_max : float
        log of the largest reward.
    delta : float
        Largest probability that one of the limits does not hold.

    Returns
    -------
    Limits

    Examples
    --------
    >>> half = np.log(np.full(4000, 0.5))  # all rewards are 1, and r_max = 2
    >>> limits = limits_by_ratio(half + np.log(2), half, half > 0, half > 0, np.log(2), 0.05)
    >>> f"{limits.low:.4f} {limits.high:.4f} {limits.log_z_high:.4f}"
    '0.0000 0.0028 0.0015'
    """
    share = delta / 6
    log_z_high = log_r_max + math.log(mean_upper(np.exp(rewards), share))
    short = 0.0 - np.expm1(np.minimum(forward - log_z_high, 0.0))
    positive = rewards[np.isfinite(rewards)]
    on_target = 0.0
    if rare.any() and rare.size > 1:
        weighted = log_mean_lower(np.where(rare, positive[: rare.size], -np.inf), share)
        on_target = min(math.exp(weighted) / mean_upper(np.exp(positive), share), 1.0)
    return Limits(
        log_mean_lower(forward, share),
        log_z_high,
        mean_upper(short, share),
        on_target,
        proportion_upper(int(on_output.sum()), on_output.size, share),
    )
