"""Kernel of the filter that holds both labels; see `simulator.samplers.time_sharing.sampler`."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.streams.xoshiro import next_word, to_unit

__all__ = ["run_time_sharing"]


@njit(cache=True, nogil=True)
def run_time_sharing(
    seeds, kinds, closes, late, bits, theta, share, n, most_open, keep, tokens, evaluations, calls,
    begin, end,
):  # fmt: skip
    """Do the runs ``begin..end-1``, one after the other.

    Parameters
    ----------
    seeds : (R, 4) uint64 array
        State of each run's generator.
    kinds, closes : (H,) int and bool arrays
        As `simulator.problem.families.hidden_labels.schedule` gives them.
    late : (H,) int array
        Hidden bit of the label that the level closes.
    bits : (H,) int array
        Hidden bit of each level.
    theta, share : float
    n : int
        N.
    most_open : int
        Largest number of open labels.
    keep : bool
        Whether `tokens` is to be filled.
    tokens : (R, H) int32 array
        Filled with the output's path.
    evaluations, calls : (R,) int arrays
        Filled.
    begin, end : int
    """
    horizon = kinds.size
    depth_of_trace = horizon if keep else 1
    token = np.empty((depth_of_trace, n), dtype=np.int8)
    parent = np.empty((depth_of_trace, n), dtype=np.int32)
    string, kept = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    new_string = np.empty(n, dtype=np.int64)
    portion = np.zeros(most_open + 1)
    for r in range(begin, end):
        s0, s1, s2, s3 = seeds[r, 0], seeds[r, 1], seeds[r, 2], seeds[r, 3]
        held, opened = 1, 0
        string[0] = 0
        asked, called = 0, 0
        for h in range(horizon):
            called += held
            asked += held
            m = 0
            if closes[h]:
                opened -= 1
                q = portion[opened]
                i = 0
                while i < held:
                    chosen = i
                    if i + 1 < held and string[i] >> 1 == string[i + 1] >> 1:
                        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                        good = to_unit(word) * 2 * q < theta + q
                        if ((string[i] & 1) == late[h]) != good:
                            chosen = i + 1
                        i += 1
                    i += 1
                    kept[m] = chosen
                    new_string[m] = string[chosen] >> 1
                    m += 1
                asked -= held - m
            else:
                for i in range(held):
                    kept[i] = i
                    new_string[i] = string[i]
                m = held
            row = h if keep else 0
            if kinds[h] == 1:
                both = min(m * share, float(n - m))
                portion[opened] = both / m
                opened += 1
                word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                u = to_unit(word)
                held = 0
                for i in range(m):
                    double = np.floor(both * (i + 1) / m + u) > np.floor(both * i / m + u)
                    if double and held + 2 + (m - 1 - i) <= n:
                        for label in range(2):
                            string[held] = 2 * new_string[i] + label
                            token[row, held] = label
                            parent[row, held] = kept[i]
                            held += 1
                    else:
                        word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                        label = np.int64(to_unit(word) * 2)
                        string[held] = 2 * new_string[i] + label
                        token[row, held] = label
                        parent[row, held] = kept[i]
                        held += 1
                asked += held - m
            else:
                for i in range(m):
                    word, s0, s1, s2, s3 = next_word(s0, s1, s2, s3)
                    label = np.int64(to_unit(word) * 2)
                    if kinds[h] == 2:
                        good = to_unit(word) * 2 < 1 + theta
                        label = bits[h] if good else 1 - bits[h]
                    string[i] = new_string[i]
                    token[row, i] = label
                    parent[row, i] = kept[i]
                held = m
        evaluations[r], calls[r] = asked, called
        if keep:
            place = 0
            for h in range(horizon - 1, -1, -1):
                tokens[r, h] = token[h, place]
                place = parent[h, place]
