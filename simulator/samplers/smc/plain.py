"""The SMC kernel once more, in plain Python: the same draws, equal output.

Slow and readable. Weights are recomputed from V^, everything is kept, nothing is packed.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.resampling.multinomial import invert
from simulator.resampling.schemes import scheme_for
from simulator.samplers.runs import Runs, concatenate
from simulator.samplers.smc.edge_tables import EdgeTables, edge_tables
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import Floats, Ints, RngLike

__all__ = ["draw_token", "run_plain", "run_plain_once"]

TIE = 1e-9


def run_plain(
    problem: Problem,
    sampler: SMC,
    n_runs: int,
    rng: RngLike,
    *,
    first_block: int = 0,
    depth: int = 0,
    rollouts: int = 0,
) -> Runs:
    """Draw the runs that ``sampler.run`` draws, with all optional results.

    Parameters
    ----------
    first_block : int, optional
        As in `SMC.run`.
    depth, rollouts : int, optional
        As in `simulator.samplers.lookahead.sampler.Lookahead`; without rollouts, plain SMC.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> a, b = run_plain(problem, SMC(3), 5, 1), SMC(3).run(problem, 5, rng=1)
    >>> bool((a.states == b.states).all())
    True
    """
    seeds = run_seeds(rng, n_runs, first_block)
    streams = (Xoshiro(words.tolist()) for words in seeds)
    return concatenate([run_plain_once(problem, sampler, s, depth, rollouts) for s in streams])


def run_plain_once(
    ranking: Problem, sampler: SMC, rng: Xoshiro, depth: int = 0, rollouts: int = 0
) -> Runs:
    """Draw one run and leave the generator where the run leaves it.

    Parameters
    ----------
    depth, rollouts : int, optional
        As in `run_plain`.
    """
    problem = sampler.as_plain(ranking)
    n, t, horizon = sampler.n_particles, sampler.ess_threshold, problem.horizon
    resample = scheme_for(sampler.resampling, n).plain
    tables = edge_tables(problem)
    tokens = np.full((horizon, n), -1, dtype=np.int32)
    genealogy = np.full((horizon, n), -1, dtype=np.int32)
    states = np.full((horizon, n), -1, dtype=np.int64)
    clouds = np.full((horizon, n), -np.inf)
    ess = np.zeros(horizon)
    parents, ancestors = np.zeros(n, dtype=np.int64), np.arange(n)
    log_w = float(problem.log_prm_flat[0])
    weights, total = np.ones(n), float(n)
    mantissa, exponent = np.ones(n), np.zeros(n, dtype=np.int64)  # accumulated weight m 2^e
    scale = 0.0  # log factor that all of them lack
    cost = 0, 0  # PRM evaluations, base-model calls
    score = np.zeros(n)  # log of the product of edge rewards
    log_g = np.full(n, log_w)  # log of the mean of V^ over rollouts
    for h in range(horizon):
        parents = parents[ancestors]
        score = score[ancestors]
        tokens[h] = [draw_token(problem, tables, h, int(s), rng) for s in parents]
        children = problem.model.next_state[h][parents, tokens[h]]
        moves = list(zip(parents.tolist(), tokens[h].tolist(), strict=True))
        log_edge = np.array([_log_factor(problem, h, *move) for move in moves])
        log_step = log_edge + [
            c - p if min(c, p) > -math.inf else -math.inf
            for c, p in zip(
                problem.log_prm[h + 1][children], problem.log_prm[h][parents], strict=True
            )
        ]
        due, last = (h + 1) % sampler.block == 0, h == horizon - 1
        asked = problem.model.n_actions if sampler.proposal == "optimal" else int(due or last)
        cost = cost[0] + n * asked, cost[1] + n
        log_scale = float(tables.log_scale[h])
        if rollouts > 0:
            before, ways = log_g[ancestors], rollouts if depth > 0 and not last else 1
            steps = min(depth, horizon - h - 1)
            log_g = np.array(
                [_rollouts(problem, tables, h + 1, int(s), steps, ways, rng) for s in children]
            )
            log_step = log_edge + [
                g - b if b > -math.inf else b for g, b in zip(log_g, before, strict=True)
            ]
            log_scale = float(log_step.max()) if log_step.max() > -math.inf else 0.0
            cost = cost[0] + n * (ways - asked), cost[1] + n * ways * steps
        scale += log_scale
        step = np.array([math.exp(x - log_scale) for x in log_step])
        mantissa, more = np.frexp(mantissa * step)
        exponent = exponent + more
        score = score + [_log_factor(ranking, h, *move) for move in moves]
        genealogy[h] = ancestors if h > 0 else 0
        states[h] = children
        live = mantissa > 0
        clouds[h, live] = np.log(mantissa[live]) + exponent[live] * math.log(2) + scale
        if not live.any():
            return _result(cost, tokens, genealogy, states, clouds, ess, None, -math.inf)
        top = int(exponent[live].max())
        weights = np.ldexp(mantissa, np.where(live, np.maximum(exponent - top, -1100), 0))
        total = float(np.cumsum(weights)[-1])  # from first to last, like the kernel
        ess[h] = _ess(weights, total)
        parents = children
        if last or (due and (t >= 1 or ess[h] < t * n * (1 - 1e-9))):
            log_w += math.log(total / n) + (scale + top * math.log(2))
            if not last:
                ancestors = resample(weights, rng)
                mantissa, exponent, scale = np.ones(n), np.zeros(n, dtype=np.int64), 0.0
        else:
            ancestors = np.arange(n)
    if sampler.select == "best":
        log_final = score + ranking.log_reward[parents]
        chosen = _best(weights, log_final, rng.uniform())
    else:
        chosen = int(invert(weights, np.array([rng.uniform()]))[0])
    return _result(cost, tokens, genealogy, states, clouds, ess, chosen, log_w)


def draw_token(problem: Problem, tables: EdgeTables, h: int, state: int, rng: Xoshiro) -> int:
    """Draw a token by the alias method: cell floor(A u), then one of its two outcomes.

    Parameters
    ----------
    h, state : int
        Stage and row of the parent.
    """
    a = tables.n_actions
    x = rng.uniform() * a
    i = int(tables.cell_start[h]) + 4 * (state * a + int(x))
    second = x - int(x) >= tables.cells[i]
    return int(tables.action[i // 2 + second])


def _rollouts(
    problem: Problem, tables: EdgeTables, h: int, state: int, steps: int, ways: int, rng: Xoshiro
) -> float:
    """Log of the mean over paths of V^ at their end times the edge rewards on the way."""
    logs = []
    for _ in range(ways):
        here, x = state, 0.0
        for g in range(h, h + steps):
            token = draw_token(problem, tables, g, here, rng)
            x += _log_factor(problem, g, here, token)
            here = int(problem.model.next_state[g][here, token])
        logs.append(x + float(problem.log_prm[h + steps][here]))
    top = max(logs)
    if top == -math.inf:
        return top
    return top + math.log(sum(math.exp(x - top) for x in logs)) - math.log(ways)


def _log_factor(problem: Problem, h: int, state: int, token: int) -> float:
    t = problem.tables
    return float(t.log_factor[t.factor_start[h] + state * t.n_actions + token])


def _ess(weights: Floats, total: float) -> float:
    share = weights * (1.0 / total)
    return 1.0 / float(np.cumsum(share * share)[-1])


def _best(weights: Floats, score: Floats, u: float) -> int:
    live = weights > 0
    ties = np.flatnonzero(live & (score >= score[live].max() - TIE))
    return int(ties[min(int(u * ties.size), ties.size - 1)])


def _result(
    cost: tuple[int, int],
    tokens: npt.NDArray[np.int32],
    genealogy: npt.NDArray[np.int32],
    states: Ints,
    clouds: Floats,
    ess: Floats,
    chosen: int | None,
    log_w: float,
) -> Runs:
    path = np.full(tokens.shape[0], -1, dtype=np.int32)
    if chosen is not None:
        place = chosen
        for h in range(tokens.shape[0] - 1, -1, -1):
            path[h], place = tokens[h, place], int(genealogy[h, place])
    return Runs(
        states=np.array([-1 if chosen is None else states[-1, chosen]]),
        log_w=np.array([log_w]),
        failed=np.array([chosen is None]),
        prm_evaluations=np.array([cost[0]]),
        model_calls=np.array([cost[1]]),
        tokens=path[None],
        ess=ess[None],
        genealogy=genealogy[None],
        cloud_states=states[None],
        cloud_log_weights=clouds[None],
    )
