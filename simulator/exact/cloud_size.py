"""Size of the enumeration of particle clouds, bounded before it begins."""

from __future__ import annotations

import math

import numpy as np

from simulator.exact.cloud_steps import Scheme
from simulator.problem.problem import Problem
from simulator.resampling.compositions import multisets

__all__ = ["bound_transitions"]


def bound_transitions(problem: Problem, scheme: Scheme, stop: float) -> float:
    """Sum an upper bound of the transitions over the levels, until it passes `stop`."""
    n, edges, model = scheme.n_particles, problem.forward_backward.edges, problem.model
    reached = np.isfinite(problem.forward_backward.log_forward_alive)
    paths = np.ones(1)  # alive paths to each state
    clouds, total, kinds = 1.0, 0.0, 1.0
    for h in range(problem.horizon):
        begin, size = int(model.state_start[h]), int(model.n_states[h])
        used = slice(int(edges.start[h]), int(edges.start[h]) + size * model.n_actions)
        possible = np.isfinite(edges.log_prob[used]) & np.repeat(
            reached[begin : begin + size], model.n_actions
        )
        target = edges.target[used][possible]
        source = edges.source[used][possible] - begin
        degree = int(np.bincount(source).max(initial=1))
        live = np.isfinite(problem.log_prm_flat[target]) & np.isfinite(
            edges.log_factor[used][possible]
        )
        sources = float(np.count_nonzero(reached[begin : begin + size]))
        if scheme.mixture:
            work = _mixture_work(kinds, sources, n, degree, clouds)
        else:
            # Per cloud: its resampling outcomes, which merge, then a move of each particle.
            outcomes = float(n) if scheme.resampling == "systematic" else multisets(n, n)
            fresh = sources if scheme.always else float(paths.sum()) + 1
            spread = clouds * (outcomes if scheme.rule.threshold > 0 else 1)
            parents = min(
                spread, _clouds(fresh, n, scheme.ordered) * (1 if scheme.always else h + 1)
            )
            work = spread + parents * float(degree) ** n
        total += work
        if total > stop:
            return total
        new_paths = np.zeros(int(model.n_states[h + 1]))
        with np.errstate(over="ignore"):
            np.add.at(new_paths, target[live] - model.state_start[h + 1], paths[source[live]])
        paths = new_paths
        kinds = float(np.count_nonzero(live)) if scheme.always else float(paths.sum())
        kinds += 0 if live.all() and sources == size else 1
        clouds = min(work, _clouds(kinds, n, scheme.ordered) * (1 if scheme.always else h + 1))
    return total


def _mixture_work(kinds: float, sources: float, n: int, degree: int, clouds: float) -> float:
    """Transitions of all multisets of N over the kinds, by their number of distinct members.

    On a tree each state is of one kind; elsewhere it has one for each weight that leads to it.
    """
    total, choose = 0.0, 1.0
    for d in range(1, int(min(kinds, n)) + 1):
        choose *= (kinds - d + 1) / d
        total += choose * multisets(n - d + 1, d - 1) * multisets(min(d, sources) * degree, n)
        if total == math.inf:
            break
    return min(total, clouds * multisets(min(sources, n) * degree, n))


def _clouds(kinds: float, n: int, ordered: bool) -> float:
    return kinds**n if ordered and kinds < 1e60 else multisets(kinds, n)
