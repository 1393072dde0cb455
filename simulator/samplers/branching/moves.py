"""Moves from a prefix x: to a child x a, or "parent", as cumulative probabilities.

A step down to x a has probability q_a/(1 + R) and "parent" has 1/(1 + R), where
q_a = pi_ref(a|x) V^(x a)/V^(x) and R = sum_a q_a. VGB (arXiv 2510.03149) takes these steps;
a particle of SMC-IND (arXiv 2603.07887, algorithm 4) gets a child for each move until "parent".
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError

if TYPE_CHECKING:
    from simulator.problem.problem import Problem

__all__ = ["MoveTables", "move_tables", "step_ratios"]


class MoveTables(NamedTuple):
    """Moves of every state of levels 0..H-1, in flat order.

    Attributes
    ----------
    below : (n_inner, A) array
        P(a move is a token <= a); what the last column lacks to 1 belongs to "parent".
    state_start : (H+2,) int array
        Where the states of a level begin.
    table_start, next_state : (H,) and (n_edges,) int arrays
        State of level h+1 after token a: ``next_state[table_start[h] + state * A + a]``.
    """

    below: npt.NDArray[np.float64]
    state_start: npt.NDArray[np.int64]
    table_start: npt.NDArray[np.int64]
    next_state: npt.NDArray[np.int64]


def step_ratios(problem: Problem) -> npt.NDArray[np.float64]:
    """Compute q = pi_ref(a|x) V^(x a)/V^(x), edge rewards included, for all edges.

    Returns
    -------
    (n_inner, A) array
        Rows in flat state order; zero where V^ is zero at either end.

    Raises
    ------
    InputError
        If a ratio is beyond the range of floats.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> step_ratios(reference(1)).round(6).tolist()
    [[0.333333, 0.666667]]
    """
    e, log_prm = problem.forward_backward.edges, problem.log_prm_flat
    alive = np.isfinite(log_prm)
    ok = alive[e.source] & alive[e.target]
    gap = np.where(ok, log_prm[e.target], 0.0) - np.where(ok, log_prm[e.source], 0.0)
    with np.errstate(over="ignore"):
        q = np.where(ok, np.exp(e.log_prob + e.log_factor + gap), 0.0)
    rows = q.reshape(-1, problem.model.n_actions)
    if not np.isfinite(rows.sum(axis=1)).all():
        h, row = problem.forward_backward.state_of(int(np.argmax(~np.isfinite(rows.sum(axis=1)))))
        raise InputError(f"stage {h}, row {row}: V^(child)/V^(parent) is beyond e^709")
    return rows


_CACHE: weakref.WeakKeyDictionary[Problem, MoveTables] = weakref.WeakKeyDictionary()


def move_tables(problem: Problem) -> MoveTables:
    """Tabulate the moves of a problem; done once for each problem.

    Raises
    ------
    InputError
        If a ratio V^(child)/V^(parent) is beyond the range of floats.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> move_tables(reference(1)).below.round(6).tolist()
    [[0.166667, 0.5]]
    """
    found = _CACHE.get(problem)
    if found is None:
        q = step_ratios(problem)
        below = np.cumsum(q / (1 + q.sum(axis=1, keepdims=True)), axis=1)
        t = problem.tables
        found = MoveTables(below, t.state_start, t.table_start, t.next_state)
        _CACHE[problem] = found
    return found
