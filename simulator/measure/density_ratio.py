r"""The error as a mean over pi*, by conditional SMC.

The law nu of SMC's output has nu(y)/pi*(y) = E[Z/W^_H | y a lineage], under conditional SMC
with y forced, and 0 where V^ = 0 on y. So D_TV = E_{y~pi*}[(1 - E[Z/W^_H | y])_+]: no outcome
need be seen twice, however many there are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.checks import check_int
from simulator.errors import InputError
from simulator.measure.confidence import BettingUpper
from simulator.measure.stepwise import plain_problem
from simulator.measure.stream import CELLS, Runnable
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.resampling.multinomial import invert
from simulator.samplers.smc.conditional_kernel import run_conditional
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.samplers.smc.plain import draw_token
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import BLOCK, run_seeds, seed_sequence
from simulator.streams.threads import spread
from simulator.typing import Floats, Ints, RngLike

__all__ = [
    "DensityRatio", "conditional_log_w", "conditional_log_w_plain", "density_ratio",
    "paths_within_reach",
]  # fmt: skip


REPEATS = 16
MANY = 64  # where N is small against H and the inner runs are noisier
LONGEST = 32  # levels a particle, up to which as many inner runs tell something
WORK = 1 << 29  # particle-steps: some seconds
FEWEST = 64  # paths


@dataclass(frozen=True)
class DensityRatio:
    """Estimates of D_TV(law of one output, pi*) from conditional SMC.

    Attributes
    ----------
    low, high : float
        Means of two variables. `high`, of (1 - g)_+ with g the mean of Z/W^_H over the inner
        runs, is biased upwards (Jensen). `low`, of 1 - g_2 where g_1 < 1 and 0 elsewhere, with
        g_1 and g_2 from two halves of the inner runs, is biased downwards: at each path the
        first half only decides whether the path counts.
    low_error, high_error : float
        Their standard errors; `low` has no certified limit, as Z/W^ is unbounded.
    upper : float
        Certified: D_TV is below it at the stated confidence.
    confidence : float
    n_paths, repeats : int
        Draws from pi*, and inner runs each.
    """

    low: float
    low_error: float
    high: float
    high_error: float
    upper: float
    confidence: float
    n_paths: int
    repeats: int


def density_ratio(
    problem: Problem,
    sampler: Runnable,
    n_paths: int,
    *,
    rng: RngLike,
    confidence: float = 0.99,
    repeats: int = REPEATS,
) -> DensityRatio:
    """Estimate the error of multinomial SMC from paths of pi*, in flat memory.

    Parameters
    ----------
    sampler : SMC
        With multinomial resampling at every level.
    n_paths : int
        At least 2.
    repeats : int, optional
        Inner runs of each path, an even number.

    Raises
    ------
    InputError
        If the identity does not hold for the sampler, or a number is out of range.
    """
    plain = plain_problem(problem, sampler)
    if plain is None:
        raise InputError("density ratio: needs SMC with multinomial resampling at every level")
    check_int("n_paths", n_paths, 2)
    check_int("repeats", repeats, 2)
    if repeats % 2:
        raise InputError(f"repeats: {repeats} is odd")
    path_seed, run_seed = seed_sequence(rng).spawn(2)
    limit = BettingUpper(n_paths, 1 - confidence)
    sums = np.zeros((2, 2))  # of low and high: sum, sum of squares
    blocks = max(1, CELLS // (BLOCK * max(problem.horizon, 8 * repeats)))
    for first in range(0, n_paths, blocks * BLOCK):
        part = min(blocks * BLOCK, n_paths - first)
        tokens = target_paths(problem, part, path_seed, first_block=first // BLOCK)
        log_w = conditional_log_w(
            plain, sampler.n_particles, tokens, repeats, run_seed,
            first_block=first // BLOCK * repeats,
        )  # fmt: skip
        ratio = np.exp(problem.log_z - log_w)
        one, two = ratio[:, ::2].mean(axis=1), ratio[:, 1::2].mean(axis=1)
        above = np.maximum(1 - ratio.mean(axis=1), 0.0)
        limit.add(above)
        for k, x in enumerate((np.where(one < 1, 1 - two, 0.0), above)):
            sums[k] += x.sum(), (x * x).sum()
    mean, square = sums.T / n_paths
    error = np.sqrt(np.maximum(square - mean * mean, 0.0) / (n_paths - 1))
    return DensityRatio(
        float(mean[0]), float(error[0]), float(mean[1]), float(error[1]), limit.value(),
        confidence, n_paths, repeats,
    )  # fmt: skip


def paths_within_reach(problem: Problem, sampler: Runnable, n_paths: int) -> tuple[int, int]:
    """Say how many paths conditional SMC can be run for in some seconds, and how often each.

    Parameters
    ----------
    n_paths : int
        As many as are wanted.

    Returns
    -------
    (int, int)
        Paths and inner runs of each; no path if the horizon is so long for N that the inner runs
        are too noisy, or if it does not apply or is out of reach for a useful number of paths.
    """
    plain = plain_problem(problem, sampler)
    if plain is None or sampler.n_particles * LONGEST < plain.horizon:
        return 0, REPEATS
    noise = 2 * math.ceil(2 * plain.horizon / sampler.n_particles)
    repeats = min(max(REPEATS, noise), MANY)
    paths = min(n_paths, WORK // (sampler.n_particles * plain.horizon * repeats))
    return (int(paths) if paths >= FEWEST else 0), repeats


def conditional_log_w(
    problem: Problem,
    n_particles: int,
    tokens: npt.NDArray[np.integer],
    repeats: int,
    rng: RngLike,
    *,
    first_block: int = 0,
) -> Floats:
    """Run conditional SMC and return log W^_H.

    Parameters
    ----------
    n_particles : int
        N, the forced particle included.
    tokens : (P, H) int array
        Paths to force.
    repeats : int
        Independent runs of each.
    first_block : int, optional
        As in `simulator.streams.seeds.run_seeds`.

    Returns
    -------
    (P, repeats) array
        inf for paths that meet V^ = 0: they have no lineage, and Z/W^ counts as 0.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> conditional_log_w(problem, 1, np.array([[1]]), 2, 0).round(4).tolist()
    [[1.0986, 1.0986]]
    """
    n_paths = len(tokens)
    states, log_weights = _along(problem, tokens)
    alive = np.asarray(np.isfinite(log_weights).all(axis=1))
    log_weights = np.where(alive[:, None], log_weights, 0.0)
    seeds = run_seeds(rng, n_paths * repeats, first_block)
    log_w = np.empty(n_paths * repeats)
    tables, root = edge_tables(problem), float(problem.log_prm_flat[0])

    def part(begin: int, end: int) -> None:
        run_conditional(
            seeds, tables, n_particles, root, states, log_weights, repeats, log_w, begin, end
        )

    spread(part, log_w.size, float(log_w.size) * problem.horizon * n_particles, None)
    return np.where(alive[:, None], log_w.reshape(n_paths, repeats), np.inf)


def conditional_log_w_plain(
    problem: Problem,
    n_particles: int,
    tokens: npt.NDArray[np.integer],
    repeats: int,
    rng: RngLike,
) -> Floats:
    """Do the same in plain Python, with the same draws, for paths on which V^ > 0.

    Parameters
    ----------
    tokens : (P, H) int array

    Returns
    -------
    (P, repeats) array
    """
    states, forced = _along(problem, tokens)
    tables, n = edge_tables(problem), n_particles
    out = []
    for r, words in enumerate(run_seeds(rng, len(tokens) * repeats)):
        g, y = Xoshiro(words.tolist()), r // repeats
        cloud, log_w = np.zeros(n, dtype=np.int64), float(problem.log_prm_flat[0])
        for h in range(problem.horizon):
            log_step = [float(forced[y, h])]
            children = [int(states[y, h + 1])]
            for s in cloud[1:]:
                token = draw_token(problem, tables, h, int(s), g)
                children.append(int(problem.model.next_state[h][s, token]))
                log_step.append(_log_weight(problem, h, int(s), token))
            weights = np.exp(np.array(log_step))
            log_w += float(np.log(weights.mean()))
            cloud = np.array(children)
            if h < problem.horizon - 1:
                free = invert(weights, np.array([g.uniform() for _ in range(n - 1)]))
                cloud = cloud[np.concatenate([[0], free]).astype(np.int64)]
        out.append(log_w)
    return np.array(out).reshape(len(tokens), repeats)


def _log_weight(problem: Problem, h: int, state: int, token: int) -> float:
    t = problem.tables
    factor = t.log_factor[t.factor_start[h] + state * t.n_actions + token]
    child = problem.log_prm[h + 1][problem.model.next_state[h][state, token]]
    return float(factor + child - problem.log_prm[h][state])


def _along(problem: Problem, tokens: npt.NDArray[np.integer]) -> tuple[Ints, Floats]:
    """States (P, H+1) and log weights (P, H) along paths."""
    e, model, prm = problem.forward_backward.edges, problem.model, problem.log_prm_flat
    states = np.zeros((len(tokens), problem.horizon + 1), dtype=np.int64)
    log_weights = np.empty(tokens.shape)
    for h in range(problem.horizon):
        token = tokens[:, h].astype(np.int64)
        states[:, h + 1] = model.next_state[h][states[:, h], token]
        edge = e.start[h] + states[:, h] * model.n_actions + token
        child, parent = prm[e.target[edge]], prm[e.source[edge]]
        live = np.isfinite(child) & np.isfinite(parent)
        step = e.log_factor[edge] + child - np.where(live, parent, 0.0)
        log_weights[:, h] = np.where(live, step, -np.inf)
    return states, log_weights
