"""Kullback-Leibler divergences between targets, exact by dynamic programming."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem, check_tabular
from simulator.problem.target import target_kernel

__all__ = ["intermediate_kl", "sequence_kl"]


def intermediate_kl(problem: Problem) -> npt.NDArray[np.float64]:
    r"""KL(pi*_h ‖ pi^_h) of the laws of prefixes, h = 0..H.

    pi*_h/pi^_h = (V*/V^)(Z^_h/Z) is a function of the state, so that states are enough. pi^_h
    is over prefixes on which V^ > 0.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Returns
    -------
    (H+1,) array
        inf from the level on at which pi* meets V^ = 0.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> intermediate_kl(reference(3)).round(4).tolist()
    [0.0, 0.1483, 0.1468, 0.0]
    """
    fb, start = problem.forward_backward, problem.model.state_start
    target, log_z_hat = fb.target_marginal, fb.log_z_hat
    seen = target > 0
    lost = np.isneginf(problem.log_prm_flat) & seen
    ratio = np.zeros(target.size)
    kept = seen & ~lost
    ratio[kept] = problem.log_value_flat[kept] - problem.log_prm_flat[kept]
    mean = np.add.reduceat(target * ratio, start[:-1])
    ever = np.logical_or.accumulate(np.logical_or.reduceat(lost, start[:-1]))
    out = np.full(mean.size, np.inf)
    out[~ever] = mean[~ever] + log_z_hat[~ever] - problem.log_z
    return np.maximum(out, 0.0)  # rounding may leave a zero a little below


def sequence_kl(problem: Problem) -> float:
    """KL(pi* ‖ pi_ref) of the laws of whole paths, E_{pi*}[log r] - log Z.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref and reward; V^ plays no part.

    Returns
    -------
    float
        In nats.

    Examples
    --------
    >>> from simulator.problem.families.product import product
    >>> print(f"{sequence_kl(product(10)):.4f}")
    0.5663
    """
    check_tabular(problem, "sequence_kl")
    e, target = problem.forward_backward.edges, problem.forward_backward.target_marginal
    taken = target[e.source] * target_kernel(problem).ravel()
    factor = np.where(taken > 0, e.log_factor, 0.0)
    last = target[int(problem.model.state_start[-2]) :]
    reward = np.where(last > 0, problem.log_reward, 0.0)
    return max(float(taken @ factor + last @ reward) - problem.log_z, 0.0)
