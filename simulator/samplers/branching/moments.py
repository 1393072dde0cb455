r"""Moments of SMC-IND (arXiv 2603.07887, algorithm 4) by recursion, without sampling.

The number of children D is geometric with mean R = sum_a q_a, q_a = pi_ref(a|x) V^(x a)/V^(x),
and E[D(D-1)] = 2 R^2. So the numbers of leaves of one particle at x have the second moments
E[K_y K_y'; x] = sum_a q_a E[K_y K_y'; x a] + 2 E[K_y; x] E[K_y'; x], that is from the root

    E[K_y] = pi_ref(y) V^(y)/V^(root),
    E[K_y K_y'] = 1{y=y'} E[K_y] + 2 sum over common proper prefixes x of E[K_y] E[K_y']/E[K_x].
"""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.branching.moves import step_ratios
from simulator.typing import Floats

__all__ = ["leaf_counts", "path_moment", "relative_variance"]


def relative_variance(problem: Problem, n: int) -> float:
    r"""Compute Var(W^_H)/E[W^_H]^2, W^_H = V^(root) K/N, by one sum over states.

    With V* (of the alive paths) and Z = V*(root), it is
    (1/N) (V^(root)/Z - 1 + 2 V^(root)/Z · sum_{h<H} E_{pi*}[V*(x_h)/V^(x_h)]).

    Parameters
    ----------
    n : int
        N.

    Returns
    -------
    float
        2H/N for V^ = V*; inf if no leaf can be reached.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> perfect = reference(3).with_prm("exact")
    >>> round(relative_variance(perfect, 2), 9)
    3.0
    """
    p = problem.forward_backward
    if p.log_z_alive == -math.inf:
        return math.inf
    inner = slice(0, int(problem.model.state_start[-2]))
    on = np.isfinite(p.log_forward_alive[inner]) & np.isfinite(p.log_value_alive[inner])
    forward, value = p.log_forward_alive[inner][on], p.log_value_alive[inner][on]
    from scipy.special import logsumexp

    total = logsumexp(forward + 2 * value - problem.log_prm_flat[inner][on]) - p.log_z_alive
    with np.errstate(over="ignore"):
        scale = float(np.exp(problem.log_prm_flat[0] - p.log_z_alive))
        return (scale - 1 + 2 * scale * float(np.exp(total))) / n


def path_moment(problem: Problem, n: int) -> Floats:
    r"""m(y) = E[(W^_H/Z)^2 1{Y=y}]/pi*(y) for each terminal state of a tree.

    m(y) = 1 - 1/N + (V^(root)/(N Z)) (1 + 2 sum_{h<H} V*(y_{1:h})/V^(y_{1:h})), as
    E[K K_y] = N E[K_y](1 + 2 sum_{h<H} E[K|x_h]) + N(N-1) E[K_y] E[K] with one-particle means.

    Parameters
    ----------
    problem : Problem
        A tree that loses no mass.
    n : int
        N.

    Returns
    -------
    (S_H,) array
        1 + 2H/N for V^ = V*; inf where pi* is zero.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> path_moment(reference(1), 2).tolist()
    [2.0, 2.0]
    """
    total = np.zeros(1)
    log_prm, log_value = problem.log_prm, problem.log_value
    for h in range(problem.horizon):
        known = np.isfinite(log_prm[h]) & np.isfinite(log_value[h])
        gap = np.where(known, log_value[h], 0.0) - np.where(known, log_prm[h], 0.0)
        with np.errstate(over="ignore"):
            total = total + np.where(known, np.exp(gap), np.inf)
        after = np.full(int(problem.model.n_states[h + 1]), np.inf)
        row, action = np.nonzero(problem.model.probs[h] > 0)
        after[problem.model.next_state[h][row, action]] = total[row]
        total = after
    with np.errstate(over="ignore"):
        scale = np.exp(problem.log_prm_flat[0] - problem.log_z)
        m = 1 - 1 / n + scale / n * (1 + 2 * total)
    return np.where(problem.reward > 0, m, np.inf)


def leaf_counts(problem: Problem, n: int) -> tuple[Floats, Floats]:
    """Mean and covariance of the numbers of particles at the terminal states.

    Parameters
    ----------
    n : int
        N particles at the root.

    Returns
    -------
    mean, covariance : (S_H,) and (S_H, S_H) arrays

    Raises
    ------
    TooLargeError
        If the recursion needs more than 10^8 numbers at once.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> mean, covariance = leaf_counts(reference(1), 2)
    >>> mean.round(6).tolist(), covariance.round(6).tolist()
    ([0.666667, 1.333333], [[0.888889, 0.444444], [0.444444, 2.222222]])
    """
    q, start, a = step_ratios(problem), problem.model.state_start, problem.model.n_actions
    size = int(problem.model.n_states[-1])
    if float(size) ** 2 * int(problem.model.n_states.max()) * a > 1e8:
        raise TooLargeError(f"leaf counts: {size} terminal states are too many")
    mean, second = np.eye(size), np.zeros((size, size, size))  # of one particle at a state
    second[np.arange(size), np.arange(size), np.arange(size)] = 1.0
    for h in range(problem.horizon - 1, -1, -1):
        rows, to = q[start[h] : start[h + 1]], problem.model.next_state[h]
        mean = np.einsum("sa,say->sy", rows, mean[to].reshape(-1, a, size))
        second = np.einsum("sa,sayz->syz", rows, second[to].reshape(-1, a, size, size))
        second = second + 2 * mean[:, :, None] * mean[:, None, :]
    return n * mean[0], n * (second[0] - np.outer(mean[0], mean[0]))
