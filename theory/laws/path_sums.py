r"""Numbers of a path that are added up, and multiplied, edge by edge; their law under pi*.

Along a path y with edges e_1, ..., e_H let s_H = end and s_{h-1} = gain(e_h) + factor(e_h) s_h
with gain, factor >= 0; the number is s_0. Mean, covariance with an event and range are one
backward pass over the edges each; no path is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.problem.target import target_kernel
from simulator.typing import Floats, Ints

__all__ = ["PathSum"]


@dataclass(frozen=True)
class PathSum:
    """A number s_0 of each path of a problem.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    gain, factor : (E,) arrays
        Of the edges in flat order, finite and >= 0.
    end : float
        s_H, the same for all paths.

    Examples
    --------
    How many of two fair coins fall on the side 1, if both must not fall on 0:

    >>> from simulator.problem.model import TabularModel
    >>> coins = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    >>> problem = Problem(coins, [0.0, 1.0, 1.0, 1.0], "exact")
    >>> ones = PathSum(problem, np.array([0.0, 1.0] * 3), np.ones(6), 0.0)
    >>> ones.values([[0, 1], [1, 1]]).tolist(), ones.limits()
    ([1.0, 2.0], (1.0, 2.0))
    >>> print(f"{ones.mean(np.ones(4)):.4f} {ones.mean(np.array([0.0, 0.0, 0.0, 1.0])):.4f}")
    1.3333 0.6667
    """

    problem: Problem
    gain: Floats
    factor: Floats
    end: float

    def values(self, tokens: npt.ArrayLike) -> Floats:
        """Return the numbers of given paths.

        Parameters
        ----------
        tokens : (P, H) int array
            Token paths.

        Returns
        -------
        (P,) array
        """
        edges = path_edges(self.problem.model, tokens)[1]
        total = np.full(len(edges), self.end)
        for column in edges.T[::-1]:
            total = self.gain[column] + self.factor[column] * total
        return total

    def mean(self, f: Floats) -> float:
        """Return E_{pi*}[s_0(y) f(y_H)].

        Parameters
        ----------
        f : (S_H,) array
            A function of terminal states.

        Returns
        -------
        float
        """
        a = self.problem.model.n_actions
        plain, product = f, self.end * f  # E[f | x] and E[s_h f | x]
        for run, child, kernel in self._levels_backwards():
            gain, factor = self.gain[run], self.factor[run]
            moved = kernel * (gain * plain[child] + factor * product[child])
            plain = (kernel * plain[child]).reshape(-1, a).sum(axis=1)
            product = moved.reshape(-1, a).sum(axis=1)
        return float(product[0])

    def limits(self) -> tuple[float, float]:
        """Return the least and the largest number of a path that pi* takes.

        Returns
        -------
        low, high : float
            Not finite where it, or a number on the way, is beyond the range of floats.
        """
        a = self.problem.model.n_actions
        low = high = np.full(int(self.problem.model.n_states[-1]), self.end)
        for run, child, kernel in self._levels_backwards():
            gain, factor, taken = self.gain[run], self.factor[run], kernel > 0
            with np.errstate(over="ignore", invalid="ignore"):
                lows, highs = gain + factor * low[child], gain + factor * high[child]
            least = np.where(taken, lows, np.inf).reshape(-1, a).min(axis=1)
            most = np.where(taken, highs, -np.inf).reshape(-1, a).max(axis=1)
            some = taken.reshape(-1, a).any(axis=1)  # pi* never comes to the other states
            low, high = np.where(some, least, 0.0), np.where(some, most, 0.0)
        return float(low[0]), float(high[0])

    def _levels_backwards(self) -> Iterator[tuple[slice, Ints, Floats]]:
        """Edges of each level, their children's places in the next level, and pi* on them."""
        e, start = self.problem.forward_backward.edges, self.problem.model.state_start
        kernel = target_kernel(self.problem).ravel()
        for h in range(self.problem.horizon - 1, -1, -1):
            run = slice(int(e.start[h]), int(e.start[h + 1]))
            yield run, e.target[run] - start[h + 1], kernel[run]
