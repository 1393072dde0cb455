"""Law of the states of K draws from a weighted cloud, given how likely its parents are.

Given t > 0 let each particle of weight w throw a Poisson(t w) number of marks. With W_c the weight
of state c and W the sum, the chance of alpha_c marks in state c is a coefficient of a power,

    Q_alpha(t) = E[prod_c e^{-t W_c} (t W_c)^{alpha_c} / alpha_c!] = [y^alpha] P(y)^N,
    P(y) = sum over kinds of q_k e^{-t w_k} (1 if w_k = 0, else sum_j (t w_k y_c)^j / j!),

as the N particles are independent, and K int_0^inf Q_alpha(t) dt/t is the chance that K draws with
replacement, in proportion to the weights, are of the states alpha. In log t the trapezoidal
rule has the relative error 2 |Gamma(K + 2 pi i/h)| / Gamma(K) for every W. All terms are positive.
"""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["draw_laws"]

LANES = 8  # values of t at once
NEGLIGIBLE = 1e-16  # terms below this share end the sum
ENOUGH = 1e-11  # relative difference from the chance that is known


@njit(cache=True)
def draw_laws(n, step, lower, size, parent, child, weight, chance, shares):
    """Return the laws of K draws and what they took.

    Parameters
    ----------
    n : int
        N, at least K.
    step : float
        h, of the trapezoidal rule in log t.
    lower : (Q, S) int array
        Row of alpha - e_c for each alpha of at most K marks, by number of marks; -1 for none.
    size : (Q,) int array
        Marks of each alpha.
    parent, child : (n_moves,) int arrays
        States of parent and child, numbered from 0; the child is -1 if its weight is zero.
    weight, chance : (n_moves,) arrays
        Weight of the child, and probability of the move given the parent.
    shares : (J, P) array
        Chance of each parent, a row for each law.

    Returns
    -------
    laws : (J, A) array
        A row for each row of `shares`, a column for each alpha of K marks: the chance that the
        weights are not all zero and the draws are of these states.
    alive : (J,) array
        The chance that the weights are not all zero.
    terms : int
        Terms of the trapezoidal rule, for all rows together.
    complete : bool
        Whether each row of `laws` summed to what is known of it, before it was scaled to that.
    """
    degree = size[-1]
    first = size.size - np.sum(size == degree)
    laws, alive = np.zeros((len(shares), size.size - first)), np.zeros(len(shares))
    marks, power = np.zeros((1 + lower.shape[1], degree + 1, LANES)), np.empty((size.size, LANES))
    times, total_of = np.empty(LANES), np.empty(LANES)
    top, least = 0.0, np.inf
    for k in range(weight.size):
        if weight[k] > 0:
            top, least = max(top, weight[k]), min(least, weight[k])
    terms, complete = 0, True
    for j in range(len(shares)):
        mean, dead = 0.0, 0.0
        for k in range(weight.size):
            q = shares[j, parent[k]] * chance[k]
            mean += n * q * weight[k]
            if weight[k] == 0:
                dead += q
        if mean == 0:
            continue
        alive[j] = 1.0 if dead == 0 else -np.expm1(n * np.log(min(dead, 1.0)))
        middle = np.log(degree / mean)
        # where K draws are likely at some weight of the cloud, from the largest to the least
        begin = np.log(degree / (n * top)) - 40.0 / degree - 2.0
        end = np.log((degree + 100.0) / least)
        missing = 1.0
        for negligible in (NEGLIGIBLE, 0.0):
            laws[j] = 0.0
            total = 0.0
            for way in (step, -step):
                log_t = middle if way > 0 else middle - step
                term = 1.0
                while begin <= log_t <= end and term >= negligible * total:
                    for i in range(LANES):
                        times[i] = np.exp(log_t + i * way)
                    _marks(marks, times, parent, child, weight, chance, shares[j])
                    _power(power, marks, n, lower, size)
                    total_of[:] = 0.0
                    for a in range(first, size.size):
                        x = 0.0
                        for i in range(LANES):
                            x += power[a, i]
                            total_of[i] += power[a, i]
                        laws[j, a - first] += x
                    for i in range(LANES):
                        total += total_of[i]
                    term = total_of[-1]
                    terms += LANES
                    log_t += LANES * way
            # a heap of heavy weights far from the mean is met on the second way, along all of t
            missing = abs(degree * step * total / alive[j] - 1)
            if missing < ENOUGH:
                break
        complete &= missing < ENOUGH
        if total > 0:
            laws[j] *= alive[j] / total
    return laws, alive, terms, complete


@njit(cache=True)
def _marks(marks, times, parent, child, weight, chance, share):
    """Chances of j marks in state c at [1 + c, j], of no mark at [0, 0], of some at [1, 0]."""
    marks[:] = 0.0
    for k in range(weight.size):
        q = share[parent[k]] * chance[k]
        for i in range(LANES):
            rate = times[i] * weight[k]
            x = q * np.exp(-rate)
            marks[0, 0, i] += x
            marks[1, 0, i] -= q * np.expm1(-rate)
            if x > 0 and child[k] >= 0:
                for j in range(1, marks.shape[1]):
                    x *= rate / j
                    marks[1 + child[k], j, i] += x


@njit(cache=True, error_model="numpy")
def _power(power, marks, n, lower, size):
    """Coefficients of Q = P^N by P Q' = N P' Q along rays; no term is negative as K <= N."""
    inverse, x = np.empty(LANES), np.empty(LANES)
    for i in range(LANES):
        none, some = marks[0, 0, i], marks[1, 0, i]
        # with few marks a particle the rounding of none**n would be that of N particles
        power[0, i] = np.exp(n * np.log1p(-some)) if some < 0.5 else none**n
        # beyond the range of floats the whole term is negligible
        inverse[i] = 1.0 / none if power[0, i] > 0 else 0.0
    for a in range(1, size.size):
        d = size[a]
        x[:] = 0.0
        for c in range(lower.shape[1]):
            below, j = lower[a, c], 1
            while below >= 0:
                factor = float(j * (n + 1) - d)
                for i in range(LANES):
                    x[i] += factor * marks[1 + c, j, i] * power[below, i]
                below = lower[below, c]
                j += 1
        for i in range(LANES):
            power[a, i] = x[i] * inverse[i] / d
