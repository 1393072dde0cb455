"""Extremes and means over the edges into each level, in one pass that writes no edge down."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np

from simulator.problem.tables import Tables, read_only
from simulator.streams.threads import spread
from simulator.typing import Bools, Floats

__all__ = ["EdgeLevels", "edge_levels"]


class EdgeLevels(NamedTuple):
    """Of the edges (x, x') that pi_ref takes into levels 1..H, arrays of shape (H,).

    Attributes
    ----------
    log_value_step, log_prm_step : arrays
        Largest log V*(x')/V*(x) where x counts as on the target, and largest log V^(x')/V^(x) where
        x counts as alive; -inf where none does. Edge rewards are part of a step.
    log_least_pair, log_most_pair : arrays
        Least and largest log V*(x')/V^(x) over alive x; inf and -inf where none is.
    least_mean, most_mean : arrays
        Least and largest E_ref[V^(x')]/V^(x) over alive x; inf and 0 where none is.
    squared_gap : array
        Sum over alive x of mass(x) E_ref[(e^scale V*(x')/V^(x) - 1)^2].
    """

    log_value_step: Floats
    log_prm_step: Floats
    log_least_pair: Floats
    log_most_pair: Floats
    least_mean: Floats
    most_mean: Floats
    squared_gap: Floats


def edge_levels(
    tables: Tables, log_value: Floats, log_prm: Floats, on_target: Bools, alive: Bools,
    log_mass: Floats, scale: Floats,
) -> EdgeLevels:  # fmt: skip
    """Pass once over all edges; if they are many, on all threads.

    Parameters
    ----------
    tables : Tables
        Of the problem.
    log_value, log_prm : (n,) arrays
        log V* and log V^ of all states.
    on_target, alive : (n,) bool arrays
        Parents that count; V* > 0 on the one, V^ > 0 on the other.
    log_mass : (n,) array
        Log of the weight of each state in the last sum.
    scale : (H,) array
        Of the levels 0..H-1.

    Returns
    -------
    EdgeLevels
        The same whatever the number of threads.
    """
    from simulator.problem import edge_passes_kernel as kernel

    t, start = tables, tables.state_start
    out = np.empty((t.table_start.size, len(EdgeLevels._fields)))
    if not t.many:
        kernel.every_level(
            *t.args, t.prob, t.plain, log_value, log_prm, on_target, alive, log_mass, scale, out
        )
        return EdgeLevels(*read_only(out).T)
    widest = int(np.diff(start).max())
    rows, column = np.empty((widest, 2)), np.empty(widest)
    kept = np.empty((widest, kernel.COLUMNS))
    for h in range(t.table_start.size):
        here, above = slice(start[h], start[h + 1]), slice(start[h + 1], start[h + 2])
        *tops, whole = kernel.children(log_value[above], log_prm[above], column, rows)
        size = int(start[h + 1] - start[h])
        part = partial(
            kernel.level, t.n_actions, t.table_start[h], t.log_prob, t.next_state,
            t.factor_start[h], t.log_factor, t.prob, t.plain, log_value[here], log_prm[here],
            on_target[here], alive[here], scale[h], log_value[above],
            log_prm[above], rows, *tops, not whole, kept,
        )  # fmt: skip
        spread(part, size, float(size) * t.n_actions, None)
        kernel.summary(kept, on_target[here], alive[here], log_mass[here], out[h])
    return EdgeLevels(*read_only(out).T)
