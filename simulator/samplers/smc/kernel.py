"""SMC (arXiv 2603.07887, Algorithm 1, Option 1) on packed tables: many runs in one call.

A particle's accumulated weight is m 2^(512 e): products of weights over a long horizon leave
the range of floats, logarithms in the inner loop would double the cost. While particles are
resampled at every level, the accumulated weight is the weight of that level alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.resampling.dispatch import resample
from simulator.resampling.single import pick
from simulator.samplers.smc.every_level_kernel import SLACK, run_every_level
from simulator.samplers.smc.rollouts_kernel import look_ahead
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["Final", "Options", "Outputs", "run_smc", "trace"]

STEP = 2.0**512
LOG_STEP = 512 * np.log(2.0)
HIGH, LOW = 2.0**256, 2.0**-256
# a size that equals the threshold up to rounding does not resample
TIE = 1.0 - 1e-9
ONE, TWO = np.uint64(1), np.uint64(2)
TIE_LOG = 1e-9


class Options(NamedTuple):
    """What a run does; see `simulator.samplers.smc.sampler.SMC`.

    Attributes
    ----------
    n_particles : int
    scheme : int
        Code of the resampling scheme.
    ess_threshold : float
    best : bool
        Output the particle of highest V^ instead of a draw from the weighted cloud.
    block : int
        Resample at levels that are multiples of it only.
    by_largest : bool
        Compare 1/max W with the threshold in place of the effective sample size.
    """

    n_particles: int
    scheme: int
    ess_threshold: float
    best: bool
    block: int
    by_largest: bool


class Final(NamedTuple):
    """What ranks final particles and scales the weights.

    Attributes
    ----------
    log_root : float
        log of what W^ starts from, V^(root).
    log_reward : (S_H,) array
    factor_start, log_factor : arrays
        Edge rewards as in `simulator.problem.problem.Tables`; `factor_start` is empty if all are 1.
    """

    log_root: float
    log_reward: npt.NDArray[np.float64]
    factor_start: npt.NDArray[np.int64]
    log_factor: npt.NDArray[np.float64]


class Outputs(NamedTuple):
    """Arrays to fill; an array of size zero is not asked for.

    Attributes
    ----------
    states, log_w, failed, levels : (R,) arrays
        `levels`: how many levels the run went through.
    tokens : (R, H) int32 array
    ess : (R, H) array
    genealogy : (R, H, N) int32 array
    cloud_rows : (R, H, N) int64 array
        Rows of the particles' states, 4 A times the state.
    cloud_weights : (R, H, N) array
        Where every level is resampled, and without rollouts, weights divided by exp of the
        stage's `log_scale`; else logarithms of accumulated weights.
    """

    states: npt.NDArray[np.int64]
    log_w: npt.NDArray[np.float64]
    failed: npt.NDArray[np.bool_]
    levels: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]
    ess: npt.NDArray[np.float64]
    genealogy: npt.NDArray[np.int32]
    cloud_rows: npt.NDArray[np.int64]
    cloud_weights: npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def _propagate(n, n_actions, start, cells, rows, ancestors, parents, children, w, s0, s1, s2, s3):
    """Draw a child of each particle's ancestor and its weight; return the sum of weights."""
    size = np.float64(n_actions)
    total = 0.0
    for k in range(n):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        x = to_unit(r) * size
        cell = np.int64(x)
        i = start + parents[ancestors[k]] + (np.uint64(cell) << TWO)
        b = TWO + np.uint64(x - np.float64(cell) >= cells[i])
        g = cells[i + b]
        w[k] = g
        total += g
        children[k] = rows[(i << ONE) + b]
    return total, s0, s1, s2, s3


@njit(cache=True, nogil=True)
def _propagate_traced(
    n, n_actions, start, cells, rows, ancestors, parents, children, w, s0, s1, s2, s3, action,
    token,
):  # fmt: skip
    """Do the same and keep the tokens."""
    size = np.float64(n_actions)
    total = 0.0
    for k in range(n):
        r, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        x = to_unit(r) * size
        cell = np.int64(x)
        i = start + parents[ancestors[k]] + (np.uint64(cell) << TWO)
        b = TWO + np.uint64(x - np.float64(cell) >= cells[i])
        g = cells[i + b]
        w[k] = g
        total += g
        children[k] = rows[(i << ONE) + b]
        token[k] = action[(i >> ONE) + b - TWO]
    return total, s0, s1, s2, s3


@njit(cache=True, nogil=True)
def _accumulate(n, w, mantissa, exponent, effective):
    """Multiply the accumulated weights by `w`.

    Fills the weights relative to 2^(512 top) and returns their sum and `top`, the largest
    exponent of a positive weight.
    """
    top = np.int64(-(2**62))
    for k in range(n):
        m = mantissa[k] * w[k]
        if m > 0.0:
            while m < LOW:
                m *= STEP
                exponent[k] -= 1
            while m > HIGH:
                m /= STEP
                exponent[k] += 1
            top = max(top, exponent[k])
        mantissa[k] = m
    total = 0.0
    for k in range(n):
        m = mantissa[k]
        behind = top - exponent[k]
        if behind == 1:
            m /= STEP
        elif behind > 1 or m == 0.0:
            m = 0.0  # below 2^-512 of the largest
        effective[k] = m
        total += m
    return total, top


@njit(cache=True, nogil=True)
def _ess(n, weights, total):
    """Effective sample size, 1 / sum of squared normalised weights."""
    squares = 0.0
    inverse = 1.0 / total
    for k in range(n):
        q = weights[k] * inverse
        squares += q * q
    return 1.0 / squares


@njit(cache=True, nogil=True)
def _inverse_largest(n, weights, total):
    """Return 1 / the largest normalised weight."""
    top = 0.0
    for k in range(n):
        top = max(top, weights[k])
    return total / top


@njit(cache=True, nogil=True)
def _pick_best(n, weights, score, u):
    """Draw uniformly among the particles of positive weight whose score is highest."""
    best = -np.inf
    for k in range(n):
        if weights[k] > 0.0:
            best = max(best, score[k])
    ties = 0
    for k in range(n):
        ties += weights[k] > 0.0 and score[k] >= best - TIE_LOG
    rank = min(np.int64(u * ties), ties - 1)
    for k in range(n):
        if weights[k] > 0.0 and score[k] >= best - TIE_LOG:
            if rank == 0:
                return k
            rank -= 1
    return 0


@njit(cache=True, nogil=True)
def trace(horizon, index, token, parent, out):
    """Follow one particle back to the root.

    Parameters
    ----------
    horizon, index : int
        H, and the particle's place among those of level H.
    token, parent : (H, N) arrays
        Tokens of the particles, and places of their parents.
    out : (H,) array
        Filled with the tokens of the path.
    """
    for h in range(horizon - 1, -1, -1):
        out[h] = token[h, index]
        index = np.int64(parent[h, index])


@njit(cache=True, nogil=True)
def run_smc(seeds, tables, options, final, look, out, begin, end):
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    tables : EdgeTables
    options : Options
    final : Final
    look : Look
    out : Outputs
        Filled.
    begin, end : int
        Which runs.
    """
    n, scheme, t = options.n_particles, options.scheme, options.ess_threshold
    a, horizon = tables.n_actions, tables.cell_start.size
    stride = 4 * a  # from the row of a state to the next
    block = options.block
    every = t >= 1.0 and block == 1
    adaptive = 0.0 < t < 1.0
    keep_tokens, keep_ess = out.tokens.size > 0, out.ess.size > 0
    keep_genealogy, keep_cloud = out.genealogy.size > 0, out.cloud_rows.size > 0
    keep_score = options.best and final.factor_start.size > 0
    looks = look.rollouts > 0
    traced = keep_tokens or keep_score or looks
    if every and not (traced or options.best or keep_ess or keep_genealogy or keep_cloud):
        run_every_level(scheme, seeds, tables, n, final.log_root, out, begin, end)
        return

    parents, children = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
    ancestors = np.empty(n + SLACK, dtype=np.uint64)
    cumulative, guide = np.empty(n + SLACK), np.empty(n + SLACK, dtype=np.uint64)
    w = np.empty(n)
    m = 0 if every else n
    mantissa, exponent, effective = np.empty(m), np.empty(m, dtype=np.int64), np.empty(m)
    token_row = np.empty(n if traced else 0, dtype=np.int32)
    depth, width = (horizon, n) if keep_tokens else (0, 0)
    token = np.empty((depth, width), dtype=np.int32)
    parent = np.empty((depth, width), dtype=np.uint32)
    score = np.empty(n if options.best else 0)
    score_before = np.empty(n if keep_score else 0)
    log_g, log_g_before = np.empty(n if looks else 0), np.empty(n if looks else 0)

    current = w if every else effective
    # numba counts a reference whenever a loop takes an array out of a tuple
    cell_start, cells, rows, action, log_scales = (
        tables.cell_start, tables.cells, tables.rows, tables.action, tables.log_scale,
    )  # fmt: skip
    factor_start, log_factor = final.factor_start, final.log_factor
    genealogy, kept_ess, tokens = out.genealogy, out.ess, out.tokens
    cloud_rows, cloud_weights = out.cloud_rows, out.cloud_weights

    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        log_w = final.log_root
        scale = 0.0  # log factor that the accumulated weights of the current span lack
        total = 0.0
        level = 0
        for k in range(n):
            parents[k] = 0
            ancestors[k] = k
        identity = True
        if not every:
            mantissa[:] = 1.0
            exponent[:] = 0
        if keep_score:
            score[:] = 0.0
        if looks:
            log_g[:] = final.log_root

        for h in range(horizon):
            level = h + 1
            start = np.uint64(cell_start[h])
            if traced:
                total, s0, s1, s2, s3 = _propagate_traced(
                    n, a, start, cells, rows, ancestors, parents, children, w,
                    s0, s1, s2, s3, action, token_row,
                )  # fmt: skip
                if keep_tokens:
                    for k in range(n):
                        token[h, k] = token_row[k]
                        parent[h, k] = ancestors[k]
                if keep_score:
                    for k in range(n):
                        score_before[k] = score[k]
                    f = factor_start[h]
                    for k in range(n):
                        e = np.int64(parents[ancestors[k]] >> TWO) + token_row[k]
                        score[k] = score_before[ancestors[k]] + log_factor[f + e]
            else:
                total, s0, s1, s2, s3 = _propagate(
                    n, a, start, cells, rows, ancestors, parents, children, w,
                    s0, s1, s2, s3,
                )  # fmt: skip
            log_scale = log_scales[h]
            if looks:
                for k in range(n):
                    log_g_before[k] = log_g[k]
                total, log_scale, s0, s1, s2, s3 = look_ahead(
                    n, h, tables, look, ancestors, parents, children, token_row, log_g,
                    log_g_before, w, s0, s1, s2, s3,
                )  # fmt: skip
            top = 0
            if not every:
                total, top = _accumulate(n, w, mantissa, exponent, effective)
            scale += log_scale
            if keep_genealogy:
                for k in range(n):
                    genealogy[r, h, k] = ancestors[k] if h > 0 else 0
            if keep_cloud:
                for k in range(n):
                    cloud_rows[r, h, k] = children[k]
                    v = w[k] if every else mantissa[k]
                    cloud_weights[r, h, k] = v
                    if looks or not every:
                        x = -np.inf
                        if v > 0.0:
                            x = np.log(v) + scale
                            if not every:
                                x += exponent[k] * LOG_STEP
                        cloud_weights[r, h, k] = x
            if not total > 0.0:
                break
            size = 0.0
            if keep_ess or (adaptive and not options.by_largest):
                size = _ess(n, current, total)
                if keep_ess:
                    kept_ess[r, h] = size
            if adaptive and options.by_largest:
                size = _inverse_largest(n, current, total)
            for k in range(n):
                parents[k] = children[k]
            if level == horizon:
                log_w += np.log(total / n) + (scale + top * LOG_STEP)
            elif every or (level % block == 0 and (t >= 1.0 or (adaptive and size < t * n * TIE))):
                log_w += np.log(total / n) + (scale + top * LOG_STEP)
                scale = 0.0
                s0, s1, s2, s3 = resample(
                    scheme, current, n, total, ancestors, cumulative, guide, s0, s1, s2, s3
                )
                identity = False
                if not every:
                    mantissa[:] = 1.0
                    exponent[:] = 0
            elif not identity:
                for k in range(n):
                    ancestors[k] = k
                identity = True

        out.levels[r] = level
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3
        if not total > 0.0:
            out.failed[r] = True
            out.states[r] = -1
            out.log_w[r] = -np.inf
            continue
        u = to_unit(word)
        if options.best:
            if not keep_score:
                score[:] = 0.0
            for k in range(n):
                score[k] += final.log_reward[np.int64(parents[k]) // stride]
            chosen = _pick_best(n, current, score, u)
        else:
            chosen = pick(n, current, total, u)
        out.failed[r] = False
        out.states[r] = np.int64(parents[chosen]) // stride
        out.log_w[r] = log_w
        if keep_tokens:
            trace(horizon, chosen, token, parent, tokens[r])
