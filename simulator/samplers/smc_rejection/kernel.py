"""SMC by rejection (arXiv 2603.07887, Algorithm 2) on packed tables: many runs in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.samplers.smc.kernel import trace
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["Acceptance", "RejectionOutputs", "run_rejection"]

ONE, TWO = np.uint64(1), np.uint64(2)
PLAIN = 1e-200  # what all particles are below is summed again, relative to the largest of them


class Acceptance(NamedTuple):
    """What decides on proposals and scales the weights.

    Attributes
    ----------
    log_root : float
        log V^(root).
    ceiling : (H,) array
        eta in the units of the stage's weights: a child of weight w is accepted with
        probability w/ceiling.
    log_ratio : (n_inner,) array
        log E_ref[V^(child)|x]/V^(x) of the states before the last level, in flat order.
    ratio : (n_inner,) array
        exp of it, relative to the largest of the level.
    log_top : (H,) array
        Its logarithm.
    state_start : (H+2,) int array
    max_proposals : int
        Largest number of proposals for one particle.
    """

    log_root: float
    ceiling: npt.NDArray[np.float64]
    log_ratio: npt.NDArray[np.float64]
    ratio: npt.NDArray[np.float64]
    log_top: npt.NDArray[np.float64]
    state_start: npt.NDArray[np.int64]
    max_proposals: int


class RejectionOutputs(NamedTuple):
    """Arrays to fill; an array of size zero is not asked for.

    Attributes
    ----------
    states, log_w, failed, proposals : (R,) arrays
    tokens : (R, H) int32 array
    genealogy : (R, H, N) int32 array
    cloud_states : (R, H, N) int64 array
    stuck : (1,) int array
        A level at which a particle met the cap, 0 if none has. Work then stops.
    log_mean : (1,) array
        log W_h of that level and run.
    """

    states: npt.NDArray[np.int64]
    log_w: npt.NDArray[np.float64]
    failed: npt.NDArray[np.bool_]
    proposals: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]
    genealogy: npt.NDArray[np.int32]
    cloud_states: npt.NDArray[np.int64]
    stuck: npt.NDArray[np.int64]
    log_mean: npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def _log_mean(n, log_ratio, ratio, log_top, first, parents, stride):
    """Log of the mean of E_ref[V^(child)|x]/V^(x); `first`: where the states of the level begin."""
    total = 0.0
    for k in range(n):
        total += ratio[first + np.int64(parents[k]) // stride]
    if total > PLAIN:
        return log_top + np.log(total / n)
    top = -np.inf
    for k in range(n):
        top = max(top, log_ratio[first + np.int64(parents[k]) // stride])
    if top == -np.inf:
        return top
    total = 0.0
    for k in range(n):
        total += np.exp(log_ratio[first + np.int64(parents[k]) // stride] - top)
    return top + np.log(total / n)


@njit(cache=True, nogil=True)
def run_rejection(seeds, tables, n, accept, out, begin, end):
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    tables : EdgeTables
    n : int
        Number of particles N.
    accept : Acceptance
    out : RejectionOutputs
        Filled.
    begin, end : int
        Which runs.
    """
    horizon, stride = tables.cell_start.size, 4 * tables.n_actions
    size, crowd = np.float64(tables.n_actions), np.float64(n)
    keep_tokens, keep_cloud = out.tokens.size > 0, out.cloud_states.size > 0
    keep_genealogy = out.genealogy.size > 0
    parents, children = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
    depth, width = (horizon, n) if keep_tokens else (0, 0)
    token = np.empty((depth, width), dtype=np.int32)
    parent = np.empty((depth, width), dtype=np.uint32)

    log_ratio, ratio = accept.log_ratio, accept.ratio

    for r in range(begin, end):
        if out.stuck[0] > 0:
            return
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        log_w, proposals = accept.log_root, 0
        for k in range(n):
            parents[k] = 0
        for h in range(horizon):
            mean = _log_mean(
                n, log_ratio, ratio, accept.log_top[h], accept.state_start[h], parents, stride
            )
            log_w += mean
            if mean == -np.inf:
                break
            start, cells = np.uint64(tables.cell_start[h]), tables.cells
            ceiling = accept.ceiling[h]
            for k in range(n):
                tries = 0
                while True:
                    if tries == accept.max_proposals:
                        out.stuck[0] = h + 1
                        out.log_mean[0] = mean
                        return
                    tries += 1
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    i = np.int64(to_unit(word) * crowd)
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    x = to_unit(word) * size
                    cell = np.int64(x)
                    c = start + parents[i] + (np.uint64(cell) << TWO)
                    b = TWO + np.uint64(x - np.float64(cell) >= cells[c])
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    if to_unit(word) * ceiling < cells[c + b]:
                        break
                proposals += tries
                children[k] = tables.rows[(c << ONE) + b]
                if keep_tokens:
                    token[h, k] = tables.action[(c >> ONE) + b - TWO]
                    parent[h, k] = i
                if keep_genealogy:
                    out.genealogy[r, h, k] = i if h > 0 else 0
                if keep_cloud:
                    out.cloud_states[r, h, k] = np.int64(children[k]) // stride
            parents, children = children, parents

        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3
        out.proposals[r] = proposals
        out.log_w[r] = log_w
        out.failed[r] = log_w == -np.inf
        out.states[r] = -1
        if not out.failed[r]:
            chosen = np.int64(to_unit(word) * crowd)
            out.states[r] = np.int64(parents[chosen]) // stride
            if keep_tokens:
                trace(horizon, chosen, token, parent, out.tokens[r])
