"""VGB (arXiv 2510.03149), the random walk on the tree of prefixes: many runs in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.samplers.branching.moves_kernel import draw_move
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["AT_LEAF", "AT_STEP", "AT_VISIT", "WalkOutputs", "run_walk", "stop_code"]

AT_LEAF, AT_STEP, AT_VISIT = 0, 1, 2  # when a walk stops


class WalkOutputs(NamedTuple):
    """Arrays to fill.

    Attributes
    ----------
    states, leaves : (R,) int arrays
        Terminal state of the output, -1 for failure, and how many leaves were entered.
    entered : (R,) int array
        Visits of prefixes that are no leaves, counted when entered from the parent.
    tokens : (R, H) int32 array
        Path of the output; of size zero if it is not asked for.
    """

    states: npt.NDArray[np.int64]
    leaves: npt.NDArray[np.int64]
    entered: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]


@njit(cache=True, nogil=True)
def run_walk(seeds, tables, stop, least, max_steps, out, begin, end):
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    tables : MoveTables
    stop : int
        `AT_LEAF`: at the first leaf after `least` steps or more. `AT_STEP`: after `least`
        steps. `AT_VISIT`: after `least` returns to the state s above the root.
    least : int
    max_steps : int
        A walk that has not stopped after so many steps fails.
    out : WalkOutputs
        Filled.
    begin, end : int
        Which runs.
    """
    n_actions, horizon = tables.below.shape[1], tables.table_start.size
    state, token = np.zeros(horizon + 1, dtype=np.int64), np.empty(horizon, dtype=np.int32)
    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        out.states[r], out.leaves[r] = -1, 0
        h = -1 if stop == AT_VISIT else 0  # level; -1 is s
        out.entered[r] = h + 1
        steps, returns = 0, 0
        while True:
            if stop == AT_VISIT:
                if returns == least:
                    break
            elif steps >= least and (stop == AT_STEP or h == horizon):
                if h == horizon:
                    out.states[r] = state[h]
                    if out.tokens.size > 0:
                        out.tokens[r] = token
                break
            if steps == max_steps:
                out.states[r] = -1
                break
            steps += 1
            if h == horizon:
                h -= 1
                continue
            if h == -1:
                h = 0
                out.entered[r] += 1
                continue
            word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
            a = draw_move(tables.below[tables.state_start[h] + state[h]], to_unit(word))
            if a == n_actions:
                h -= 1
                returns += h == -1
                continue
            state[h + 1] = tables.next_state[tables.table_start[h] + state[h] * n_actions + a]
            token[h] = a
            h += 1
            if h < horizon:
                out.entered[r] += 1
                continue
            out.leaves[r] += 1
            if stop == AT_VISIT:  # each leaf replaces the last choice with probability 1/count
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                if to_unit(word) * out.leaves[r] < 1.0:
                    out.states[r] = state[h]
                    if out.tokens.size > 0:
                        out.tokens[r] = token
        if out.states[r] < 0 and out.tokens.size > 0:
            out.tokens[r] = -1
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3


def stop_code(stop: str, hopeless: bool) -> int:
    """Return the kernel's code of when to stop: without a leaf in reach, at T.

    Parameters
    ----------
    stop : {"leaf", "steps", "visits"}
        As in `Backtracking`.
    hopeless : bool
        Whether V^ leaves no leaf in reach.
    """
    if stop == "leaf" and hopeless:
        return AT_STEP
    return {"leaf": AT_LEAF, "steps": AT_STEP, "visits": AT_VISIT}[stop]
