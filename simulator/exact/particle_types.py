"""Kinds of particles of a level, and how each kind moves to the next level.

Two particles are of one kind when they are in one state and have gathered the same
weight since the last resampling; then they are exchangeable for everything that follows.
All particles of weight zero are one kind, "dead".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.typing import Floats, Ints

__all__ = ["Step", "Types", "reset_steps", "root_types", "step_from"]


# Weights that agree to about 12 digits are one kind: equal histories in other orders.
DIGITS = 12
TIE = 1e-9  # log V^ this close count as equal for the best particle
SPAN = 700.0  # log weights beyond it leave the range of floats


@dataclass(frozen=True)
class Types:
    """Kinds of particles of one level; the last one is "dead" (state -1, weight 0).

    Attributes
    ----------
    state : (T+1,) int array
        Rows of the level.
    weight : (T+1,) array
        Gathered since the last resampling, each level's weights divided by
        Z^_h / Z^_{h-1}.
    """

    state: Ints
    weight: Floats

    @property
    def dead(self) -> int:
        """Index of the dead kind."""
        return self.state.size - 1


@dataclass(frozen=True)
class Step:
    """Moves from level h to level h+1.

    Attributes
    ----------
    level : int
        h.
    types : Types
        Kinds of level h+1.
    kept, fresh : (T+1,) int arrays
        Where the moves of a kind begin in `start` if it keeps its weight, and if its
        weight was reset to 1.
    start : (P+1,) int array
        Moves of parent i are ``start[i]:start[i+1]``.
    child : (n_moves,) int array
        Kind of the child.
    probability : (n_moves,) array
    """

    level: int
    types: Types
    kept: Ints
    fresh: Ints
    start: Ints
    child: Ints
    probability: Floats

    def expand(self, parents: Ints) -> tuple[Ints, Ints]:
        """List all moves of each parent.

        Parameters
        ----------
        parents : (R,) int array
            Values of `kept` or `fresh`.

        Returns
        -------
        origin, move : (n,) int arrays
            Position in `parents`, and index into `child` and `probability`.
        """
        degree = self.start[parents + 1] - self.start[parents]
        origin = np.repeat(np.arange(parents.size), degree)
        first = np.repeat(np.cumsum(degree) - degree, degree)
        return origin, self.start[parents[origin]] + np.arange(origin.size) - first


def root_types() -> Types:
    """Return the one kind of level 0, and "dead"."""
    return Types(np.array([0, -1]), np.array([1.0, 0.0]))


def step_from(problem: Problem, level: int, types: Types, *, always_reset: bool) -> Step:
    """Tabulate the moves of all kinds of a level.

    Parameters
    ----------
    level : int
        h, the level of `types`.
    always_reset : bool
        Weights are reset at every level, so moves with kept weights are not needed.
    """
    alive = types.dead
    states, which = np.unique(types.state[:-1], return_inverse=True)
    kept_state = types.state[:0] if always_reset else types.state[:-1]
    kept_weight = types.weight[:0] if always_reset else types.weight[:-1]
    state = np.concatenate([kept_state, states])
    weight = np.concatenate([kept_weight, np.ones(states.size)])
    n_kept, n_parents = kept_state.size, state.size  # the dead parent comes last
    fresh = np.append(n_kept + which, n_parents)
    kept = fresh if always_reset else np.append(np.arange(alive), n_parents)

    parent, child_state, probability, log_w = _moves(problem, level, state)
    log_child = log_w + np.log(weight)[parent]
    live = np.isfinite(log_child)
    if (np.abs(log_child[live]) > SPAN).any():
        raise TooLargeError(f"exact law: weights of level {level + 1} span more than e^{SPAN:g}")
    code = np.unique(np.round(log_child[live] * 10.0**DIGITS), return_inverse=True)[1]
    kinds, first, index = np.unique(
        child_state[live] * (code.size + 1) + code, return_index=True, return_inverse=True
    )
    child = np.full(parent.size, kinds.size)
    child[live] = index
    next_types = Types(
        np.append(child_state[live][first], -1), np.append(np.exp(log_child[live][first]), 0.0)
    )
    # Several tokens may lead to one kind.
    key, where = np.unique(parent * (kinds.size + 1) + child, return_inverse=True)
    parent, child = np.divmod(key, kinds.size + 1)
    probability = np.bincount(where, probability, key.size).astype(np.float64)
    degree = np.append(np.bincount(parent, minlength=n_parents), 1)
    return Step(
        level, next_types, kept, fresh, np.concatenate([[0], np.cumsum(degree)]),
        np.append(child, next_types.dead), np.append(probability, 1.0),
    )  # fmt: skip


def reset_steps(problem: Problem) -> Iterator[Step]:
    """Go through the levels where weights are reset at every one.

    Yields
    ------
    Step
        From level 0, 1, ..., H-1 to the next.
    """
    types = root_types()
    for level in range(problem.horizon):
        step = step_from(problem, level, types, always_reset=True)
        yield step
        types = step.types


def _moves(problem: Problem, level: int, state: Ints) -> tuple[Ints, Ints, Floats, Floats]:
    """Parent, child state, probability and log weight of the moves with positive probability."""
    edges, prm = problem.forward_backward.edges, problem.log_prm_flat
    log_z_hat = problem.forward_backward.log_z_hat
    a = problem.model.n_actions
    start = int(problem.model.state_start[level])
    edge = (edges.start[level] + state[:, None] * a + np.arange(a)).ravel()
    parent = np.repeat(np.arange(state.size), a)
    possible = np.isfinite(edges.log_prob[edge])
    edge, parent = edge[possible], parent[possible]
    target = edges.target[edge]
    # Dividing by the mean weight Z^_{h+1}/Z^_h keeps W^_h / Z^_h in range at any scale of V^.
    scale = log_z_hat[level] - log_z_hat[level + 1] if np.isfinite(log_z_hat[level + 1]) else 0.0
    log_w = edges.log_factor[edge] + prm[target] - prm[start + state[parent]] + scale
    child_state = target - problem.model.state_start[level + 1]
    return parent, child_state, np.exp(edges.log_prob[edge]), log_w
