"""Infima of the bounds that have thresholds to choose: exact, over finitely many atoms.

A tail P(ratio >= a) is constant between atoms of the ratio and drops just above one, while
the rest of the bound grows with the threshold. So the infimum is approached just above an
atom (or above 1, the smallest threshold allowed), where the tail is P(ratio > a).
"""

from __future__ import annotations

import numpy as np

from simulator.typing import Floats

__all__ = ["least_of_both", "tails"]


def tails(log_ratio: Floats, mass: Floats) -> tuple[Floats, Floats]:
    """List the candidates (sqrt(a), total mass of ratios > a) for thresholds a >= 1.

    Parameters
    ----------
    log_ratio, mass : (n,) arrays
        Atoms; the masses may sum to more than one (several levels together).

    Returns
    -------
    root, tail : (k,) arrays
        Increasing and nonincreasing.

    Examples
    --------
    >>> root, tail = tails(np.log([0.5, 4.0, 9.0]), np.array([0.5, 0.25, 0.25]))
    >>> root.round(12).tolist(), tail.tolist()
    ([1.0, 2.0, 3.0], [0.5, 0.25, 0.0])
    """
    order = np.argsort(log_ratio, kind="stable")
    x, p = log_ratio[order], mass[order]
    above = np.cumsum(p[::-1])[::-1]  # mass of this atom and of those after it
    ends = np.flatnonzero(np.append(x[1:] != x[:-1], True)) if x.size else np.zeros(0, np.int64)
    tail = np.append(above, 0.0)[ends + 1]
    atom = x[ends]
    first = above[np.searchsorted(x, 0.0, side="right")] if (x > 0).any() else 0.0
    keep = atom > 0
    with np.errstate(over="ignore"):
        root = np.exp(np.append(0.0, atom[keep]) / 2)
    return root, np.append(first, tail[keep])


def least_of_both(
    scale: float, first: tuple[Floats, Floats], second: tuple[Floats, Floats]
) -> float:
    """Minimise scale·u·v + A(u) + B(v) over two lists of candidates.

    For fixed v the sum is linear in the points (u, A), so that only the lower convex hull of
    each list matters; along the hulls the best u falls as v grows.

    Parameters
    ----------
    scale : float
        >= 0.
    first, second : pairs of arrays
        (u, A(u)) and (v, B(v)), u and v increasing, A and B nonincreasing.

    Examples
    --------
    >>> u = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.25, 0.0])
    >>> least_of_both(0.1, u, (np.array([1.0]), np.array([0.0])))
    0.3...
    """
    u, a = _lower_hull(*first)
    v, b = _lower_hull(*second)
    slope = np.diff(a) / np.diff(u)  # negative and increasing: -slope decreases
    # step i of the hull pays while scale v < -slope[i]
    best = np.searchsorted(slope, -scale * v, side="left")
    return float((scale * u[best] * v + a[best] + b).min())


def _lower_hull(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    finite = np.isfinite(x)
    hull: list[int] = []
    xs, ys = x[finite].tolist(), y[finite].tolist()
    for i in range(len(xs)):
        if hull and xs[hull[-1]] == xs[i]:  # atoms that rounding has merged: the later is lower
            hull.pop()
        while len(hull) > 1:
            o, k = hull[-2], hull[-1]
            if (ys[k] - ys[o]) * (xs[i] - xs[o]) < (ys[i] - ys[o]) * (xs[k] - xs[o]):
                break
            hull.pop()
        hull.append(i)
    return x[finite][hull], y[finite][hull]
