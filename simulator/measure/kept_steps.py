r"""One step of a weighted cloud that is not resampled: what its target loses at most.

Particle i of weight W_i moves to child k with probability p_ik, independently of the others, and
nu~ = sum_i a_i delta_{x'_i} / sum_i a_i with a_ik = W_i V*(k)/V^(x_i), or 0 where V^(k) = 0. Given
that particle i moves to k, the others add up to the mean of sum_{j != i} a_j, and 1/(a + s) is
convex in s, so that

    E[nu~(i, k)] >= p_ik a_ik / (a_ik + sum_{j != i} E a_j).

It is the floor of `simulator.exact.self_normalised_floor` with particles that differ. The target
nu~ pi* of the cloud before is p_ik a_ik / sum_j E a_j where no mass is lost.
"""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["kept_errors"]


def kept_errors(problem: Problem, level: int, states: Ints, weights: Floats) -> Floats:
    """Bound D_TV(E[nu~_h | cloud], nu~_{h-1} pi*) for clouds of level h-1 that are kept.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    level : int
        h, from 1 to H.
    states : (C, N) int array
        Rows of level h-1; anything where the weight is zero.
    weights : (C, N) array
        Unnormalised, each row with a positive one.

    Returns
    -------
    (C,) array
        In [0, 1].

    Examples
    --------
    Two particles at the root are two independent draws: 1/3 instead of 2/5 for each child.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> root = np.zeros((1, 2), dtype=np.int64)
    >>> kept_errors(problem, 1, root, np.ones((1, 2))).round(12).tolist()
    [0.15]
    """
    e, a = problem.forward_backward.edges, problem.model.n_actions
    run = slice(int(e.start[level - 1]), int(e.start[level]))
    parent = problem.log_prm_flat[e.source[run]]
    alive = np.isfinite(parent)
    log_u = e.log_factor[run] + problem.log_value_flat[e.target[run]]
    log_u = np.where(alive, log_u - np.where(alive, parent, 0.0), -np.inf).reshape(-1, a)
    prob = np.exp(e.log_prob[run]).reshape(-1, a)
    passed = np.isfinite(problem.log_prm_flat[e.target[run]]).reshape(-1, a)

    states = np.where(weights > 0, states, 0)
    p = prob[states]
    possible = (weights[:, :, None] > 0) & (p > 0)
    log_a = np.where(possible, log_u[states], -np.inf)
    top = log_a.max(axis=(1, 2), keepdims=True)
    share = weights[:, :, None] * np.exp(log_a - np.where(np.isfinite(top), top, 0.0))
    ideal = p * share
    total = ideal.sum(axis=(1, 2), keepdims=True)
    ideal = ideal / np.where(total > 0, total, 1.0)
    share = np.where(passed[states], share, 0.0)
    mean = (p * share).sum(axis=2, keepdims=True)
    least = share + np.maximum(mean.sum(axis=1, keepdims=True) - mean, 0.0)
    floor = p * share / np.where(least > 0, least, 1.0)
    return np.asarray(np.maximum(ideal - floor, 0.0).sum(axis=(1, 2)))
