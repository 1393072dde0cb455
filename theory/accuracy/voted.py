r"""Law A4: right answers outweigh wrong ones with probability 1 - O(1/N), or wrong ones do.

D = (W^_H/Z_e) nu^_H(1_E - 1_{not E}) has mean d = pi*_e(E) - pi*_e(not E), and the sign of D is the
vote. Cantelli: P(D > 0) >= d^2/E[D^2] if d > 0, P(D < 0) >= d^2/E[D^2] if d < 0. E[D^2] is exact:
the recursion of bound S2 with 1_E - 1_{not E} at the ends of both lineages. So the vote goes
where pi* goes: it is right for large N if and only if pi*(E) > 1/2.

Predictor: that of the output, P1.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.exact.second_moments import cloud_second_moment, sequence_chi2
from simulator.measure.accuracy_law import vote_limits
from simulator.problem.events import check_event
from simulator.problem.forward_backward import backward
from simulator.problem.problem import Problem
from simulator.problem.transforms import in_blocks
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.typing import Bools
from theory.accuracy.answers import AccuracyLimits, cloud_problem

__all__ = ["voted_accuracy"]


def voted_accuracy(problem: Problem, sampler: Sampler, correct: npt.ArrayLike) -> AccuracyLimits:
    """Bound the probability that right answers together outweigh wrong ones.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    sampler : Sampler
        SMC with multinomial resampling at every level, SMC-RS, SIS, or one that declares one of
        these laws.
    correct : (S_H,) bool array
        Which terminal states are right.

    Returns
    -------
    AccuracyLimits
        Both limits are exact at any horizon; nothing is predicted.

    Raises
    ------
    InputError
        If the law does not speak of the sampler, or an argument is malformed.
    TooLargeError
        If the recursion would take minutes, or leaves the range of floats.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> problem = open_problem("reference")
    >>> found = voted_accuracy(problem, SMC(64), problem.reward > 1.5)
    >>> print(f"{found.low:.3f} {found.high:.0f}")
    0.908 1
    """
    event, n = check_event(problem, correct), sampler.n_particles
    sign = np.where(event, 1.0, -1.0)
    if facts_of(sampler, problem).family == "sis":
        free = in_blocks(problem, problem.horizon)
        d = _difference(free, event)
        chi2 = sequence_chi2(problem.tables, problem.log_reward, problem.log_z)
        second = d * d + (1 + chi2 - d * d) / n
    else:
        clouds = cloud_problem(problem, sampler)
        if clouds.forward_backward.log_z_alive == -math.inf:
            return AccuracyLimits(0.0, 0.0, None, 1.0)  # every run fails
        d = _difference(clouds, event)
        second = max(cloud_second_moment(clouds, n, sign), d * d)
    low, high = vote_limits(d, second) if math.isfinite(second) else (0.0, 1.0)
    return AccuracyLimits(low, high, None, 1.0)


def _difference(problem: Problem, event: Bools) -> float:
    """pi*_e(E) - pi*_e(not E)."""
    kept = np.where(event, problem.log_reward, -np.inf)
    log_part = float(backward(problem.tables, problem.log_prm_flat, kept)[0])
    return 2 * math.exp(min(log_part - problem.forward_backward.log_z_alive, 0.0)) - 1
