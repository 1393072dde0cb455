"""Quasi-SMC on packed tables: many runs in one call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from simulator.samplers.quasi.codes import STATE, TOKEN
from simulator.samplers.quasi.rules_kernel import settle
from simulator.samplers.smc.kernel import trace
from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["QuasiOutputs", "run_quasi"]


class QuasiOutputs(NamedTuple):
    """Arrays to fill; an array of size zero is not asked for.

    Attributes
    ----------
    states, log_w, failed, evaluations, calls : (R,) arrays
    tokens : (R, H) int32 array
    genealogy : (R, H, N) int32 array
    cloud_states : (R, H, N) int64 array
    cloud_log_weights : (R, H, N) array
    """

    states: npt.NDArray[np.int64]
    log_w: npt.NDArray[np.float64]
    failed: npt.NDArray[np.bool_]
    evaluations: npt.NDArray[np.int64]
    calls: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int32]
    genealogy: npt.NDArray[np.int32]
    cloud_states: npt.NDArray[np.int64]
    cloud_log_weights: npt.NDArray[np.float64]


@njit(cache=True, nogil=True)
def _line_up(order, count, n_actions, state, weight, prob, first, place, q, owner):
    """List the cells of a cloud in order; return how many are not empty.

    ``owner[c]`` is place in the cloud times A plus token, ``prob[first:]`` the level's table, and
    `place` is scratch.
    """
    cells = 0
    if order == TOKEN:
        for a in range(n_actions):
            for k in range(count):
                mass = weight[k] * prob[first + state[k] * n_actions + a]
                if mass > 0.0:
                    q[cells], owner[cells] = mass, k * n_actions + a
                    cells += 1
        return cells
    in_order = True
    for k in range(count):
        place[k] = k
        in_order &= k == 0 or state[k - 1] <= state[k]
    if order == STATE and not in_order:
        place[:count] = np.argsort(state[:count], kind="mergesort")
    begin = 0
    while begin < count:
        end = begin + 1  # of the prefixes whose cells are mixed
        if order == STATE:
            while end < count and state[place[end]] == state[place[begin]]:
                end += 1
        for a in range(n_actions):
            for i in range(begin, end):
                k = place[i]
                mass = weight[k] * prob[first + state[k] * n_actions + a]
                if mass > 0.0:
                    q[cells], owner[cells] = mass, k * n_actions + a
                    cells += 1
        begin = end
    return cells


@njit(cache=True, nogil=True)
def run_quasi(
    seeds, rule, order, n, n_actions, state_start, table_start, prob, next_state, factor_start,
    log_factor, log_prm, out, begin, end,
):  # fmt: skip
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator; left where the run left it.
    rule, order : int
        Of `simulator.samplers.quasi.codes`.
    n : int
        Number of particles N.
    n_actions, state_start, table_start, prob, next_state, factor_start, log_factor
        Of `simulator.problem.forward_backward.Tables`, with pi_ref itself.
    log_prm : (n_states,) array
        log V^ of the flat states.
    out : QuasiOutputs
        Filled.
    begin, end : int
        Which runs.
    """
    horizon = table_start.size
    keep_tokens, keep_cloud = out.tokens.size > 0, out.cloud_states.size > 0
    keep_genealogy = out.genealogy.size > 0
    state, weight = np.empty(n, dtype=np.int64), np.empty(n)
    child, log_child = np.empty(n, dtype=np.int64), np.empty(n)
    q, mass, ends = np.empty(n * n_actions), np.empty(n * n_actions), np.empty(n * n_actions)
    owner, line = np.empty(n * n_actions, dtype=np.int64), np.empty(n, dtype=np.int64)
    depth, width = (horizon, n) if keep_tokens else (0, 0)
    token = np.empty((depth, width), dtype=np.int32)
    parent = np.empty((depth, width), dtype=np.uint32)
    place = np.empty(n, dtype=np.int32)  # of the cloud's prefixes among the cells that were picked
    unit = 1.0 / n
    log_unit = np.log(unit)

    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        log_w, evaluations, calls = log_prm[0], 0, 0
        count, state[0], weight[0], place[0] = 1, 0, 1.0, 0
        for h in range(horizon):
            calls += count
            cells = _line_up(
                order, count, n_actions, state, weight, prob, table_start[h], line, q, owner
            )
            s0, s1, s2, s3 = settle(rule, q, cells, n, mass, ends, s0, s1, s2, s3)
            picked, top = 0, -np.inf
            for c in range(cells):
                if not mass[c] > 0.0:
                    continue
                k = owner[c] // n_actions
                a = owner[c] - k * n_actions
                edge = state[k] * n_actions + a
                child[picked] = next_state[table_start[h] + edge]
                gain = log_factor[factor_start[h] + edge]
                gain += log_prm[state_start[h + 1] + child[picked]]
                gain -= log_prm[state_start[h] + state[k]]
                log_mass = log_unit if mass[c] == unit else np.log(mass[c])
                log_child[picked] = log_mass + gain
                top = max(top, log_child[picked])
                if keep_tokens:
                    token[h, picked], parent[h, picked] = a, k
                if keep_genealogy:
                    out.genealogy[r, h, picked] = place[k]
                if keep_cloud:
                    out.cloud_states[r, h, picked] = child[picked]
                    out.cloud_log_weights[r, h, picked] = log_child[picked]
                picked += 1
            evaluations += picked
            if top == -np.inf:
                log_w = top
                break
            total = 0.0
            count = 0
            for k in range(picked):
                if log_child[k] == -np.inf:
                    continue
                weight[count], state[count] = np.exp(log_child[k] - top), child[k]
                place[count] = k
                total += weight[count]
                if keep_tokens:
                    token[h, count], parent[h, count] = token[h, k], parent[h, k]
                count += 1
            for k in range(count):
                weight[k] /= total
            log_w += top + np.log(total)

        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
        seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3] = s0, s1, s2, s3
        out.evaluations[r], out.calls[r] = evaluations, calls
        out.log_w[r] = log_w
        out.failed[r] = log_w == -np.inf
        out.states[r] = -1
        if not out.failed[r]:
            u, chosen, sum_up = to_unit(word), 0, weight[0]
            while chosen < count - 1 and sum_up <= u:
                chosen += 1
                sum_up += weight[chosen]
            out.states[r] = state[chosen]
            if keep_tokens:
                trace(horizon, chosen, token, parent, out.tokens[r])
