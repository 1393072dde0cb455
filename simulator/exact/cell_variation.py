r"""How much quasi-SMC varies at most: total variations along the order of the cells.

With rho_{h,t}(x_{h-1}, x_h) = E_ref[V^(x_t)|x_h]/V^(x_{h-1}) Z^_{h-1}/Z^_t, a function of the
cell, and V its total variation along the order of all cells of level h,

    v_t = sum_{h<=t} (1 + v_{h-1}) V(rho_{h,t})^2/(4 N^2) >= Var(W^_t/Z^_t).
"""

from __future__ import annotations

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.second_moments import WeightedEdges, check_work, weighted_edges
from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["variance_limits"]

LARGEST = 300.0  # logs of ratios beyond it: their squares leave the range of floats


def variance_limits(problem: Problem, n_particles: int, places: list[Ints] | None = None) -> Floats:
    """Bound Var(W^_t/Z^_t) of quasi-SMC by total variations.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM; no mass may be lost.
    n_particles : int
        N.
    places : list of int arrays, optional
        Place of each state of levels 0 to H in the order of its level, on a tree; a cell stands
        where its child does. By default cells are ordered by state and token.

    Returns
    -------
    (H+1,) array
        v_0 = 0 to v_H.

    Raises
    ------
    TooLargeError
        If ratios leave the range of floats, or the horizon is so long that O(H^2) values a state
        would take minutes.

    Examples
    --------
    One level, cells of weights 1/2 and 3/2: their variation is 1.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> variance_limits(problem, 2).tolist()
    [0.0, 0.0625]
    """
    check_work(problem, 0)
    edges, horizon = weighted_edges(problem), problem.horizon
    cells = [_cells(problem, edges, h, places) for h in range(1, horizon + 1)]
    a, start = problem.model.n_actions, problem.model.state_start
    v = np.zeros(horizon + 1)
    for t in range(1, horizon + 1):
        here = np.zeros(int(start[t + 1] - start[t]))  # log E[V^(x_t)|x]/V^(x) Z^_h/Z^_t
        for h in range(t, 0, -1):
            run = slice(int(start[h - 1]) * a, int(start[h]) * a)
            ahead = here[edges.target[run] - start[h]]
            log_rho = (edges.log_ratio[run] + ahead)[cells[h - 1]]
            if log_rho.max(initial=-np.inf) > LARGEST:
                raise TooLargeError("variation of the cells: ratios leave the range of floats")
            variation = float(np.abs(np.diff(np.exp(log_rho))).sum())
            v[t] += (1 + v[h - 1]) * variation**2 / (4 * n_particles**2)
            moved = (edges.log_weighted[run] + ahead).reshape(-1, a)
            here = np.logaddexp.reduce(moved, axis=1)
    return v


def _cells(problem: Problem, edges: WeightedEdges, h: int, places: list[Ints] | None) -> Ints:
    """Edges into level h that can be cells, in order, counted from the first of the level."""
    a, start = problem.model.n_actions, problem.model.state_start
    alive = np.isfinite(problem.forward_backward.log_forward_alive[start[h - 1] : start[h]])
    possible = np.repeat(alive, a) & (problem.model.probs[h - 1].ravel() > 0)
    found = np.flatnonzero(possible)
    if places is None:
        return found
    child = edges.target[found + int(start[h - 1]) * a] - start[h]
    return found[np.argsort(places[h][child], kind="stable")]
