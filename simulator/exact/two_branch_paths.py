r"""Error of SMC on the paths of the two-branch instance, in exact limits, at any horizon.

The law nu of the output path y satisfies nu(y)/pi*(y) = E[Z/W^_H | y is a lineage], the mean
under conditional SMC: y keeps one slot, the other N - 1 particles are drawn as always. If y
begins with b = 0 its later bits tell nothing, so nu/pi* is one number there, at least 1. If b = 1,
the number K of particles in branch 1 is a Markov chain whose step depends on the bit of y
alone, hence nu(y)/pi*(y) = L(y) = v M_{y_2} ... M_{y_{H-1}} l_{y_H} with two N x N matrices.

They do not commute, so L is no function of the number of ones; but it nearly is. Let L_k be
the mean of L over the paths with b = 1 and k ones. By convexity

    sum_k pi*(1, k) (1 - L_k)_+  <=  D_TV  <=  the same + sqrt(E[Var(L | k)]) / 4,

as sum over y of pi*(y) (L_k - L(y))_+ = (1/2) pi*(b=1) E|L - L_k|. Both moments of L are exact:
L_k by a recursion over the counts, E[L^2] by one over the products v_i v_j.
"""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError
from simulator.exact.lumped import binomial_rows
from simulator.interval import Interval
from simulator.typing import Floats

__all__ = ["two_branch_tv"]


NEGLIGIBLE = 1e-20  # counts of ones at the ends that are less likely than this are left out

ROUNDING = 4e-16  # relative, of one level


def two_branch_tv(horizon: int, n_particles: int, s: float = 0.5) -> Interval:
    r"""Return limits of the error of SMC on the two-branch instance, paths being the output.

    Multinomial resampling at every level. The width is sqrt(E[Var(L | k)])/4, see above: it
    is small where N is not small against sqrt(H). The variance is a difference of two moments, so
    an allowance for its rounding is added.

    Parameters
    ----------
    horizon : int
        H >= 1. Time grows as H^(3/2) N^2 + H N^3.
    n_particles : int
        N.
    s : float, optional
        In [0, 1).

    Returns
    -------
    Interval
        low <= D_TV <= high.

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> limits = two_branch_tv(64, 8)
    >>> [f"{x:.4f}" for x in (limits.low, limits.high)]
    ['0.1114', '0.1143']
    """
    if horizon < 1 or n_particles < 1 or not 0 <= s < 1:
        raise InputError(
            f"two-branch error: needs H >= 1, N >= 1 and 0 <= s < 1, not {horizon}, "
            f"{n_particles}, {s}"
        )
    if horizon == 1:
        return Interval.exactly(0.0)
    start, steps, ends = _conditional_chain(n_particles, s)
    zero, one = (1 - s) / 2, (1 + s) / 2  # chances of a later bit, under pi* in branch 1
    counts = np.append(start, 1.0)[None]  # a row a count of ones: pi*(k) E[vector | k], pi*(k)
    pairs = np.outer(start, start)
    left_out = 0.0
    for _ in range(horizon - 2):
        counts = _shifted(zero * _apply(counts, steps[0]), one * _apply(counts, steps[1]))
        counts, lost = _trim(counts)
        left_out += lost
        pairs = zero * steps[0].T @ pairs @ steps[0] + one * steps[1].T @ pairs @ steps[1]
    ends = ends[:, :, None]
    final = _shifted(zero * _apply(counts, ends[0]), one * _apply(counts, ends[1]))
    mass, probability = final.T
    square = (zero * ends[0].T @ pairs @ ends[0] + one * ends[1].T @ pairs @ ends[1]).item()
    seen = probability > 0
    spread = max(square - float((mass[seen] ** 2 / probability[seen]).sum()), 0.0)
    spread += horizon * ROUNDING * square
    low = float(np.maximum(probability - mass, 0).sum()) / 2
    high = low + np.sqrt(spread) / 4 + left_out / 2
    return Interval.between(low, min(float(high), 1.0))


def _conditional_chain(n: int, s: float) -> tuple[Floats, Floats, Floats]:
    """Law of K once level 1 is resampled; (2, N, N) steps and (2, N) ends, E[Z-ratio; K -> K']."""
    k = np.arange(1, n + 1)
    first = binomial_rows(n - 1, np.array([0.5]))[0]
    start = first @ binomial_rows(n - 1, k / n)
    steps, ends = np.zeros((2, n, n)), np.zeros((2, n))
    for now in range(1, n + 1):
        others = np.arange(now)  # ones among the other particles of branch 1
        chance = binomial_rows(now - 1, np.array([0.5]))[0]
        for bit in (0, 1):
            weight = now + s * (2 * (others + bit) - now)
            total = n - now + weight
            inverse = chance * n / total  # 1 / mean weight
            steps[bit, now - 1] = inverse @ binomial_rows(n - 1, weight / total)
            ends[bit, now - 1] = inverse.sum()
    return start, steps, ends


def _apply(counts: Floats, matrix: Floats) -> Floats:
    """Map the vectors; their probability, in the last column, stays."""
    return np.column_stack([counts[:, :-1] @ matrix, counts[:, -1]])


def _shifted(with_zero: Floats, with_one: Floats) -> Floats:
    """Add what comes with bit 0 and, one count higher, with bit 1."""
    return np.pad(with_zero, ((0, 1), (0, 0))) + np.pad(with_one, ((1, 0), (0, 0)))


def _trim(counts: Floats) -> tuple[Floats, float]:
    """Leave out the ends; return the probability that this loses, too."""
    kept = np.flatnonzero(counts[:, -1] > NEGLIGIBLE)
    inner = counts[kept[0] : kept[-1] + 1]
    outer = np.r_[counts[: kept[0], -1], counts[kept[-1] + 1 :, -1]]
    return inner, float(outer.sum())
