"""Runs of SMC that resample at every level and keep nothing: the shortest loop there is.

It is put in line, before compilation, into one function a scheme, since numba counts references
to the arrays that a loop hands on: on few particles that costs more than the particles do.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.resampling.codes import (
    KILLING,
    MULTINOMIAL,
    RESIDUAL,
    SINGLE,
    SSP,
    STRATIFIED,
    SYSTEMATIC,
)
from simulator.resampling.killing import fill as killing
from simulator.resampling.multinomial import from_sums as multinomial
from simulator.resampling.multinomial_sweep import from_sums as multinomial_sweep
from simulator.resampling.residual import fill as residual
from simulator.resampling.single import fill as single
from simulator.resampling.single import pick, pick_from_sums
from simulator.resampling.ssp import fill as ssp
from simulator.resampling.stratified import fill as stratified
from simulator.resampling.systematic import fill as systematic
from simulator.resampling.systematic import mark
from simulator.streams.xoshiro import TO_UNIT, next_word, to_unit, to_whole

__all__ = ["SLACK", "run_every_level"]

ONE, TWO = np.uint64(1), np.uint64(2)
NONE = np.uint32(0)
SLACK = 8  # resampling writes a little past the end


@njit(cache=True, nogil=True, inline="always")
def _runs(resample, sums, marks, seeds, tables, n, log_root, out, begin, end):
    """Do the runs with one scheme, which takes cumulative weights if `sums`, else weights.

    With `marks` it is systematic, and no ancestors are kept: see `mark`.
    """
    cloud = np.empty(2 * n, dtype=np.uint32)  # rows of two successive levels, each in one half
    ancestors = np.empty(n + SLACK, dtype=np.uint32)
    cumulative, guide = np.empty(n + SLACK), np.empty(n + SLACK, dtype=np.uint32)
    w = np.empty(n)  # weights, or their running sums
    cell_start, cells, rows, log_scale = (
        tables.cell_start, tables.cells, tables.rows, tables.log_scale,
    )  # fmt: skip
    states, log_ws, failed, levels = out.states, out.log_w, out.failed, out.levels
    stride = 4 * tables.n_actions
    size = tables.n_actions * TO_UNIT  # exact, so that x below is to_unit(word) * A to the bit
    horizon = np.uint64(cell_start.size)
    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        here, there, h = np.uint64(0), np.uint64(n), np.uint64(0)
        log_w = log_root
        for k in range(n):
            cloud[k] = 0
            ancestors[k] = NONE if marks else np.uint32(k)
        if marks:
            ancestors[0] = 1  # row 0
        while True:
            start = np.uint64(cell_start[h])
            total = 0.0
            row = np.uint64(0)
            for k in range(n):
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                x = to_whole(word) * size
                cell = np.int64(x)
                if marks:
                    begins = ancestors[k]
                    ancestors[k] = NONE
                    row = np.uint64(begins) - ONE if begins != NONE else row
                else:
                    row = np.uint64(cloud[here + np.uint64(ancestors[k])])
                i = start + row + (np.uint64(cell) << TWO)
                b = TWO + np.uint64(x - np.float64(cell) >= cells[i])
                g = cells[i + b]
                total += g
                w[k] = total if sums else g
                cloud[there + np.uint64(k)] = rows[(i << ONE) + b]
            h += ONE
            if not total > 0.0:
                break
            log_w += np.log(total / n) + log_scale[h - ONE]
            here, there = there, here
            if h == horizon:
                break
            if marks:
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                mark(w, n, n / total, to_unit(word), cloud, here, ancestors)
            else:
                s0, s1, s2, s3 = resample(w, n, total, ancestors, cumulative, guide, s0, s1, s2, s3)
        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3
        levels[r] = np.int64(h)
        failed[r] = not total > 0.0
        states[r], log_ws[r] = -1, -np.inf
        if total > 0.0:
            u = to_unit(word)
            chosen = pick_from_sums(w, u * total) if sums else pick(n, w, total, u)
            states[r] = np.int64(cloud[here + np.uint64(chosen)]) // stride
            log_ws[r] = log_w


@njit(cache=True, nogil=True)
def _multinomial(seeds, tables, n, log_root, out, begin, end):
    _runs(multinomial, True, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _systematic(seeds, tables, n, log_root, out, begin, end):
    _runs(systematic, False, True, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _stratified(seeds, tables, n, log_root, out, begin, end):
    _runs(stratified, False, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _residual(seeds, tables, n, log_root, out, begin, end):
    _runs(residual, False, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _ssp(seeds, tables, n, log_root, out, begin, end):
    _runs(ssp, False, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _killing(seeds, tables, n, log_root, out, begin, end):
    _runs(killing, False, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _single(seeds, tables, n, log_root, out, begin, end):
    _runs(single, False, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def _multinomial_sweep(seeds, tables, n, log_root, out, begin, end):
    _runs(multinomial_sweep, True, False, seeds, tables, n, log_root, out, begin, end)


@njit(cache=True, nogil=True)
def run_every_level(scheme, seeds, tables, n, log_root, out, begin, end):
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    scheme : int
        Code of the resampling scheme.
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    tables : EdgeTables
    n : int
        Number of particles N.
    log_root : float
        log of what W^ starts from.
    out : Outputs
        Its `states`, `log_w`, `failed` and `levels` are filled.
    begin, end : int
        Which runs.
    """
    if scheme == MULTINOMIAL:
        _multinomial(seeds, tables, n, log_root, out, begin, end)
    elif scheme == SYSTEMATIC:
        _systematic(seeds, tables, n, log_root, out, begin, end)
    elif scheme == STRATIFIED:
        _stratified(seeds, tables, n, log_root, out, begin, end)
    elif scheme == RESIDUAL:
        _residual(seeds, tables, n, log_root, out, begin, end)
    elif scheme == SSP:
        _ssp(seeds, tables, n, log_root, out, begin, end)
    elif scheme == KILLING:
        _killing(seeds, tables, n, log_root, out, begin, end)
    elif scheme == SINGLE:
        _single(seeds, tables, n, log_root, out, begin, end)
    else:
        _multinomial_sweep(seeds, tables, n, log_root, out, begin, end)
