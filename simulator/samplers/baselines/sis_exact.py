"""Exact law of SIS, by one integral for any N."""

from __future__ import annotations

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.quadrature import NODES, self_normalised_mean
from simulator.exact.second_moments import relative_variance
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.baselines.whole_paths_exact import WholePaths, whole_paths
from simulator.samplers.smc.sampler import SMC

__all__ = ["sis_law"]


def sis_law(
    problem: Problem, n_particles: int, on: str, limit: float, *, shortfall: bool
) -> ExactLaw:
    """Compute the law of N paths from pi_ref of which one is output in proportion to its reward.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_particles : int
        N.
    on : {"paths", "states"}
        Outcomes: token paths or terminal states.
    limit : float
        Largest number of paths to list, of values of the integrand, and, with `shortfall`, of
        multisets of rewards.
    shortfall : bool
        Whether to compute E[(1 - W^_H/Z)_+] as well, over all multisets of N rewards.

    Raises
    ------
    TooLargeError
        If there is more to compute than `limit`.
    """
    found = whole_paths(problem, on, limit)
    size = found.mass.size * float(NODES)
    if size > limit:
        raise TooLargeError(
            f"exact law: about {size:.3g} values of the integrand, the limit is {limit:.3g}"
        )
    u = np.exp(np.append(found.log_reward - found.log_reward[-1], -np.inf))
    mass = np.append(found.mass, found.zero)
    law = found.law(self_normalised_mean(mass[None], u[None], n_particles)[0, :-1])
    out = found.outcomes
    weighted = found.law(found.mass * np.exp(found.log_reward - problem.log_z))
    return ExactLaw(
        law=law,
        failure=found.zero**n_particles,
        tv=total_variation(out.target, law),
        mean_w_over_z=float(weighted.sum()),
        relative_variance=relative_variance(problem, n_particles, "sis"),
        shortfall=_shortfall(found, n_particles, limit) if shortfall else None,
        target=out.target,
        weighted=weighted,
        tokens=out.tokens,
    )


def _shortfall(found: WholePaths, n_particles: int, limit: float) -> float:
    """E[(1 - W^_H/Z)_+]: W^_H is that of SMC whose one token is the class of the reward."""
    log_reward = np.append(found.log_reward, -np.inf)
    mass = np.append(found.mass, found.zero)
    one_level = TabularModel([mass[None] / mass.sum()])
    classes = Problem.from_log(one_level, log_reward, np.append(0.0, log_reward))
    short = SMC(n_particles).exact_law(classes, limit=limit, shortfall=True).shortfall
    assert short is not None
    return short
