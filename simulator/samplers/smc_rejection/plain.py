"""The kernel of SMC by rejection once more, in plain Python: the same draws, equal output.

Each quantity that could be got wrong is a function of its own, as in the plain twin of SMC.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs, concatenate
from simulator.samplers.smc.edge_tables import EdgeTables, edge_tables
from simulator.samplers.smc.plain import draw_token
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["run_rejection_plain"]


def run_rejection_plain(
    problem: Problem, sampler: SMCRejection, n_runs: int, rng: RngLike, *, first_block: int = 0
) -> Runs:
    """Draw the runs that ``sampler.run`` draws by rejection, with all optional results.

    Parameters
    ----------
    first_block : int, optional
        As in `SMCRejection.run`.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> rs = SMCRejection(3)
    >>> a, b = run_rejection_plain(problem, rs, 5, 1), rs.run(problem, 5, rng=1)
    >>> bool((a.states == b.states).all())
    True
    """
    seeds = run_seeds(rng, n_runs, first_block)
    return concatenate([_run(problem, sampler, Xoshiro(words.tolist())) for words in seeds])


def _run(problem: Problem, sampler: SMCRejection, rng: Xoshiro) -> Runs:
    n, horizon, tables = sampler.n_particles, problem.horizon, edge_tables(problem)
    log_eta = sampler.log_eta(problem)
    tokens = np.full((horizon, n), -1, dtype=np.int32)
    genealogy = np.full((horizon, n), -1, dtype=np.int32)
    states = np.full((horizon, n), -1, dtype=np.int64)
    parents = [0] * n
    log_w, proposals = _log_root(problem), 0
    for h in range(horizon):
        log_w += _log_mean_weight(problem, h, parents)
        if log_w == -math.inf:
            break
        for k in range(n):
            i, token, tried = _accepted(problem, tables, h, parents, log_eta, rng)
            proposals += tried
            tokens[h, k], genealogy[h, k] = token, i if h > 0 else 0
            states[h, k] = problem.model.next_state[h][parents[i], token]
        parents = states[h].tolist()
    chosen, failed = _draw_output(n, rng.uniform()), log_w == -math.inf
    path = np.full(horizon, -1, dtype=np.int32)
    if not failed:
        place = chosen
        for h in range(horizon - 1, -1, -1):
            path[h], place = tokens[h, place], int(genealogy[h, place])
    return Runs(
        states=np.array([-1 if failed else states[-1, chosen]]),
        log_w=np.array([log_w]),
        failed=np.array([failed]),
        prm_evaluations=np.array([proposals]),
        model_calls=np.array([proposals]),
        tokens=path[None],
        genealogy=genealogy[None],
        cloud_states=states[None],
        cloud_log_weights=np.where(states < 0, -np.inf, 0.0)[None],
    )


def _log_root(problem: Problem) -> float:
    """log V^(root), with which log W^ starts."""
    return float(problem.log_prm_flat[0])


def _accepted(
    problem: Problem, tables: EdgeTables, h: int, parents: list[int], log_eta: float, rng: Xoshiro
) -> tuple[int, int, int]:
    """Propose until one is accepted: place of its parent, its token, and how many it took."""
    tried = 0
    while True:
        tried += 1
        i = _draw_parent(len(parents), rng.uniform())
        token = draw_token(problem, tables, h, parents[i], rng)
        if rng.uniform() < math.exp(_log_acceptance(problem, h, parents[i], token, log_eta)):
            return i, token, tried


def _draw_parent(n: int, u: float) -> int:
    """Draw the place of a parent, uniformly."""
    return int(u * n)


def _draw_output(n: int, u: float) -> int:
    """Draw the place of the output, uniformly."""
    return int(u * n)


def _log_acceptance(problem: Problem, h: int, state: int, token: int, log_eta: float) -> float:
    """log of the chance that a proposal is accepted."""
    return _log_weight(problem, h, state, token) - log_eta


def _log_weight(problem: Problem, h: int, state: int, token: int) -> float:
    """log of edge reward times V^(child)/V^(parent)."""
    child = int(problem.model.next_state[h][state, token])
    gain = _log_factor(problem, h, state, token)
    return gain + float(problem.log_prm[h + 1][child]) - float(problem.log_prm[h][state])


def _log_factor(problem: Problem, h: int, state: int, token: int) -> float:
    """log of the edge reward."""
    t = problem.tables
    return float(t.log_factor[t.factor_start[h] + state * t.n_actions + token])


def _log_mean_weight(problem: Problem, h: int, parents: list[int]) -> float:
    """log W_h, the mean over the parents of E_ref[V^(child)|x]/V^(x)."""
    return _log_mean([_log_ratio(problem, h, x) for x in parents])


def _log_ratio(problem: Problem, h: int, state: int) -> float:
    """log E_ref[V^(child)|x]/V^(x)."""
    t = problem.tables
    first = t.table_start[h] + state * t.n_actions
    log_prob = t.log_prob[first : first + t.n_actions]
    return float(
        np.logaddexp.reduce(
            [p + _log_weight(problem, h, state, a) for a, p in enumerate(log_prob) if p > -math.inf]
        )
    )


def _log_mean(x: list[float]) -> float:
    """log of the mean of numbers given by their logs."""
    return float(np.logaddexp.reduce(x)) - math.log(len(x))
