"""A problem as a point: logarithms of its positive numbers, and back."""

from __future__ import annotations

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.typing import Bools, Floats

__all__ = ["FARTHEST", "Shape"]

FARTHEST = 12.0  # logarithms beyond count as this: so small a number is as good as 0


class Shape:
    """Which entries of a problem are positive: the points that share its zeros and its graph.

    Coordinates are log-odds of the entries of each row against its first positive one, then
    logarithms of rewards and of V^ at levels 0..H-1. Rows with one positive entry and states that
    pi_ref does not reach have none.

    Parameters
    ----------
    problem : Problem
        Any; one with edge rewards is unfolded into the tree of its paths.

    Attributes
    ----------
    size : int
        Number of coordinates.

    Raises
    ------
    TooLargeError
        If the problem must be unfolded and has too many paths.

    Examples
    --------
    >>> from simulator import open_problem
    >>> problem = open_problem("reference:horizon=2")
    >>> shape = Shape(problem)
    >>> shape.size
    10
    >>> bool(np.allclose(shape.problem(shape.point).prm[1], problem.prm[1]))
    True
    """

    def __init__(self, problem: Problem) -> None:
        if problem.has_edge_reward:
            problem = unfold(problem).problem
        self._model, self._name = problem.model, problem.name
        self._reached = [
            r > 0 for r in problem.model.split(problem.forward_backward.reached.astype(np.float64))
        ]
        self._free: list[Bools] = []
        parts: list[Floats] = []
        for h, p in enumerate(problem.model.probs):
            possible = (p > 0) & self._reached[h][:, None]
            first = possible & (np.cumsum(possible, axis=1) == 1)
            log_p = np.log(np.where(p > 0, p, 1.0))
            odds = log_p - np.sum(np.where(first, log_p, 0.0), axis=1, keepdims=True)
            self._free.append(possible & ~first)
            parts.append(odds[self._free[-1]])
        self._tables = [problem.log_reward, *problem.log_prm[:-1]]
        self._positive: list[Bools] = [np.isfinite(t) for t in self._tables]
        parts += [t[ok] for t, ok in zip(self._tables, self._positive, strict=True)]
        self.size = sum(part.size for part in parts)
        self.point: Floats = np.concatenate(parts)

    def problem(self, point: Floats) -> Problem:
        """Return the problem at a point.

        Parameters
        ----------
        point : (size,) array
            Coordinates; beyond `FARTHEST` from 0 they count as that.

        Returns
        -------
        Problem
        """
        at = np.clip(np.asarray(point, dtype=np.float64), -FARTHEST, FARTHEST)
        probs = []
        for p, free in zip(self._model.probs, self._free, strict=True):
            odds = np.where(p > 0, 0.0, -np.inf)
            odds[free], at = at[: free.sum()], at[free.sum() :]
            row = np.exp(odds - odds.max(axis=1, keepdims=True))
            probs.append(row / row.sum(axis=1, keepdims=True))
        filled = []
        for table, positive in zip(self._tables, self._positive, strict=True):
            values = np.zeros(table.size)
            values[positive], at = np.exp(at[: positive.sum()]), at[positive.sum() :]
            filled.append(values)
        reward, *prm = filled
        terminal = int(self._model.n_states[-1])
        model = TabularModel(probs, self._model.next_state, n_terminal=terminal)
        return Problem(model, reward, [*prm, reward], name=self._name)
