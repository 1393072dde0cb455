"""The kernel of quasi-SMC once more, in plain Python: the same draws, equal output.

Each quantity that could be got wrong is a function of its own, as in the plain twin of SMC.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.quasi.rules import settle
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import Floats, Ints, RngLike

__all__ = ["run_quasi_plain"]

Cell = tuple[int, int]  # place of the prefix in the cloud, token


def run_quasi_plain(
    problem: Problem, sampler: QuasiSMC, n_runs: int, rng: RngLike, *, first_block: int = 0
) -> Runs:
    """Draw the runs that ``sampler.run`` draws, with all optional results.

    Parameters
    ----------
    first_block : int, optional
        As in `QuasiSMC.run`.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> quasi = QuasiSMC(3)
    >>> a, b = run_quasi_plain(problem, quasi, 5, 1), quasi.run(problem, 5, rng=1)
    >>> bool((a.states == b.states).all())
    True
    """
    seeds = run_seeds(rng, n_runs, first_block)
    return concatenate([_run(problem, sampler, Xoshiro(words.tolist())) for words in seeds])


def _run(problem: Problem, sampler: QuasiSMC, rng: Xoshiro) -> Runs:
    n, horizon = sampler.n_particles, problem.horizon
    states, weights, paths = [0], np.ones(1), [()]
    genealogy = np.full((horizon, n), -1, dtype=np.int32)
    places = np.zeros(1, dtype=np.int64)  # of the prefixes among the cells that were picked
    cloud_states = np.full((horizon, n), -1, dtype=np.int64)
    cloud_log_weights = np.full((horizon, n), -np.inf)
    log_w, evaluations, calls = float(problem.log_prm_flat[0]), 0, 0
    for h in range(horizon):
        calls += len(states)
        cells = _in_order(sampler.order_on(problem), states, problem.model.probs[h])
        q = _masses(weights, cells, states, problem.model.probs[h])
        mass = settle(sampler.rule, q, n, rng)
        picked = np.flatnonzero(mass)
        log_child = np.array(
            [math.log(mass[c]) + _log_weight(problem, h, states[cells[c][0]], cells[c][1])
             for c in picked]
        )  # fmt: skip
        children = [
            int(problem.model.next_state[h][states[cells[c][0]], cells[c][1]]) for c in picked
        ]
        evaluations += picked.size
        genealogy[h, : picked.size] = _parents(places, [cells[c][0] for c in picked])
        cloud_states[h, : picked.size] = children
        cloud_log_weights[h, : picked.size] = log_child
        top = log_child.max()
        if top == -math.inf:
            log_w = top
            break
        live = places = np.flatnonzero(np.isfinite(log_child))
        paths = [(*paths[cells[picked[i]][0]], cells[picked[i]][1]) for i in live]
        states = [children[i] for i in live]
        share = np.exp(log_child[live] - top)
        total = np.cumsum(share)[-1]
        weights, log_w = share / total, log_w + _log_sum(top, total)
    u, failed = rng.uniform(), log_w == -math.inf
    chosen = -1 if failed else _pick(weights, u)
    return Runs(
        states=np.array([-1 if failed else states[chosen]]),
        log_w=np.array([log_w]),
        failed=np.array([failed]),
        prm_evaluations=np.array([evaluations]),
        model_calls=np.array([calls]),
        tokens=np.array([[-1] * horizon if failed else paths[chosen]], dtype=np.int32),
        genealogy=genealogy[None],
        cloud_states=cloud_states[None],
        cloud_log_weights=cloud_log_weights[None],
    )


def _in_order(order: str, states: list[int], probs: Floats) -> list[Cell]:
    """List the cells that are not empty."""
    cells = [
        (k, a) for k, state in enumerate(states) for a in range(probs.shape[1]) if probs[state, a]
    ]
    if order == "token":
        return sorted(cells, key=lambda cell: (cell[1], cell[0]))
    if order == "state":
        return sorted(cells, key=lambda cell: (states[cell[0]], cell[1], cell[0]))
    return cells


def _masses(weights: Floats, cells: list[Cell], states: list[int], probs: Floats) -> Floats:
    """Return q = W(prefix) pi_ref(token | prefix)."""
    return np.array([weights[k] * probs[states[k], a] for k, a in cells])


def _log_weight(problem: Problem, h: int, state: int, token: int) -> float:
    """log of edge reward times V^(child)/V^(parent)."""
    child = int(problem.model.next_state[h][state, token])
    t = problem.tables
    gain = float(t.log_factor[t.factor_start[h] + state * t.n_actions + token])
    return gain + float(problem.log_prm[h + 1][child]) - float(problem.log_prm[h][state])


def _parents(places: Ints, prefixes: list[int]) -> Ints:
    """Places of parents: those of weight zero have left the cloud, but are counted."""
    return places[prefixes]


def _log_sum(top: float, total: float) -> float:
    """log of the sum of the weights, by which W^ grows."""
    return float(top + np.log(total))


def _pick(weights: Floats, u: float) -> int:
    """Draw the place of the output in proportion to the weights."""
    return min(int(np.searchsorted(np.cumsum(weights), u, side="right")), weights.size - 1)
