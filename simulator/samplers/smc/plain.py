"""The SMC kernel once more, in plain Python: the same draws, equal output.

Slow and readable. Weights are recomputed from V^, everything is kept, nothing is packed. Each
quantity that could be got wrong is a function of its own, so that a test can put a wrong one in
its place and see that the draws differ.
"""

from __future__ import annotations

import math
from typing import NamedTuple

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


class _Particles(NamedTuple):
    """Where the particles are, their log edge rewards so far, and log G of lookahead SMC."""

    states: Ints
    score: Floats
    log_g: Floats  # log of the mean of V^ over rollouts


class _Gathered(NamedTuple):
    """Weights gathered since the last resampling: m 2^e exp(scale)."""

    mantissa: Floats
    exponent: Ints
    scale: float


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
    n, horizon = sampler.n_particles, problem.horizon
    resample = scheme_for(sampler.resampling, n).plain
    tables = edge_tables(problem)
    tokens = np.full((horizon, n), -1, dtype=np.int32)
    genealogy = np.full((horizon, n), -1, dtype=np.int32)
    states = np.full((horizon, n), -1, dtype=np.int64)
    clouds = np.full((horizon, n), -np.inf)
    ess = np.zeros(horizon)
    log_w = _log_root(problem)
    particles = _Particles(np.zeros(n, dtype=np.int64), np.zeros(n), np.full(n, log_w))
    ancestors, gathered = np.arange(n), _ones(n)
    weights, cost = np.ones(n), (0, 0)
    for h in range(horizon):
        parents = _inherit(particles, ancestors)
        tokens[h] = [draw_token(problem, tables, h, int(s), rng) for s in parents.states]
        moves = list(zip(parents.states.tolist(), tokens[h].tolist(), strict=True))
        children = problem.model.next_state[h][parents.states, tokens[h]]
        due, last = (h + 1) % sampler.block == 0, _is_last(h, horizon)
        log_edge = np.array([_log_factor(problem, h, *move) for move in moves])
        if rollouts > 0:
            ways = rollouts if depth > 0 and not last else 1
            steps = _steps_ahead(depth, h, horizon)
            log_g = np.array(
                [_rollouts(problem, tables, h + 1, int(s), steps, ways, rng) for s in children]
            )
            log_step = log_edge + _log_ratios(log_g, parents.log_g)
            log_scale = float(log_step.max()) if log_step.max() > -math.inf else 0.0
            cost = cost[0] + n * ways, cost[1] + n + n * ways * steps
        else:
            log_g = parents.log_g
            log_step = log_edge + _log_values_gained(problem, h, parents.states, children)
            log_scale = float(tables.log_scale[h])
            asked = problem.model.n_actions if sampler.proposal == "optimal" else int(due or last)
            cost = cost[0] + n * asked, cost[1] + n
        gathered = _times(gathered, log_step, log_scale)
        gain = [_log_factor(ranking, h, *move) for move in moves]
        particles = _Particles(children, parents.score + gain, log_g)
        genealogy[h] = ancestors if h > 0 else 0
        states[h] = children
        clouds[h] = _logs(gathered)
        if not (gathered.mantissa > 0).any():
            return _result(cost, tokens, genealogy, states, clouds, ess, None, -math.inf)
        weights, log_unit = _in_one_unit(gathered)
        total = float(np.cumsum(weights)[-1])  # from first to last, like the kernel
        ess[h] = _ess(weights, total)
        ancestors = np.arange(n)
        size = float(ess[h]) if sampler.resample_when == "ess" else _inverse_largest(weights, total)
        if last or (due and _is_low(size, sampler.ess_threshold, n)):
            log_w += _log_mean(total, n) + log_unit
            if not last:
                ancestors = resample(weights, rng)
                gathered = _reset(gathered)
    if sampler.select == "best":
        log_final = particles.score + ranking.log_reward[particles.states]
        chosen = _best(weights, log_final, rng.uniform())
    else:
        chosen = _draw(weights, rng.uniform())
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
    second = _is_second(x - int(x), float(tables.cells[i]))
    return int(tables.action[i // 2 + second])


def _is_second(u: float, first: float) -> bool:
    """Whether a uniform number picks the second outcome, `first` the chance of the first."""
    return u >= first


# ---- the steps of a run


def _log_root(problem: Problem) -> float:
    """log V^(root), with which log W^ starts."""
    return float(problem.log_prm_flat[0])


def _inherit(particles: _Particles, ancestors: Ints) -> _Particles:
    """Copy to each place what its ancestor has."""
    states, score, log_g = particles
    return _Particles(states[ancestors], score[ancestors], log_g[ancestors])


def _is_last(h: int, horizon: int) -> bool:
    """Whether stage h leads to the leaves."""
    return h == horizon - 1


def _log_values_gained(problem: Problem, h: int, parents: Ints, children: Ints) -> Floats:
    """log of V^(child)/V^(parent)."""
    return _log_ratios(problem.log_prm[h + 1][children], problem.log_prm[h][parents])


def _log_ratios(log_children: Floats, log_parents: Floats) -> Floats:
    """Differences of logs; -inf where one of the two is."""
    pairs = zip(log_children, log_parents, strict=True)
    return np.array([c - p if min(c, p) > -math.inf else -math.inf for c, p in pairs])


def _log_factor(problem: Problem, h: int, state: int, token: int) -> float:
    """log of the edge reward."""
    t = problem.tables
    return float(t.log_factor[t.factor_start[h] + state * t.n_actions + token])


def _is_low(size: float, threshold: float, n: int) -> bool:
    """Whether the size of the weights asks for resampling."""
    return threshold >= 1 or size < threshold * n * (1 - 1e-9)


def _ess(weights: Floats, total: float) -> float:
    """Return the effective sample size, the inverse of the sum of squared shares."""
    share = weights * (1.0 / total)
    return 1.0 / float(np.cumsum(share * share)[-1])


def _inverse_largest(weights: Floats, total: float) -> float:
    """Return the inverse of the largest share."""
    return total / float(weights.max())


def _log_mean(total: float, n: int) -> float:
    """log of the mean of n weights."""
    return math.log(total / n)


def _draw(weights: Floats, u: float) -> int:
    """Draw a particle in proportion to its weight."""
    return int(invert(weights, np.array([u]))[0])


def _best(weights: Floats, score: Floats, u: float) -> int:
    """Return the live particle of highest score, uniformly among ties."""
    live = weights > 0
    ties = np.flatnonzero(live & (score >= score[live].max() - TIE))
    return int(ties[min(int(u * ties.size), ties.size - 1)])


# ---- weights that neither overflow nor vanish


def _ones(n: int) -> _Gathered:
    """Weights 1."""
    return _Gathered(np.ones(n), np.zeros(n, dtype=np.int64), 0.0)


def _reset(gathered: _Gathered) -> _Gathered:
    """After resampling all weights are 1."""
    return _ones(gathered.mantissa.size)


def _times(gathered: _Gathered, log_step: Floats, log_scale: float) -> _Gathered:
    """Multiply by the weights of a step; what all of them have in common goes to the scale."""
    step = np.array([math.exp(x - log_scale) for x in log_step])
    mantissa, more = np.frexp(gathered.mantissa * step)
    return _Gathered(mantissa, gathered.exponent + more, gathered.scale + log_scale)


def _logs(gathered: _Gathered) -> Floats:
    """Return the logs of the weights."""
    mantissa, exponent, scale = gathered
    live = mantissa > 0
    out = np.full(mantissa.size, -np.inf)
    out[live] = np.log(mantissa[live]) + exponent[live] * math.log(2) + scale
    return out


def _in_one_unit(gathered: _Gathered) -> tuple[Floats, float]:
    """Weights as plain numbers, the largest below 1, and the log of their unit."""
    mantissa, exponent, scale = gathered
    live = mantissa > 0
    top = int(exponent[live].max())
    weights = np.ldexp(mantissa, np.where(live, np.maximum(exponent - top, -1100), 0))
    return weights, scale + top * math.log(2)


# ---- lookahead


def _steps_ahead(depth: int, h: int, horizon: int) -> int:
    """Levels between the children of stage h and those whose V^ is asked for."""
    return min(depth, horizon - h - 1)


def _rollouts(
    problem: Problem, tables: EdgeTables, h: int, state: int, steps: int, ways: int, rng: Xoshiro
) -> float:
    """Log of the mean over paths of V^ at their end times the edge rewards on the way."""
    return _log_mean_exp([_rollout(problem, tables, h, state, steps, rng) for _ in range(ways)])


def _rollout(
    problem: Problem, tables: EdgeTables, h: int, state: int, steps: int, rng: Xoshiro
) -> float:
    """Log of V^ at the end of one path times the edge rewards on the way."""
    log_edges, end = _descend(problem, tables, h, state, steps, rng)
    return log_edges + float(problem.log_prm[h + steps][end])


def _descend(
    problem: Problem, tables: EdgeTables, h: int, state: int, steps: int, rng: Xoshiro
) -> tuple[float, int]:
    """Draw a path: log of its edge rewards, and where it ends."""
    log_edges = 0.0
    for g in range(h, h + steps):
        token = draw_token(problem, tables, g, state, rng)
        log_edges += _log_factor(problem, g, state, token)
        state = int(problem.model.next_state[g][state, token])
    return log_edges, state


def _log_mean_exp(logs: list[float]) -> float:
    """Log of the mean of numbers given by their logs."""
    top = max(logs)
    if top == -math.inf:
        return top
    return top + math.log(sum(math.exp(x - top) for x in logs)) - math.log(len(logs))


# ---- the result


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
