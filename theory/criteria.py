r"""The criteria that the theorems speak of, for one problem.

V* and V^ are functions of the path; with edge rewards both carry the same product of rewards
along it, so that V*/V^ is a function of the state and V*(x')/V*(x) one of the edge. All values
are therefore those of the prefix tree that the problem unfolds to.

Zeros. No particle passes a node with V^ = 0: such a node and its descendants count as V^ = 0
("pruned"), and Z^_h is a mean over the other, "alive", paths. If pi* gives such paths positive
probability, mass is lost.
"""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from simulator.exact.second_moments import sequence_chi2
from simulator.problem.forward_backward import Edges, log_steps
from simulator.problem.problem import Problem, check_tabular
from simulator.typing import Floats

__all__ = ["Criteria", "criteria"]


# Ratios this close below a threshold count as reaching it: they differ by rounding only.
TIE = 1e-12


class Criteria:
    r"""Criteria of one problem (arXiv 2603.07887); each attribute is computed when first asked for.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM; it is not kept.

    Attributes
    ----------
    action_coverage : float
        C_act (3.1) = max V*(x')/V*(x) over edges that pi_ref takes and V*(x) > 0.
    prm_coverage : float
        C^_act (3.7), the same for V^ over alive x.
    prm_accuracy : float
        C_inf (3.3), the smallest C with 1/C <= V*/V^ <= C at every level; 0/0 counts as 1,
        inf if the supports differ.
    chi2 : (H,) array
        chi2(pi*_h ‖ pi^_h) at levels 1..H; inf from the level on at which mass is lost.
    proposal_chi2 : (H,) array
        chi2 of the laws of the pair (x_{h-1}, x_h), h = 1..H:
        pi*_{h-1}(x) pi*(x'|x) against pi^_{h-1}(x) pi_ref(x'|x).
    bellman_ratio : (float, float)
        Least and largest E_ref[V^(x_{h+1}) | x] / V^(x) over alive x (arXiv 2602.01381).
    level_bellman_ratio : (H,) array, (H,) array
        The same within each level 0..H-1.
    prm_step : float
        Largest V^(x_h)/V^(x_{h-1}) of an edge, C^_act but for the root, where E_ref[V^(x_1)]
        stands below; 0 if nothing is alive.
    bellman_error : float
        Smallest eps with 1/(1+eps) <= bellman ratio <= 1+eps at levels 1..H-1: the root, whose
        scale is free, does not count.
    sequence_coverage, sequence_chi2 : float
        max pi*/pi_ref over paths, and chi2(pi* ‖ pi_ref).
    loses_mass : bool
        Whether pi* visits a node with V^ = 0.
    level_action_coverage : (H,) array
        C_act over the edges into levels 1..H only.
    level_spread : (H+1,) array
        max/min of V*/V^ within each level 0..H, over alive nodes (inf if mass is lost there);
        it does not change when V^ is rescaled level by level.
    pair_spread : (H,) array
        max/min of V*(x_h)/V^(x_{h-1}) over the edges that pi_ref takes from alive nodes into each
        level 1..H; inf if mass is lost before, or V*(x_h) = 0 for one of them.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]])
    >>> problem = Problem(model, [1.0, 1.0, 2.0, 4.0], [[2.0], [1.0, 1.5], [1.0, 1.0, 2.0, 4.0]])
    >>> c = Criteria(problem)
    >>> round(c.action_coverage, 12), round(c.prm_accuracy, 12)
    (1.5, 2.0)
    >>> c.chi2.round(6).tolist()
    [0.09375, 0.0]
    """

    def __init__(self, problem: Problem) -> None:
        # Arrays only, never the problem itself: the cache below must not keep it alive.
        fb = problem.forward_backward
        self._forward_backward = fb
        self._n_actions = problem.model.n_actions
        self._start = problem.model.state_start
        self._level = np.repeat(np.arange(problem.horizon + 1), problem.model.n_states)
        self._tables = problem.tables
        self._log_reward = problem.log_reward
        self._log_z = problem.log_z
        self._log_z_hat = fb.log_z_hat
        self._log_prm_accuracy = fb.log_prm_accuracy
        self._value, self._prm = problem.log_value_flat, problem.log_prm_flat
        self._live, self._alive, self._on_target = fb.log_forward_alive, fb.alive, fb.on_target

    # --- lost mass -------------------------------------------------------------------------

    @cached_property
    def _first_lost(self) -> int:
        """First level at which pi* meets V^ = 0; H+1 if it never does."""
        lost = self._on_target & np.isneginf(self._prm)
        return int(self._level[lost].min()) if lost.any() else int(self._level[-1]) + 1

    @property
    def loses_mass(self) -> bool:
        """Whether pi* visits a node with V^ = 0."""
        return self._first_lost <= self._level[-1]

    @cached_property
    def _lost_mass(self) -> Floats:
        """pi*-mass of the paths that met V^ = 0 by level h, for h = 0..H."""
        kept = np.add.reduceat(np.exp(self._log_target_alive), self._start[:-1])
        lost = np.clip(1 - kept, 0.0, 1.0)
        lost[: self._first_lost] = 0.0
        return lost

    @cached_property
    def _log_target_alive(self) -> Floats:
        """log pi*(x_h = s, alive up to h)."""
        return np.where(self._alive, self._live + self._value - self._log_z, -np.inf)

    @property
    def _edges(self) -> Edges:
        """Of all levels at once: for what tells edges apart."""
        return self._forward_backward.edges

    # --- ratios of the value functions -----------------------------------------------------

    @cached_property
    def _log_value_step(self) -> Floats:
        """log V*(x')/V*(x) of each edge; -inf where it takes no part in a maximum."""
        return log_steps(self._edges, self._value, self._on_target)

    @cached_property
    def level_action_coverage(self) -> Floats:
        """C_act over the edges into each level 1..H."""
        return np.exp(self._forward_backward.edge_levels.log_value_step)

    @cached_property
    def action_coverage(self) -> float:
        """C_act (3.1)."""
        return float(self.level_action_coverage.max())

    @property
    def prm_coverage(self) -> float:
        """C^_act (3.7)."""
        return _exp(self._forward_backward.log_prm_coverage)

    @cached_property
    def _log_accuracy(self) -> Floats:
        """log V*/V^ of each state, over alive nodes; nan elsewhere."""
        return np.where(self._alive, self._value - np.where(self._alive, self._prm, 0.0), np.nan)

    @property
    def prm_accuracy(self) -> float:
        """C_inf (3.3)."""
        return _exp(self._log_prm_accuracy)

    @cached_property
    def level_spread(self) -> Floats:
        """max/min of V*/V^ within levels 0..H."""
        x, at = self._log_accuracy, self._start[:-1]
        high = np.maximum.reduceat(np.where(np.isnan(x), -np.inf, x), at)
        low = np.minimum.reduceat(np.where(np.isnan(x), np.inf, x), at)
        uneven = low < high
        with np.errstate(over="ignore"):
            spread = np.exp(np.where(uneven, high, 0.0) - np.where(uneven, low, 0.0))
        spread[np.isneginf(high)] = np.inf  # V* = 0 wherever V^ > 0, or nothing is alive
        spread[self._first_lost :] = np.inf
        return np.asarray(spread)

    @cached_property
    def pair_spread(self) -> Floats:
        """max/min of V*(x_h)/V^(x_{h-1}) over the edges into levels 1..H."""
        edges = self._forward_backward.edge_levels
        low, high = edges.log_least_pair, edges.log_most_pair
        even = low >= high
        with np.errstate(over="ignore"):
            spread = np.exp(np.where(even, 0.0, high) - np.where(even, 0.0, low))
        spread[np.isneginf(high)] = np.inf  # nothing is alive, or V* = 0 below all that is
        spread[self._first_lost :] = np.inf
        return np.asarray(spread)

    # --- chi-square ------------------------------------------------------------------------

    @cached_property
    def _log_density(self) -> Floats:
        """log pi*_h/pi^_h of each state, over alive nodes; -inf elsewhere."""
        scale = np.where(np.isfinite(self._log_z_hat), self._log_z_hat, 0.0) - self._log_z
        return np.where(self._alive, np.nan_to_num(self._log_accuracy, nan=0.0, neginf=-np.inf)
                        + scale[self._level], -np.inf)  # fmt: skip

    @cached_property
    def chi2(self) -> Floats:
        """chi2(pi*_h ‖ pi^_h), levels 1..H."""
        out = np.add.reduceat(
            _squared_gap(self._forward_backward.log_intermediate, self._log_density),
            self._start[:-1],
        )
        out[self._first_lost :] = np.inf
        return np.asarray(out[1:])

    @cached_property
    def proposal_chi2(self) -> Floats:
        """chi2 of the pair laws, levels 1..H."""
        out = self._forward_backward.edge_levels.squared_gap.copy()
        out[self._first_lost :] = np.inf  # level h looks at pi*_{h-1} against pi^_{h-1}
        return out

    # --- Bellman ratio and sequence level --------------------------------------------------

    @cached_property
    def level_bellman_ratio(self) -> tuple[Floats, Floats]:
        """Least and largest E_ref[V^(x_{h+1}) | x] / V^(x) within levels 0..H-1."""
        edges = self._forward_backward.edge_levels
        return edges.least_mean, edges.most_mean

    @property
    def bellman_ratio(self) -> tuple[float, float]:
        """Least and largest E_ref[V^(x_{h+1}) | x] / V^(x)."""
        least, most = self.level_bellman_ratio
        return float(least.min()), float(most.max())

    @cached_property
    def prm_step(self) -> float:
        """Largest V^(x_h)/V^(x_{h-1}), at the root relative to E_ref[V^(x_1)]."""
        with np.errstate(over="ignore"):
            step = np.exp(self._forward_backward.log_prm_steps)
        root = self.level_bellman_ratio[0][0]
        return float(max(step[0] / root if root > 0 else 0.0, step[1:].max(initial=0.0)))

    @property
    def bellman_error(self) -> float:
        """Smallest eps with 1/(1+eps) <= bellman ratio <= 1+eps at levels 1..H-1."""
        least, most = self.level_bellman_ratio
        with np.errstate(divide="ignore"):
            return float(np.maximum(most, 1 / least)[1:].max(initial=1.0)) - 1

    @cached_property
    def sequence_coverage(self) -> float:
        """Max pi*/pi_ref over paths = (largest path reward)/Z."""
        if self._tables.plain:  # pi_ref reaches all states that earn
            return _exp(float(self._log_reward.max()) - self._log_z)
        best, e, a = self._log_reward, self._edges, self._n_actions
        gain = np.where(np.isfinite(e.log_prob), e.log_factor, -np.inf)
        for h in range(e.start.size - 2, -1, -1):  # the (max, +) form of the backward pass
            run = slice(e.start[h], e.start[h + 1])
            child = e.target[run] - self._start[h + 1]
            best = (gain[run] + best[child]).reshape(-1, a).max(axis=1)
        return _exp(float(best[0]) - self._log_z)

    @cached_property
    def sequence_chi2(self) -> float:
        """chi2(pi* ‖ pi_ref) = E_ref[r^2]/Z^2 - 1, r over paths."""
        return sequence_chi2(self._tables, self._log_reward, self._log_z)

    # --- profiles --------------------------------------------------------------------------

    def coverage_profile(self, m: float, level: int) -> float:
        """Cov_M(h) (3.4): the pi*_h-probability that pi*_h/pi^_h >= M.

        Parameters
        ----------
        m : float
            M; ratios below it by rounding (relative 1e-12) count.
        level : int
            h, from 0 to H.

        Returns
        -------
        float
            Lost mass counts as ratio inf.
        """
        run = slice(self._start[level], self._start[level + 1])
        hit = self._log_density[run] >= np.log(m) - TIE
        return float(np.exp(self._log_target_alive[run][hit]).sum() + self._lost_mass[level])

    def action_coverage_profile(self, eta: float, level: int) -> float:
        """Return the pi*-probability that V*(x_h)/V*(x_{h-1}) >= eta (C.6).

        Parameters
        ----------
        eta : float
            Ratios below it by rounding (relative 1e-12) count.
        level : int
            h, from 1 to H.

        Returns
        -------
        float
            In [0, 1].
        """
        run = slice(self._edges.start[level - 1], self._edges.start[level])
        hit = self._log_value_step[run] >= np.log(eta) - TIE
        return float(self._edge_target[run][hit].sum())

    @cached_property
    def _edge_target(self) -> Floats:
        """pi*-probability of each edge."""
        e = self._edges
        ok = np.isfinite(e.log_prob) & self._on_target[e.source]
        before = np.where(ok, self._forward_backward.log_forward[e.source], -np.inf)
        return np.exp(before + e.log_prob + e.log_factor + self._value[e.target] - self._log_z)

    @cached_property
    def coverage_atoms(self) -> tuple[Floats, Floats, float]:
        """Log ratios pi*_h/pi^_h and their pi*-mass, levels 1..H-1 together, and lost mass."""
        run = slice(1, int(self._start[-2]))
        mass = np.exp(self._log_target_alive[run])
        ok = mass > 0
        return self._log_density[run][ok], mass[ok], float(self._lost_mass[:-1].sum())

    @cached_property
    def action_atoms(self) -> tuple[Floats, Floats]:
        """Log ratios V*(x_h)/V*(x_{h-1}) and their pi*-mass, levels 1..H together."""
        ok = self._edge_target > 0
        return self._log_value_step[ok], self._edge_target[ok]


def _exp(x: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(x))


def _squared_gap(log_mass: Floats, log_ratio: Floats) -> Floats:
    """mass (ratio - 1)^2: a chi-square without cancellation, so a perfect PRM gives 0."""
    with np.errstate(divide="ignore", over="ignore"):
        # log|e^x - 1|, which is x itself where e^x would overflow
        gap = np.where(
            log_ratio > 700, log_ratio, np.log(np.abs(np.expm1(np.minimum(log_ratio, 700))))
        )
        return np.asarray(np.exp(log_mass + 2 * gap))


_CACHE: WeakKeyDictionary[Problem, Criteria] = WeakKeyDictionary()


def criteria(problem: Problem) -> Criteria:
    """Criteria of a problem, computed once for as long as the problem lives.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Returns
    -------
    Criteria
    """
    check_tabular(problem, "criteria")
    found = _CACHE.get(problem)
    if found is None:
        found = _CACHE[problem] = Criteria(problem)
    return found
