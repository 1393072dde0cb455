"""The problems that are timed: one table for all levels but the first, weights that matter."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

__all__ = ["SIZES", "Size", "filtering"]


class Size(NamedTuple):
    """States a level S, tokens A, levels H, particles N and runs R of one call."""

    n_states: int
    n_actions: int
    horizon: int
    n_particles: int
    n_runs: int

    @property
    def steps(self) -> int:
        """Particle steps of one call, H N R."""
        return self.horizon * self.n_particles * self.n_runs

    @property
    def label(self) -> str:
        """What tables call it."""
        return ",".join(str(x) for x in self)


SIZES = (
    Size(1, 2, 1000, 32, 1000),
    Size(64, 8, 256, 128, 200),
    Size(4096, 16, 128, 4096, 8),
    Size(64, 8, 16, 10**6, 1),
    Size(64, 8, 16, 8, 30_000),
)


def filtering(n_states: int, n_actions: int, horizon: int, seed: int = 0) -> Problem:
    """Return a random automaton whose V^ depends on the state alone.

    pi_ref(. | s) ~ Dirichlet(1), next(s, a) uniform, V^(s) = exp(g/2) below the root, edge
    rewards exp(g/4), all g ~ N(0, 1), and V^(root) = 1. All levels but the first share their
    tables, so that a problem takes O(S A) memory at any horizon.

    Examples
    --------
    >>> filtering(4, 2, 100).model
    TabularModel(horizon=100, n_actions=2, max_states=4)
    """
    rng = np.random.default_rng(seed)
    first, later = (rng.dirichlet(np.ones(n_actions), size=k) for k in (1, n_states))
    fork, move = (rng.integers(n_states, size=(k, n_actions)) for k in (1, n_states))
    model = TabularModel(
        [first] + [later] * (horizon - 1), [fork] + [move] * (horizon - 1), n_terminal=n_states
    )
    value = np.exp(0.5 * rng.standard_normal(n_states))
    gain = [np.exp(0.25 * rng.standard_normal((k, n_actions))) for k in (1, n_states)]
    rewards = gain[:1] + gain[1:] * (horizon - 1)
    name = f"S={n_states},A={n_actions},H={horizon}"
    prm = [np.ones(1)] + [value] * horizon
    return Problem(model, value, prm, edge_reward=rewards, name=name)
