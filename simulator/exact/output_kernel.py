"""Sums over the last clouds of a sampler whose children are independent draws, compiled."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.exact.merging_kernel import chance_of, in_range
from simulator.exact.particle_types import TIE

__all__ = ["last_children"]


@njit(cache=True, nogil=True)
def last_children(
    width, kind, share, state, weight, score, moments, w, survival, accept, n, law, weighted
):
    """Sum over the clouds of N independent children of each cloud, which are not kept.

    Clouds are gone through as in `simulator.exact.merging_kernel.children`, in lines that stand in
    both: a call for each cloud would take three times as long. What sequences with
    one beginning add to the law of their common child is added up first. Sums over one parent
    come before those over all, which are compensated: millions of clouds leave no trace.

    Parameters
    ----------
    width, kind, share
        What `simulator.exact.merging_kernel.mix` returns.
    state : (T,) int array
        Terminal state of each kind of children; -1 for those of weight zero.
    weight : (T,) array
        Of each kind.
    score : (T,) or (0,) array
        Children of the highest one are the output, with equal chances; without it a child is drawn
        by its weight.
    moments : (3, C) array
        P(cloud), E[W 1{cloud}] and E[W^2 1{cloud}] of the parents.
    w : (C,) or (0,) array
        W of the parents, if clouds of unequal W are told apart.
    survival : float
        Z_e/Z.
    accept : float
        A run is accepted with probability min(1, accept W^_H/Z); needs `w`.
    n : int
        N.
    law, weighted : (S_H,) arrays
        P(Y = y, accepted) and E[W 1{Y = y}], which grow.

    Returns
    -------
    (5,) array
        P(not failed), E[W], E[W^2]; E[(1 - W^_H/Z)_+ 1{not failed}] and P(accepted), which are 0
        without `w`.
    """
    sums, lost = np.zeros(5), np.zeros(5)
    lost_law, lost_weighted = np.zeros(law.size), np.zeros(law.size)
    place, run = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    linear = in_range(share, n)
    best = score.size > 0
    chances, totals, top = np.ones(n + 1), np.zeros(n + 1), np.full(n + 1, -np.inf)
    taken, heavy = np.zeros(n), np.zeros(n)  # by beginning
    drawn, weighed = np.zeros(share.size), np.zeros(share.size)  # by kind of one cloud
    begin = 0
    for c in range(width.size):
        end = begin + width[c]
        alive, first, second, short, accepted = 0.0, 0.0, 0.0, 0.0, 0.0
        place[:] = begin
        fresh = 0
        while fresh >= 0:
            for j in range(fresh, n):
                i = place[j]
                run[j] = run[j - 1] + 1 if j > 0 and place[j - 1] == i else 1
                chances[j + 1] = chances[j] * (share[i] * (j + 1) / run[j])
                totals[j + 1] = totals[j] + weight[kind[i]]
                if best:
                    top[j + 1] = max(top[j], score[kind[i]])
            mean, p = totals[n] / n, chances[n] if linear else chance_of(place, share)
            if mean > 0:
                chance = 1.0
                if w.size > 0:
                    ratio = w[c] * mean * survival
                    if accept < np.inf:
                        chance = min(accept * ratio, 1.0)
                    short += p * max(1.0 - ratio, 0.0)
                    accepted += p * chance
                alive += p
                first += p * mean
                second += p * mean * mean
                if best:
                    equal = 0
                    for i in place:
                        equal += score[kind[i]] >= top[n] - TIE
                    for i in place:
                        if score[kind[i]] >= top[n] - TIE:
                            drawn[i] += p * chance / equal
                            weighed[i] += p * mean / equal
                else:
                    taken[n - 1] += p * chance / mean
                    heavy[n - 1] += p
            fresh = n - 1
            while fresh >= 0:
                drawn[place[fresh]] += taken[fresh]
                weighed[place[fresh]] += heavy[fresh]
                if fresh > 0:
                    taken[fresh - 1] += taken[fresh]
                    heavy[fresh - 1] += heavy[fresh]
                taken[fresh], heavy[fresh] = 0.0, 0.0
                if place[fresh] < end - 1:
                    break
                fresh -= 1
            if fresh >= 0:
                place[fresh:] = place[fresh] + 1
        for i in range(begin, end):
            k = kind[i]
            if state[k] >= 0:
                scale = 1.0 if best else weight[k] / n
                _add(law, lost_law, state[k], moments[0, c] * scale * drawn[i])
                _add(weighted, lost_weighted, state[k], moments[1, c] * scale * weighed[i])
        _add(sums, lost, 0, moments[0, c] * alive)
        _add(sums, lost, 1, moments[1, c] * first)
        _add(sums, lost, 2, moments[2, c] * second)
        _add(sums, lost, 3, moments[0, c] * short)
        _add(sums, lost, 4, moments[0, c] * accepted)
        begin = end
    return sums


@njit(cache=True, nogil=True)
def _add(sums, lost, at, x):
    """Add to a sum, and keep what rounding has lost for the next time (Kahan)."""
    more = x - lost[at]
    total = sums[at] + more
    lost[at] = total - sums[at] - more if total < np.inf else 0.0
    sums[at] = total
