"""The states and edges that token paths go through, as positions in the flat tables."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.typing import Ints

__all__ = ["path_edges"]


def path_edges(model: TabularModel, tokens: npt.ArrayLike) -> tuple[Ints, Ints]:
    """Follow token paths through a model.

    Parameters
    ----------
    model : TabularModel
        The base model.
    tokens : (P, H) int array
        Token paths.

    Returns
    -------
    states : (P, H+1) int array
        Positions in the flat order of states.
    edges : (P, H) int array
        Positions in the flat order (level, state, action) of edges.

    Raises
    ------
    InputError
        If the tokens do not fit the model.

    Examples
    --------
    >>> model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    >>> states, edges = path_edges(model, [[1, 0]])
    >>> states.tolist(), edges.tolist()
    ([[0, 2, 5]], [[1, 4]])
    """
    a = model.n_actions
    paths = np.asarray(tokens, dtype=np.int64)
    if paths.ndim != 2 or paths.shape[1] != model.horizon:
        raise InputError(f"tokens: shape {paths.shape}, but (P, {model.horizon}) is needed")
    if paths.size and not (paths.min() >= 0 and paths.max() < a):
        raise InputError(f"tokens: not all between 0 and {a - 1}")
    states = np.zeros((paths.shape[0], model.horizon + 1), dtype=np.int64)
    local = np.zeros(paths.shape[0], dtype=np.int64)
    for h in range(model.horizon):
        local = model.next_state[h][local, paths[:, h]]
        states[:, h + 1] = model.state_start[h + 1] + local
    return states, states[:, :-1] * a + paths
