"""Law of the terminal state of multinomial SMC, with how many particles are in each state as chain.

Resampled at every level by independent draws, particles differ in their states alone once they are
resampled: the counts K_h of the S_h states of level h, which sum to N, are a Markov chain. Given
K_h, each state spreads its particles over its edges by a multinomial law of its own, and the next
counts are N draws in proportion to the weights. A level with D edges takes about
binom(N+D-1, D-1) binom(N+S-1, S-1) transitions; the enumeration of weighted clouds
(`simulator.exact.cloud`) takes the square of the first factor.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from simulator.exact.cloud_steps import BLOCK, Work
from simulator.exact.particle_types import Step, reset_steps
from simulator.problem.problem import Problem
from simulator.resampling.compositions import Compositions, compositions, multisets
from simulator.typing import Floats, Ints

__all__ = ["CountLaw", "count_law", "count_transitions"]


@dataclass
class CountLaw:
    """Sums over the last clouds.

    Attributes
    ----------
    law, weighted : (S_H,) arrays
        P(Y = y) and E[(W^_H/Z_e) 1{Y = y}] of the terminal states.
    moments : (3,) array
        P(not failed), E[W] and E[W^2] for W = W^_H/Z_e.
    """

    law: Floats
    weighted: Floats
    moments: Floats = field(default_factory=lambda: np.zeros(3))


def count_transitions(problem: Problem, n_particles: int, stop: float) -> float:
    """Bound the number of transitions of `count_law`, or return a number above `stop`.

    Parameters
    ----------
    n_particles : int
        N.
    stop : float
        Where to give up.

    Returns
    -------
    float

    Examples
    --------
    >>> from simulator.problem.families.product import product
    >>> count_transitions(product(10), 200, 1e6)
    2010.0
    """
    total = 0.0
    for step in reset_steps(problem):
        states = np.unique(step.types.state[:-1]).size
        after = 1.0 if step.level == problem.horizon - 1 else multisets(max(1, states), n_particles)
        total += multisets(int(step.start[-2]), n_particles) * after
        if total > stop:
            break
    return total


def count_law(problem: Problem, n_particles: int, work: Work) -> CountLaw:
    """Follow the chain of counts to the last level.

    Parameters
    ----------
    n_particles : int
        N.
    work : Work
        Counts transitions.

    Returns
    -------
    CountLaw

    Raises
    ------
    TooLargeError
        If there are more transitions than `work` allows.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> count_law(problem, 2, Work(100)).law.tolist()
    [0.375, 0.625]
    """
    out = CountLaw(*np.zeros((2, int(problem.model.n_states[-1]))))
    counts, moments = np.array([[n_particles]]), np.ones((3, 1))
    for step in reset_steps(problem):
        states = np.unique(step.types.state[:-1])
        if states.size == 0:
            break
        last = step.level == problem.horizon - 1
        table = None if last else compositions(int(states.size), n_particles)
        after = np.zeros((3, 1 if table is None else len(table.counts)))
        spreads = _Spreads(step, states)
        for row in np.flatnonzero(moments[0] > 0):
            chance, weights = spreads.of(counts[row])
            total = weights.sum(axis=1)
            live = total > 0
            chance, share = chance[live], weights[live] / total[live, None]
            mean = total[live] / n_particles
            with np.errstate(over="ignore"):  # E[W^2] may be beyond the range of floats
                sums = (
                    moments[:, row, None] * chance * np.stack([np.ones_like(mean), mean, mean**2])
                )
            work.add(float(mean.size) * after.shape[1])
            if table is None:
                out.law[states] += sums[0] @ share
                out.weighted[states] += sums[1] @ share
                out.moments += sums.sum(axis=1)
                continue
            # e^-1000 is 0 and 0 times -1000 is 0: a state of share 0 is never drawn
            log_share = np.log(share, out=np.full_like(share, -1000.0), where=share > 0)
            size = max(1, BLOCK // after.shape[1])
            for first in range(0, len(share), size):
                part = slice(first, first + size)
                after += sums[:, part] @ table.probability(log_share[part])
        if table is not None:
            counts, moments = table.counts.astype(np.int64), after
    return out


class _Spreads:
    """How the particles of each state of a level spread over its edges."""

    def __init__(self, step: Step, states: Ints) -> None:
        self._known: dict[tuple[int, int], tuple[Floats, Floats]] = {}
        self._step, self._width = step, states.size
        # what a particle of each kind adds to the weight of each state; the dead add nothing
        self._weight = np.zeros((step.types.state.size, states.size))
        kinds = np.arange(step.types.dead)
        place = np.searchsorted(states, step.types.state[:-1])
        self._weight[kinds, place] = step.types.weight[:-1]

    def of(self, counts: Ints) -> tuple[Floats, Floats]:
        """Return the chance of each outcome, and the weights that it gives to the next states."""
        chance, weights = np.ones(1), np.zeros((1, self._width))
        for state in np.flatnonzero(counts):
            p, w = self._one(int(state), int(counts[state]))
            chance = (chance[:, None] * p).ravel()
            weights = (weights[:, None] + w).reshape(-1, self._width)
        return chance, weights

    def _one(self, state: int, n: int) -> tuple[Floats, Floats]:
        if (state, n) not in self._known:
            edges = slice(int(self._step.start[state]), int(self._step.start[state + 1]))
            table = _table(edges.stop - edges.start, n)
            chance = table.probability(np.log(self._step.probability[edges])[None])[0]
            self._known[state, n] = chance, table.counts @ self._weight[self._step.child[edges]]
        return self._known[state, n]


@lru_cache(maxsize=2048)  # one for each state and number in it
def _table(kinds: int, size: int) -> Compositions:
    """`compositions` without the sequences, which are most of it and are not needed here."""
    return replace(compositions(kinds, size), sequence=np.zeros((0, size), dtype=np.int64))
