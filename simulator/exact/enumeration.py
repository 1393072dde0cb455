"""Brute force over all token sequences: slow, plain, and independent of the recursions."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["Sequences", "enumerate_sequences"]


DEFAULT_LIMIT = 1e6


@dataclass(frozen=True)
class Sequences:
    """All A^H token sequences of a problem, impossible ones with probability 0.

    Attributes
    ----------
    tokens : (P, H) int array
        In lexicographic order.
    states : (P, H+1) int array
        Rows of the levels on the way.
    prefix_probability : (P, H+1) array
        pi_ref of the first h tokens.
    factor : (P, H+1) array
        Product of the edge rewards of the first h tokens.
    prm : (P, H+1) array
        V^ of the prefixes, edge rewards included.
    reward : (P,) array
        r(path), edge rewards included.
    """

    tokens: Ints
    states: Ints
    prefix_probability: Floats
    factor: Floats
    prm: Floats
    reward: Floats

    @property
    def probability(self) -> Floats:
        """pi_ref of each sequence, shape (P,)."""
        return self.prefix_probability[:, -1]

    @property
    def z(self) -> float:
        """Z = sum of pi_ref r."""
        return float((self.probability * self.reward).sum())

    @property
    def target(self) -> Floats:
        """pi* of each sequence, shape (P,)."""
        return self.probability * self.reward / self.z

    @property
    def alive(self) -> npt.NDArray[np.bool_]:
        """Whether V^ > 0 at every prefix up to h, shape (P, H+1)."""
        return np.asarray(np.logical_and.accumulate(self.prm > 0, axis=1))

    def mean(self, level: int, values: Floats) -> float:
        """E_ref over prefixes of one level.

        Parameters
        ----------
        values : (P,) array
            Equal on sequences that share the prefix of that level.
        """
        step = len(self.tokens) // self._width**level
        return float((self.prefix_probability[::step, level] * values[::step]).sum())

    @property
    def _width(self) -> int:
        return round(len(self.tokens) ** (1 / self.tokens.shape[1]))

    def reward_to_go(self, level: int) -> Floats:
        """V* of the prefix of each sequence, edge rewards included, nan where pi_ref is 0.

        Returns
        -------
        (P,) array
        """
        step = len(self.tokens) // self._width**level
        total = (self.probability * self.reward).reshape(-1, step).sum(axis=1)
        base = self.prefix_probability[::step, level]
        value = np.where(base > 0, total / np.where(base > 0, base, 1), np.nan)
        return np.repeat(value, step)


def enumerate_sequences(problem: Problem, limit: float = DEFAULT_LIMIT) -> Sequences:
    """List all token sequences with everything the setting defines on them.

    Parameters
    ----------
    limit : float
        Largest number of sequences, A^H.

    Raises
    ------
    TooLargeError
        If there are more.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> model = TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]])
    >>> everything = enumerate_sequences(Problem(model, [0.0, 1.0, 2.0, 1.0], "exact"))
    >>> round(everything.z, 12), everything.target.round(4).tolist()
    (0.65, [0.0, 0.0769, 0.3077, 0.6154])
    """
    model, horizon = problem.model, problem.horizon
    if float(model.n_actions) ** horizon > limit:
        raise TooLargeError(
            f"brute force: {float(model.n_actions) ** horizon:.3g} sequences, "
            f"the limit is {limit:.3g}"
        )
    prm, reward = problem.prm, problem.reward
    rows = []
    for tokens in itertools.product(range(model.n_actions), repeat=horizon):
        state, probability, factor = 0, 1.0, 1.0
        way = [(state, probability, factor, float(prm[0][0]))]
        for h, token in enumerate(tokens):
            probability *= float(model.probs[h][state, token])
            if problem.edge_reward is not None and problem.edge_reward[h] is not None:
                factor *= float(np.asarray(problem.edge_reward[h])[state, token])
            state = int(model.next_state[h][state, token])
            way.append((state, probability, factor, factor * float(prm[h + 1][state])))
        rows.append(way)
    table = np.array(rows)
    states = table[:, :, 0].astype(np.int64)
    return Sequences(
        tokens=np.array(list(itertools.product(range(model.n_actions), repeat=horizon))),
        states=states,
        prefix_probability=table[:, :, 1],
        factor=table[:, :, 2],
        prm=table[:, :, 3],
        reward=table[:, -1, 2] * reward[states[:, -1]],
    )
