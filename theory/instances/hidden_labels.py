r"""Closed forms of the recursive hard instances (new here; cf. arXiv 2603.07887, 3.9 and F.5).

E_n is the event that at least t_n of the M_n copies of a block have a good label and an inner
path in E_{n-1}; E_0 always happens. Under pi* labels are good independently, so that pi*(E_n) is
a recursion of binomials. A myopic filter with n particles seldom reaches E_n, averaged over the
hidden bits: fix a copy and its past, and let p be the probability that both of its labels are
held just before the reveal.

* Otherwise all particles share one label, chosen when nothing depended on the hidden bit: it is
  good with probability 1/2.
* If both are held to the end, each was held by at most N-1 particles all the time. Those of one
  label, stopped when the other dies, are a myopic filter with N-1 particles, so one of them has
  its inner path in E_{n-1} with probability at most min(p, delta_{n-1,N-1}); the label is good
  with probability 1/2, independently.

Together (1 - p)/2 + min(p, delta_{n-1,N-1}) <= 1/2 + delta_{n-1,N-1}/2, given the past. The
number of good copies of any lineage is therefore stochastically below a binomial variable. The
factor 1/2 before delta is sharper than the 2 with which the block sizes were first computed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simulator.errors import InputError
from simulator.problem.problem import Problem

__all__ = [
    "best_thresholds",
    "block_sizes",
    "error_limit",
    "event_probability",
    "label_counts",
    "myopic_limit",
    "sufficient_particles",
]

FAMILIES = ("hidden-labels", "recursive-delay")
MAX_COPIES = 100_000


def event_probability(counts: Sequence[int], thresholds: Sequence[int], theta: float) -> float:
    """Return pi*(E_n): p_k = P(Bin(M_k, (1+theta)/2 p_{k-1}) >= t_k), p_0 = 1.

    Parameters
    ----------
    counts, thresholds : sequence of int
        M_1..M_n and t_1..t_n, innermost first.

    Raises
    ------
    InputError
        If counts and thresholds differ in number.

    Examples
    --------
    >>> round(event_probability([16], [12], 0.75), 4)
    0.9593
    >>> round(event_probability([42, 248], [27, 162], 0.5), 4)
    0.99
    """
    p = 1.0
    for m, t in _pairs(counts, thresholds):
        p = _tail(m, t, p * (1 + theta) / 2)
    return p


def myopic_limit(counts: Sequence[int], thresholds: Sequence[int], n_particles: int) -> float:
    r"""Bound P(some particle of a myopic filter ends in E_n), averaged over the hidden bits.

    delta_{k,N} = P(Bin(M_k, v) >= t_k), where v = delta_{k-1,1}/2 if N = 1 and else
    v = min(1/2 + delta_{k-1,N-1}/2, delta_{k-1,N}); delta_0 = 1. It is 1 from N > n on.

    Parameters
    ----------
    counts, thresholds : sequence of int
        M_1..M_n and t_1..t_n, innermost first.
    n_particles : int
        N.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> round(myopic_limit([16], [12], 1), 4)
    0.0384
    >>> [round(myopic_limit([42, 248], [27, 162], n), 6) for n in (1, 2, 3)]
    [0.0, 2e-05, 1.0]
    """
    if n_particles < 1:
        raise InputError(f"n_particles: {n_particles}, but at least 1 is needed")
    limit = [1.0] * (n_particles + 1)  # of N = index; index 0 is not used
    for m, t in _pairs(counts, thresholds):
        success = [0.0, 0.5 * limit[1]]
        success += [min(0.5 + limit[k - 1] / 2, limit[k]) for k in range(2, n_particles + 1)]
        limit = [_tail(m, t, v) for v in success]
    return limit[n_particles]


def block_sizes(
    n: int, theta: float, delta: float, sharp: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    r"""Choose the least M_k, and t_k, for which n particles fail and pi* does not.

    Level by level, least M_k for which some t_k has
    P(Bin(M_k, miss) >= t_k) <= delta and P(Bin(M_k, hit) < t_k) <= delta. As first stated
    miss = 1/2 + 2 delta and hit = (1+theta)/2 - delta (delta = 0 inside for k = 1); sharp:
    miss = 1/2 + delta_{k-1,k-1}/2 and hit = (1+theta)/2 pi*(E_{k-1}). Either way
    `myopic_limit` with N = n is at most delta and `event_probability` at least 1 - delta.

    Parameters
    ----------
    n : int
        Levels.

    Returns
    -------
    counts, thresholds : tuple of int

    Raises
    ------
    InputError
        If theta is too small against delta for any M up to 100,000.

    Examples
    --------
    >>> block_sizes(1, 0.75, 0.05)
    ((16,), (12,))
    >>> block_sizes(2, 0.5, 0.05), block_sizes(2, 0.5, 0.05, sharp=True)
    (((42, 248), (27, 162)), ((42, 68), (27, 43)))
    """
    counts: list[int] = []
    thresholds: list[int] = []
    for k in range(1, n + 1):
        slack = 0.0 if k == 1 else delta
        miss, hit = 0.5 + 2 * slack, (1 + theta) / 2 - slack
        if sharp and k > 1:
            miss = 0.5 + myopic_limit(counts, thresholds, k - 1) / 2
            hit = (1 + theta) / 2 * event_probability(counts, thresholds, theta)
        m, t = _least_block(miss, hit, delta)
        counts.append(m)
        thresholds.append(t)
    return tuple(counts), tuple(thresholds)


def best_thresholds(counts: Sequence[int], theta: float, n_particles: int) -> tuple[int, ...]:
    """Choose t_1..t_n, level by level, to set pi*(E_k) and `myopic_limit` far apart.

    Parameters
    ----------
    counts : sequence of int
        M_1..M_n, innermost first.
    n_particles : int
        N; level k is judged with N - (n - k) particles, at least one.

    Examples
    --------
    >>> best_thresholds([16], 0.75, 1), best_thresholds([42, 248], 0.5, 2)
    ((12,), (27, 155))
    """
    from scipy.stats import binom

    chosen: list[int] = []
    limits, p = 1.0, 1.0
    for k, m in enumerate(counts, 1):
        held = max(n_particles - (len(counts) - k), 1)
        v = 0.5 * limits if held == 1 else 0.5 + limits / 2
        t = np.arange(m + 1)
        sf = binom.sf
        reach, miss = sf(t - 1, m, p * (1 + theta) / 2), sf(t - 1, m, v)
        best = int(np.argmax(reach - miss))
        chosen.append(best)
        limits, p = float(miss[best]), float(reach[best])
    return tuple(chosen)


def sufficient_particles(n: int, theta: float) -> int:
    r"""Return c_n, where c_0 = 1 and c_k = ceil(c_{k-1} (1 + theta)): enough to be exact.

    Hold both labels of a copy with probability theta and keep the good one, else hold one fair
    label: it is good with probability theta + (1 - theta)/2, as pi* wants, whatever happened
    before. With c strings of open labels, systematic choice of those that hold both needs
    ceil(c theta) particles more (`simulator.samplers.time_sharing.sampler`). c_n = n + 1 for
    theta <= 1/n: one more than the number with which every myopic filter fails.

    Parameters
    ----------
    n : int
        Levels.

    Examples
    --------
    >>> [sufficient_particles(n, 0.5) for n in (1, 2, 3, 4)], sufficient_particles(9, 1 / 9)
    ([2, 3, 5, 8], 10)
    """
    c = 1
    for _ in range(n):
        c += math.ceil(c * theta * (1 - 1e-12))
    return c


def label_counts(problem: Problem) -> tuple[int, ...]:
    """Return M_1..M_n of a recursive instance, innermost first.

    In a level-1 block of "recursive-delay" the last bit is judged at once, so m_1 - 1 labels
    are late.

    Raises
    ------
    InputError
        If the problem is of neither family.
    """
    if problem.instance is None or problem.instance.family not in FAMILIES:
        raise InputError(f"{problem.name}: not a problem of {' or '.join(FAMILIES)}")
    counts = problem.instance.arguments["counts"]
    assert isinstance(counts, tuple)
    late = int(problem.instance.family == "recursive-delay")
    return (counts[0] - late, *counts[1:])


def error_limit(problem: Problem, n_particles: int) -> float:
    r"""Return (pi*(E_n) - delta_{n,N})_+ with thresholds chosen to make it large.

    Parameters
    ----------
    problem : Problem
        Of "hidden-labels" or "recursive-delay".
    n_particles : int
        N.

    Returns
    -------
    float
        At most D_TV, averaged over the hidden bits, for every myopic sampler.

    Raises
    ------
    InputError
        If the problem is of neither family.
    """
    counts = label_counts(problem)
    assert problem.instance is not None
    theta = problem.instance.arguments["theta"]
    assert isinstance(theta, float)
    thresholds = best_thresholds(counts, theta, n_particles)
    reach = event_probability(counts, thresholds, theta)
    return max(0.0, reach - myopic_limit(counts, thresholds, n_particles))


def _pairs(counts: Sequence[int], thresholds: Sequence[int]) -> list[tuple[int, int]]:
    if len(counts) != len(thresholds):
        raise InputError(f"{len(counts)} counts, but {len(thresholds)} thresholds")
    return list(zip(counts, thresholds, strict=True))


def _tail(m: int, t: int, p: float) -> float:
    """P(Bin(m, p) >= t)."""
    from scipy.stats import binom

    return float(binom.sf(t - 1, m, p))


def _least_block(miss: float, hit: float, delta: float) -> tuple[int, int]:
    from scipy.stats import binom

    for m in range(1, MAX_COPIES + 1):
        t = int(binom.isf(delta, m, miss)) + 1
        if t <= m and binom.cdf(t - 1, m, hit) <= delta:
            return m, t
        if hit <= miss:
            break
    raise InputError(f"no block separates {miss:.4g} from {hit:.4g}: theta or delta is too small")
