"""Law of the set of distinct outcomes that the particles of the last cloud are at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.typing import Floats, Ints

__all__ = ["SetLaw", "Sets"]


@dataclass(frozen=True)
class SetLaw:
    """Law of a random set of at most N outcomes.

    Attributes
    ----------
    members : (S, N) int array
        Distinct outcomes of each set, in decreasing order, then -1.
    probability : (S,) array
        Of each set; sums to 1 - `failure`.
    failure : float
        P(the set is empty): no particle has a positive weight.
    """

    members: Ints
    probability: Floats
    failure: float


class Sets:
    """Gathers the law of the set over final clouds, as `cloud_output.Output` does for an output.

    Parameters
    ----------
    n : int
        Number of particles N.
    outcome : (L,) int array or None
        Outcome of each terminal state; None if they are the outcomes.
    """

    def __init__(self, n: int, outcome: Ints | None) -> None:
        self._outcome = outcome
        self._members = np.zeros((0, n), dtype=np.int64)
        self._probability: Floats = np.zeros(0)

    def law(self) -> SetLaw:
        """Return what has been gathered."""
        failure = max(0.0, 1 - float(self._probability.sum()))
        return SetLaw(self._members, self._probability, failure)

    def add(self, states: Ints, probability: Floats) -> None:
        """Count clouds.

        Parameters
        ----------
        states : (C, K) int array
            Terminal states of particles of positive weight, in any order and with repetitions;
            -1 stands for none. At least one and at most N distinct ones in each row.
        probability : (C,) array
            Of each cloud.
        """
        n = self._members.shape[1]
        if self._outcome is not None:
            states = np.where(states >= 0, self._outcome[states], -1)
        rows = -np.sort(-states, axis=1)
        again = rows[:, 1:] == rows[:, :-1]
        rows[:, 1:][again] = -1
        rows = -np.sort(-rows, axis=1)[:, :n]
        rows = np.pad(rows, ((0, 0), (0, n - rows.shape[1])), constant_values=-1)
        members = np.concatenate([self._members, rows])
        weight = np.concatenate([self._probability, probability])
        self._members, where = np.unique(members, axis=0, return_inverse=True)
        sums = np.bincount(where.ravel(), weight, len(self._members))
        self._probability = sums.astype(np.float64)
