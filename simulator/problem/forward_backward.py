"""Exact values, normalisers and marginals by dynamic programming in log space.

arXiv 2603.07887, section 2: V*(x) = E_ref[r | x], Z = V*(root), pi*_h ∝ pi_h V*,
pi^_h ∝ pi_h V^ and Z^_h = E_{pi_h}[V^]. No particle passes a state with V^ = 0, so
Z^_h and everything about the sampler is taken over paths on which V^ > 0 ("alive").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from simulator.problem.forward_backward_kernel import backward, forward

if TYPE_CHECKING:
    from simulator.problem.problem import Problem

__all__ = ["Edges", "Passes", "log_steps"]

Floats = npt.NDArray[np.float64]


def log_sum_exp_levels(x: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """Log-sum-exp of each run of `x` that begins at one of `starts[:-1]`.

    Parameters
    ----------
    x : (n,) array
        May hold -inf.
    starts : (k+1,) int array
        Run i is ``x[starts[i]:starts[i+1]]``; none is empty.

    Returns
    -------
    (k,) array
    """
    top = np.maximum.reduceat(x, starts[:-1])
    safe = np.where(np.isfinite(top), top, 0.0)
    total = np.add.reduceat(np.exp(x - np.repeat(safe, np.diff(starts))), starts[:-1])
    with np.errstate(divide="ignore"):
        return safe + np.log(total)


@dataclass(frozen=True)
class Edges:
    """All edges of all levels as flat arrays, in the order (level, state, action).

    Attributes
    ----------
    source, target : (n_edges,) int arrays
        Positions in the flat state order.
    log_prob, log_factor : (n_edges,) arrays
        log pi_ref(action | state) and log of the edge reward.
    start : (H+1,) int array
        Where the edges into level h+1 begin.
    """

    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    log_prob: Floats
    log_factor: Floats
    start: npt.NDArray[np.int64]


def log_steps(edges: Edges, values: Floats, usable: npt.NDArray[np.bool_]) -> Floats:
    """log of v(child)/v(parent) of every edge, edge reward included.

    Parameters
    ----------
    edges : Edges
    values : (n,) array
        log v of all states in flat order.
    usable : (n,) bool array
        Parents that count; v > 0 there.

    Returns
    -------
    (n_edges,) array
        -inf where pi_ref is 0 or the parent does not count.
    """
    ok = np.isfinite(edges.log_prob) & usable[edges.source]
    below = np.where(ok, values[edges.source], 0.0)
    return np.where(ok, edges.log_factor + values[edges.target] - below, -np.inf)


class Passes:
    """Dynamic programming over one problem; every attribute is computed once, when asked for.

    Attributes are over the flat state order unless said otherwise.
    """

    def __init__(self, problem: Problem) -> None:
        self._p = problem

    @cached_property
    def edges(self) -> Edges:
        """Flat edge arrays of the problem."""
        p, model = self._p, self._p.model
        a = model.n_actions
        start = model.state_start
        n_source = int(start[-2])
        source = np.repeat(np.arange(n_source, dtype=np.int64), a)
        target = np.concatenate(
            [(n + start[h + 1]).ravel() for h, n in enumerate(model.next_state)]
        )
        t = p.tables
        log_prob = np.concatenate(
            [t.log_prob[i : i + n * a] for i, n in zip(t.table_start, model.n_states, strict=False)]
        )
        log_factor = (
            np.concatenate(
                [
                    t.log_factor[i : i + n * a]
                    for i, n in zip(t.factor_start, model.n_states, strict=False)
                ]
            )
            if p.has_edge_reward
            else np.zeros_like(log_prob)
        )
        return Edges(source, target, log_prob, log_factor, start[:-1] * a)

    @cached_property
    def log_forward(self) -> Floats:
        """log E_ref[prod of edge rewards x 1{x_h = s}] over all paths."""
        return forward(*self._p.tables.args, np.zeros(self._p.log_prm_flat.size))

    @cached_property
    def log_forward_alive(self) -> Floats:
        """The same over alive paths only (V^ > 0 at every node up to and at s)."""
        return forward(*self._p.tables.args, self._p.log_prm_flat)

    @cached_property
    def log_value_alive(self) -> Floats:
        """log E_ref[reward x 1{alive to the end} | x_h = s]."""
        return backward(*self._p.tables.args, self._p.log_prm_flat, self._p.log_reward)

    @property
    def log_z_alive(self) -> float:
        """log Z_e, the mean of W^_H: log Z unless mass is lost."""
        return float(self.log_value_alive[0])

    @cached_property
    def log_z_hat(self) -> Floats:
        """log Z^_h for h = 0..H, shape (H+1,)."""
        return log_sum_exp_levels(
            self.log_forward_alive + self._p.log_prm_flat, self._p.model.state_start
        )

    @cached_property
    def target_marginal(self) -> Floats:
        """pi*_h(s), the marginal of the target on the states of each level."""
        return np.exp(self.log_forward + self._p.log_value_flat - self._p.log_z)

    @cached_property
    def alive_target_marginal(self) -> Floats:
        """Marginal of the law ∝ pi_ref r restricted to alive paths; pi*_h if no mass is lost."""
        if self.log_z_alive == -np.inf:
            return np.zeros_like(self.log_forward)
        return np.exp(self.log_forward_alive + self.log_value_alive - self.log_z_alive)

    @cached_property
    def log_prm_coverage(self) -> float:
        """log C^_act = max log V^(child)/V^(parent) over edges that a particle can take (3.7)."""
        alive = np.isfinite(self.log_forward_alive)
        return float(log_steps(self.edges, self._p.log_prm_flat, alive).max())

    @cached_property
    def log_prm_accuracy(self) -> float:
        """log C_inf, the largest |log V*/V^| over reachable nodes (3.3); 0/0 counts as 1."""
        prm, value = self._p.log_prm_flat, self._p.log_value_flat
        alive = np.isfinite(self.log_forward_alive)
        if (np.isneginf(prm) & np.isfinite(self.log_forward) & np.isfinite(value)).any():
            return float("inf")
        return float(np.abs(value[alive] - prm[alive]).max())

    @cached_property
    def lost_mass(self) -> float:
        """pi*-probability of the paths that meet V^ = 0, that is 1 - Z_e/Z."""
        if not np.isneginf(self._p.log_prm_flat).any():
            return 0.0
        lost = np.isneginf(self._p.log_prm_flat) & (self.target_marginal > 0)
        return float(-np.expm1(self.log_z_alive - self._p.log_z)) if lost.any() else 0.0

    def state_of(self, flat: int) -> tuple[int, int]:
        """Level and row of a position in the flat state order."""
        start = self._p.model.state_start
        h = int(np.searchsorted(start, flat, side="right")) - 1
        return h, int(flat - start[h])
