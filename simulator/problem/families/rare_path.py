"""Chi-square instance at a fixed horizon: one path that pi_ref takes too rarely."""

from __future__ import annotations

import math

import numpy as np

from simulator.checks import check_int
from simulator.problem.families.checks import check_horizon
from simulator.problem.model import TabularModel
from simulator.problem.problem import Instance, Problem

__all__ = ["path_probability", "rare_path"]


def rare_path(particles: int = 32, horizon: int = 2) -> Problem:
    r"""Return one rare path x_0, x_1, ..., x_H, which N particles meet too seldom (new here).

    With q = (2 N)^(-H/(2H-1)) pi_ref goes to x_1 with probability q^2 and else to a quiet state,
    where nothing happens any more; from x_{h-1} to x_h with probability 2 q^2 and else to a dead
    end (r = V^ = 0). V^ is such that pi^ gives x_h one half at all levels 0 < h < H; under pi* the
    path x_H has probability q. So the chi-square of pairs is at most 2 at every level, yet some of
    N particles gets to x_H with probability at most q/2: D_TV is at least q/2, statement E, which
    attains the rate N^(-H/(2H-1)) of E-upper. Z = 1.

    Parameters
    ----------
    particles : int, optional
        N >= 1, for which the instance is made.
    horizon : int, optional
        H >= 1.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = rare_path(32, 2)
    >>> problem.target[-1].round(6).tolist(), round(path_probability(32, 2), 6)
    ([0.9375, 0.0625], 0.0625)
    """
    check_int("particles", particles, 1, 10**9)
    check_horizon(horizon)
    q = path_probability(particles, horizon)
    p = q * q
    first = np.array([[1 - p, p]]), np.array([[0, 1]])
    later = np.array([[1.0, 0.0], [1 - 2 * p, 2 * p]]), np.array([[0, 0], [0, 1]])
    alive = np.array([[1.0, 1.0], [0.0, 1.0]])
    h = np.arange(1, horizon + 1)
    log_reach = h * math.log(p) + (h - 1) * math.log(2.0)  # log pi_ref(x_h)
    log_prm = np.zeros(2 * horizon + 1)
    log_prm[2::2] = math.log1p(-p) - log_reach
    log_reward = np.array([-math.log1p(q), math.log(q) - log_reach[-1]])
    log_prm[-2:] = log_reward
    problem = Problem.from_log(
        TabularModel(*zip(first, *[later] * (horizon - 1), strict=True)),
        log_reward,
        log_prm,
        edge_reward=[None] + [alive] * (horizon - 1),
        name=f"rare-path:particles={particles},horizon={horizon}",
    )
    problem.instance = Instance("rare-path", {"particles": particles, "horizon": horizon})
    return problem


def path_probability(particles: int, horizon: int) -> float:
    """Return q = (2 N)^(-H/(2H-1)), the chance of the rare path under pi*.

    Parameters
    ----------
    particles : int
        N of the instance.
    horizon : int
        H.

    Examples
    --------
    >>> [round(path_probability(4096, h), 6) for h in (1, 2, 3)]
    [0.000122, 0.002461, 0.004487]
    """
    return float((2.0 * particles) ** (-horizon / (2 * horizon - 1)))
