r"""Means E_{pi*_e}[f(y_H)/m(y)], f >= 0, of the mean weight m of conditional SMC.

pi*_e is pi* on the paths that V^ keeps. Few paths are listed. With a perfect PRM m is a product
over edges, and one backward pass gives the mean on any model. Else the mean is measured over
y ~ pi*; f/m has no upper end, so there is a lower limit, by betting, and no upper one.
"""

from __future__ import annotations

import numpy as np

from simulator.exact.second_moments import path_second_moment
from simulator.interval import Interval
from simulator.measure.confidence import log_mean_lower
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.problem.unfold import count_paths, unfold
from simulator.typing import Floats
from theory.accuracy.answers import Draws
from theory.laws.path_sums import PathSum

__all__ = ["inverse_means"]

PATHS = 50_000  # listed up to so many
ROUNDING = 1e-12


def inverse_means(
    problem: Problem, n_particles: int, family: str, functions: list[Floats], draws: Draws
) -> list[Interval]:
    r"""Compute E_{pi*_e}[f(y_H)/m(y)] for several f.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    n_particles : int
        N.
    family : {"smc", "smc-rs", "sis"}
        Law of the clouds, as in `simulator.Facts`; SMC with multinomial resampling.
    functions : list of (S_H,) arrays
        f >= 0, of terminal states.
    draws : Draws
        For means that are measured; the lower limits of all f hold together.

    Returns
    -------
    list of Interval
        Zero if no path is kept; with an upper limit of inf if measured.

    Raises
    ------
    TooLargeError
        If m of so many paths of so many levels would take minutes.

    Examples
    --------
    >>> from simulator import open_problem
    >>> problem = open_problem("product:horizon=1000")  # V^ = V*
    >>> [round(x.value, 4) for x in inverse_means(problem, 1000, "smc", [np.ones(1)], Draws())]
    [0.8949]
    """
    lost = 0.0 if family == "sis" else problem.forward_backward.lost_mass
    if lost == 1:
        return [Interval.exactly(0.0) for _ in functions]
    if count_paths(problem) <= PATHS:
        paths = unfold(problem)
        mass = paths.problem.target[-1] / (1 - lost)
        hit = mass > 0
        inverse = 1 / path_second_moment(problem, n_particles, paths.tokens[hit], family)
        ends = paths.terminal[hit]
        return [Interval.exactly(float(mass[hit] @ (f[ends] * inverse))) for f in functions]
    factor = _perfect(problem, n_particles, family)
    if factor is not None:
        product = PathSum(problem, np.zeros_like(factor), factor, 1.0)
        return [Interval.exactly(product.mean(f)) for f in functions]
    tokens = target_paths(problem, draws.n, draws.rng)
    inverse = 1 / path_second_moment(problem, n_particles, tokens, family)
    ends = path_edges(problem.model, tokens)[0][:, -1] - int(problem.model.state_start[-2])
    delta = (1 - draws.confidence) / len(functions)
    found = []
    for f in functions:
        x = f[ends] * inverse / (1 - lost)
        with np.errstate(divide="ignore"):
            low = float(np.exp(log_mean_lower(np.log(x), delta)))
        found.append(Interval(float(x.mean()), low, np.inf, draws.confidence))
    return found


def _perfect(problem: Problem, n_particles: int, family: str) -> Floats | None:
    """1/m edge by edge where V^ is V* times a number of each level; None elsewhere."""
    value, prm = problem.log_value_flat, problem.log_prm_flat
    seen = problem.forward_backward.target_marginal > 0
    if family == "sis" or not (np.isfinite(prm) == np.isfinite(value)).all():
        return None
    off = np.where(seen, prm - np.where(seen, value, 0.0), np.nan)
    for part in problem.model.split(off):
        known = part[~np.isnan(part)]
        if float(np.ptp(known)) > ROUNDING * max(1.0, float(np.abs(known).max())):
            return None
    e = problem.forward_backward.edges
    if family == "smc-rs":
        return np.ones(e.target.size)
    here = np.where(np.isfinite(value), value, 0.0)
    ratio = np.exp(e.log_factor + value[e.target] - here[e.source])
    n = n_particles
    whole = 1 + (ratio - 1) / n  # 0 only for N = 1 where pi* does not go
    return np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
