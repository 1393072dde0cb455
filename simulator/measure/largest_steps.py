r"""The largest that the one-step errors of the tilted cloud can be, whatever the run.

They come from the tables alone: see `simulator.measure.step_errors` for the errors themselves.
"""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.resampling.schemes import known_as
from simulator.typing import Floats

__all__ = ["largest_excess", "largest_steps"]


def largest_excess(problem: Problem, *, rejection: bool = False) -> Floats:
    r"""Largest weights of each level relative to their mean, less 1: B_h - 1.

    SMC: B_h is the largest u = V*(child)/V^(parent) of the level over the least V*/V^ of the
    level before, which the mean of u is never below. By rejection, B_h is the largest V*/V^ of
    the level over its least one. Rescaling V^ level by level changes nothing.

    Parameters
    ----------
    problem : Problem
        What is sampled; no use if mass is lost.
    rejection : bool, optional
        Whether it is SMC by rejection, whose last level is exact.

    Returns
    -------
    (H,) array, or (H-1,) by rejection
        inf where V* = 0 at an alive state of whose level the least is taken.
    """
    e, value, prm = problem.forward_backward.edges, problem.log_value_flat, problem.log_prm_flat
    alive = np.isfinite(problem.forward_backward.log_forward_alive) & np.isfinite(prm)
    log_prm = np.where(alive, prm, 0.0)
    ratio = value - log_prm
    start = problem.model.state_start[:-1]
    least = np.minimum.reduceat(np.where(alive, ratio, np.inf), start)
    if rejection:
        most, least = np.maximum.reduceat(np.where(alive, ratio, -np.inf), start)[1:-1], least[1:-1]
    else:
        taken = alive[e.source] & np.isfinite(e.log_prob)
        u = np.where(taken, e.log_factor + value[e.target] - log_prm[e.source], -np.inf)
        most, least = np.maximum.reduceat(u, e.start[:-1]), least[:-1]
    with np.errstate(over="ignore"):
        return np.maximum(np.expm1(most - least), 0.0)


def largest_steps(
    problem: Problem, n: int, *, rejection: bool = False, resampling: str = "multinomial"
) -> Floats:
    r"""Largest values of t_1, t_2, ..., the same for all runs.

    t_h <= (B_h-1)/(N + B_h-1) with B_h - 1 of `largest_excess`, by the floor of
    `simulator.exact.self_normalised_floor`; 1 if pi* meets V^ = 0. Of other schemes with
    negatively correlated offspring t_h <= B_h/(N + B_h), and of those without only t_h <= 1.

    Parameters
    ----------
    n : int
        Number of particles N.
    rejection : bool, optional
        As in `largest_excess`.
    resampling : str, optional
        Scheme of SMC that is resampled at every level.

    Returns
    -------
    (H,) array, or (H-1,) by rejection
        By rejection the last level is exact, whatever is lost before it.
    """
    wanted = problem.forward_backward.log_forward + problem.log_value_flat
    if (np.isneginf(problem.log_prm_flat) & np.isfinite(wanted)).any():  # also if next to nothing
        return np.ones(problem.horizon - rejection)
    scheme = known_as(resampling, n)
    if not scheme.negatively_correlated:
        return np.ones(problem.horizon)
    excess = largest_excess(problem, rejection=rejection) + (scheme.variance != "multinomial")
    return np.asarray(1 - 1 / (1 + excess / n))
