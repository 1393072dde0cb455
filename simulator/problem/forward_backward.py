"""Exact values, normalisers and marginals by dynamic programming in log space.

arXiv 2603.07887, section 2: V*(x) = E_ref[r | x], Z = V*(root), pi*_h ∝ pi_h V*,
pi^_h ∝ pi_h V^ and Z^_h = E_{pi_h}[V^]. No particle passes a state with V^ = 0, so
Z^_h and everything about the sampler is taken over paths on which V^ > 0 ("alive").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.problem.edge_passes import EdgeLevels, edge_levels
from simulator.problem.model import TabularModel
from simulator.problem.tables import Tables, read_only
from simulator.typing import Bools, Floats

__all__ = [
    "Edges",
    "ForwardBackward",
    "Tables",
    "backward",
    "forward",
    "log_steps",
    "reach",
    "read_only",
]


EDGES = 2 * 10**8  # at most so many stand in one array


def backward(tables: Tables, log_alive: Floats, log_reward: Floats) -> Floats:
    """log E_ref[reward and edge rewards to come | state] of all states.

    Parameters
    ----------
    tables : Tables
        Of the problem.
    log_alive : (n,) array
        States where it is -inf count as dead: no path through them earns anything.
    log_reward : (S_H,) array
        log r.

    Returns
    -------
    (n,) array
    """
    if tables.many:
        from simulator.problem.linear_passes import backward as linear

        return linear(tables, log_alive, log_reward)
    from simulator.problem.forward_backward_kernel import backward as compiled

    return np.asarray(compiled(*tables.args, log_alive, log_reward))


def forward(tables: Tables, log_alive: Floats) -> Floats:
    """log E_ref[edge rewards so far x 1{x_h = s}] of all states.

    Parameters
    ----------
    tables : Tables
        Of the problem.
    log_alive : (n,) array
        States where it is -inf count as dead: no path goes through them.

    Returns
    -------
    (n,) array
    """
    if tables.many:
        from simulator.problem.linear_passes import forward as linear

        return linear(tables, log_alive)
    from simulator.problem.forward_backward_kernel import forward as compiled

    return np.asarray(compiled(*tables.args, log_alive))


def reach(tables: Tables) -> Bools:
    """Whether pi_ref comes to each state, whatever edge rewards are.

    Parameters
    ----------
    tables : Tables
        Of the problem.

    Returns
    -------
    (n,) array
    """
    from simulator.problem.forward_backward_kernel import reach as compiled

    t = tables
    return np.asarray(compiled(t.n_actions, t.state_start, t.table_start, t.log_prob, t.next_state))


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


class ForwardBackward:
    """The forward-backward recursions of one problem; each result is computed when first asked for.

    Attributes are over the flat state order unless said otherwise.

    Parameters
    ----------
    model : TabularModel
        pi_ref.
    tables : Tables
        The same with edge rewards, flat.
    log_reward : (S_H,) array
        log r.
    log_value, log_prm : (n,) arrays
        log V* and log V^ of all states.
    reached : (n,) bool array
        Whether pi_ref reaches a state at all.
    """

    def __init__(
        self,
        model: TabularModel,
        tables: Tables,
        log_reward: Floats,
        log_value: Floats,
        log_prm: Floats,
        reached: Bools,
    ) -> None:
        self._model, self._tables = model, tables
        self._log_reward, self._log_value, self._log_prm = log_reward, log_value, log_prm
        self.reached: Bools = read_only(reached)

    @property
    def _log_z(self) -> float:
        return float(self._log_value[0])

    @cached_property
    def edges(self) -> Edges:
        """Flat edge arrays of the problem."""
        model, t = self._model, self._tables
        if t.n_edges > EDGES:
            raise TooLargeError(
                f"edges: {t.n_edges} of all levels are more than {EDGES}, and this needs them all "
                "at once"
            )
        a = model.n_actions
        start = model.state_start
        n_source = int(start[-2])
        source = np.repeat(np.arange(n_source, dtype=np.int64), a)
        target = np.concatenate(
            [(n + start[h + 1]).ravel() for h, n in enumerate(model.next_state)]
        )
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
            if (t.factor_start != 0).any()
            else np.zeros_like(log_prob)
        )
        edges = Edges(source, target, log_prob, log_factor, start[:-1] * a)
        for part in vars(edges).values():
            read_only(part)
        return edges

    @cached_property
    def taken(self) -> Bools:
        """Whether pi_ref takes an edge at all, shape (n_edges,)."""
        return read_only(np.isfinite(self.edges.log_prob) & self.reached[self.edges.source])

    @cached_property
    def target_kernel(self) -> Floats:
        """pi*(a|s) of all states before the last level; rows of zeros where V*(s) = 0."""
        e, value = self.edges, self._log_value
        here = np.where(np.isfinite(value[e.source]), value[e.source], 0.0)
        step = np.exp(e.log_prob + e.log_factor + value[e.target] - here)
        return read_only(np.asarray(step.reshape(-1, self._model.n_actions)))

    @cached_property
    def log_forward(self) -> Floats:
        """log E_ref[prod of edge rewards x 1{x_h = s}] over all paths."""
        if not (self.reached & np.isneginf(self._log_prm)).any():
            return self.log_forward_alive
        return read_only(forward(self._tables, np.zeros(self._log_prm.size)))

    @cached_property
    def log_forward_alive(self) -> Floats:
        """The same over alive paths only (V^ > 0 at every node up to and at s)."""
        return read_only(forward(self._tables, self._log_prm))

    @cached_property
    def log_value_alive(self) -> Floats:
        """log E_ref[reward x 1{alive to the end} | x_h = s]."""
        return read_only(backward(self._tables, self._log_prm, self._log_reward))

    @property
    def log_z_alive(self) -> float:
        """log Z_e, the mean of W^_H: log Z unless mass is lost."""
        return float(self.log_value_alive[0])

    @cached_property
    def log_z_hat(self) -> Floats:
        """log Z^_h for h = 0..H, shape (H+1,)."""
        return read_only(
            log_sum_exp_levels(self.log_forward_alive + self._log_prm, self._model.state_start)
        )

    @cached_property
    def target_marginal(self) -> Floats:
        """pi*_h(s), the marginal of the target on the states of each level."""
        lost = self.reached & np.isneginf(self._log_prm) & np.isfinite(self._log_value)
        # a path to V* > 0 is alive unless it has lost mass
        reach = self.log_forward if lost.any() else self.log_forward_alive
        return read_only(np.exp(reach + self._log_value - self._log_z))

    @cached_property
    def alive_target_marginal(self) -> Floats:
        """Marginal of the law ∝ pi_ref r restricted to alive paths; pi*_h if no mass is lost."""
        if self.log_z_alive == -np.inf:
            return read_only(np.zeros_like(self.log_forward))
        return read_only(np.exp(self.log_forward_alive + self.log_value_alive - self.log_z_alive))

    @cached_property
    def alive(self) -> Bools:
        """Whether a particle can come to each state: V^ > 0 there and on a path to it."""
        return read_only(np.isfinite(self.log_forward_alive))

    @cached_property
    def on_target(self) -> Bools:
        """Whether pi* goes to each state."""
        reached = self.reached if self._tables.plain else np.isfinite(self.log_forward)
        return read_only(reached & np.isfinite(self._log_value))

    @cached_property
    def log_intermediate(self) -> Floats:
        """log pi^_h(s); -inf where no particle can be."""
        level = np.repeat(_finite(self.log_z_hat), self._model.n_states)
        return read_only(
            np.where(self.alive, self.log_forward_alive + self._log_prm - level, -np.inf)
        )

    @cached_property
    def edge_levels(self) -> EdgeLevels:
        """Extremes and means over the edges into levels 1..H, weighted by pi^ and Z^/Z."""
        return edge_levels(
            self._tables, self._log_value, self._log_prm, self.on_target, self.alive,
            self.log_intermediate, (_finite(self.log_z_hat) - self._log_z)[:-1],
        )  # fmt: skip

    @property
    def log_prm_steps(self) -> Floats:
        """Largest log V^(child)/V^(parent) of the edges into levels 1..H that a particle can take.

        The shape is (H,).
        """
        return self.edge_levels.log_prm_step

    @property
    def log_prm_coverage(self) -> float:
        """log C^_act, the largest of these steps (3.7)."""
        return float(self.log_prm_steps.max())

    @cached_property
    def log_prm_accuracy(self) -> float:
        """log C_inf, the largest |log V*/V^| over reachable nodes (3.3); 0/0 counts as 1."""
        prm, value = self._log_prm, self._log_value
        if (np.isneginf(prm) & self.on_target).any():
            return float("inf")
        return float(np.abs(value[self.alive] - prm[self.alive]).max())

    @cached_property
    def lost_mass(self) -> float:
        """pi*-probability of the paths that meet V^ = 0, that is 1 - Z_e/Z."""
        if not np.isneginf(self._log_prm).any():
            return 0.0
        lost = np.isneginf(self._log_prm) & (self.target_marginal > 0)
        return float(-np.expm1(self.log_z_alive - self._log_z)) if lost.any() else 0.0

    def state_of(self, flat: int) -> tuple[int, int]:
        """Level and row of a position in the flat state order."""
        start = self._model.state_start
        h = int(np.searchsorted(start, flat, side="right")) - 1
        return h, int(flat - start[h])


def _finite(x: Floats) -> Floats:
    """Replace -inf by 0: log Z^ where nothing is alive."""
    return np.where(np.isfinite(x), x, 0.0)
