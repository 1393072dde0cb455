"""SMC-IND (arXiv 2603.07887, algorithm 4) level by level: many runs in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.samplers.branching.moves_kernel import draw_move
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["BranchingOutputs", "run_branching"]


class BranchingOutputs(NamedTuple):
    """Arrays to fill.

    Attributes
    ----------
    states, leaves : (R,) int arrays
        Terminal state of the output, -1 for failure, and how many leaves were reached.
    expanded : (R,) int array
        Particles whose children were drawn.
    tokens : (R, H) int32 array
        Path of the output; of size zero if it is not asked for.
    """

    states: npt.NDArray[np.int64]
    leaves: npt.NDArray[np.int64]
    expanded: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def _longer(x, size):
    out = np.empty(size, dtype=x.dtype)
    out[: x.size] = x
    return out


@njit(cache=True, nogil=True)
def run_branching(seeds, tables, n_particles, max_particles, out, begin, end):
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    tables : MoveTables
    n_particles : int
        Particles at the root.
    max_particles : int
        A run that makes more than so many particles below the root fails there.
    out : BranchingOutputs
        Filled.
    begin, end : int
        Which runs.
    """
    n_actions, horizon = tables.below.shape[1], tables.table_start.size
    size = min(max_particles, 4 * n_particles * (horizon + 1))
    state = np.empty(size, dtype=np.int64)
    parent, token = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int32)
    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        out.states[r], out.leaves[r], out.expanded[r] = -1, 0, 0
        first, last = 0, 0  # particles of the present level; those of the root are not stored
        made = 0
        failed = False
        for h in range(horizon):
            first, last = last, made
            count = n_particles if h == 0 else last - first
            for k in range(count):
                here = 0 if h == 0 else state[first + k]
                row = tables.below[tables.state_start[h] + here]
                out.expanded[r] += 1
                while True:
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    a = draw_move(row, to_unit(word))
                    if a == n_actions:
                        break
                    if made == max_particles:
                        failed = True
                        break
                    if made == state.size:
                        size = min(max_particles, 2 * made)
                        state, parent, token = (
                            _longer(state, size), _longer(parent, size), _longer(token, size),
                        )  # fmt: skip
                    state[made] = tables.next_state[tables.table_start[h] + here * n_actions + a]
                    parent[made] = first + k
                    token[made] = a
                    made += 1
                if failed:
                    break
            if failed:
                break
        first, last = last, made
        if not failed and last > first:
            out.leaves[r] = last - first
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            k = first + min(np.int64(to_unit(word) * (last - first)), last - first - 1)
            out.states[r] = state[k]
            if out.tokens.size > 0:
                for h in range(horizon - 1, -1, -1):
                    out.tokens[r, h] = token[k]
                    k = parent[k]
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3
