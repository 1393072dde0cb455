"""The packed edges as other implementations read them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.samplers.smc.edge_tables import edge_tables

__all__ = ["EdgeList", "Rival", "edge_list"]


class Rival(Protocol):
    """SMC on one problem, ready to be timed."""

    def __call__(self, n_runs: int, seed: int) -> npt.NDArray[np.float64]:
        """Return log W^_H of independent runs, shape (R,)."""
        ...


class EdgeList(NamedTuple):
    """`EdgeTables` with logarithms; outcome j of level h is at ``weights[h] + j`` and so on."""

    n_actions: int
    cells: npt.NDArray[np.int64]
    weights: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    next_state: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    log_weight: npt.NDArray[np.float64]
    log_root: float


def edge_list(problem: Problem) -> EdgeList:
    """Unpack the tables of a problem whose weights need no scaling."""
    t = edge_tables(problem)
    assert not t.log_scale.any()
    with np.errstate(divide="ignore"):
        weight = t.weight.ravel()
        log_weight = np.log(weight)
    cells = t.cell_start // 4
    return EdgeList(
        t.n_actions, cells, 2 * cells, t.threshold.copy(), t.next_state.ravel(), weight,
        log_weight, float(problem.log_prm_flat[0]),
    )  # fmt: skip
