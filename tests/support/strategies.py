"""Random small problems for hypothesis: sparse, zero, biased, lossy, on trees and shared states."""

from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

RESAMPLING = ("multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single")


def _row(draw, width):
    """Integer weights, so that rows are sparse and ties are common."""
    row = draw(st.lists(st.integers(0, 4), min_size=width, max_size=width))
    if not any(row):
        row[draw(st.integers(0, width - 1))] = 1
    return [x / sum(row) for x in row]


def _table(draw, rows, width):
    return [_row(draw, width) for _ in range(rows)]


@st.composite
def models(draw, *, max_leaves=32, tree=None, max_horizon=5):
    """Trees, or automata whose states are shared; 2 or 3 tokens."""
    a = draw(st.integers(2, 3))
    longest = 1
    while longest < max_horizon and a ** (longest + 1) <= max_leaves:
        longest += 1
    horizon = draw(st.integers(1, longest))
    if tree is None:
        tree = draw(st.booleans())
    if tree:
        return TabularModel.tree([_table(draw, a**h, a) for h in range(horizon)])
    sizes = [1] + [draw(st.integers(1, 3)) for _ in range(horizon)]
    probs = [_table(draw, n, a) for n in sizes[:-1]]
    moves = [
        [[draw(st.integers(0, to - 1)) for _ in range(a)] for _ in range(n)]
        for n, to in pairwise(sizes)
    ]
    return TabularModel(probs, moves, n_terminal=sizes[-1])


def _reachable(model):
    here = np.array([True])
    for h, (p, nxt) in enumerate(zip(model.probs, model.next_state, strict=True)):
        there = np.zeros(model.n_states[h + 1], dtype=bool)
        there[nxt[(p > 0) & here[:, None]]] = True
        here = there
    return np.flatnonzero(here)


@st.composite
def problems(draw, *, max_leaves=32, tree=None, max_horizon=5, lossy=None, edges=None, prm=None):
    """Problems with a perfect, biased or lossy PRM.

    `prm`: "perfect" (V* at any scale), "biased" (V^ > 0 exactly where V* > 0, or also where
    V* = 0), "lossy" (V^ may be 0 where V* > 0), or None for any of them. `lossy=False` leaves
    the last kind out. `edges`: edge rewards on or off.
    """
    model = draw(models(max_leaves=max_leaves, tree=tree, max_horizon=max_horizon))
    reward = np.array(draw(_numbers(int(model.n_states[-1]), zero=True)))
    reach = _reachable(model)
    if not (reward[reach] > 0).any():
        reward[reach[0]] = 1.0
    edge_reward = None
    if edges or (edges is None and not model_is_tree(model) and draw(st.booleans())):
        edge_reward = [
            np.array(draw(_numbers(p.size, zero=False))).reshape(p.shape) for p in model.probs
        ]
    exact = Problem(model, reward, "exact", edge_reward=edge_reward)
    kinds = ["perfect", "biased", "lossy"] if lossy is None else ["perfect", "biased"]
    if lossy:
        kinds = ["lossy"]
    kind = prm or draw(st.sampled_from(kinds))
    values = [v.copy() for v in exact.value]
    for h in range(model.horizon):
        if kind == "perfect":
            values[h] *= draw(st.sampled_from([0.5, 1.0, 3.0]))
            continue
        factor = np.array(draw(_numbers(values[h].size, zero=kind == "lossy" and h > 0)))
        hopeful = draw(st.booleans())  # V^ > 0 although V* = 0
        values[h] = np.where(values[h] > 0, values[h], float(hopeful)) * factor
    return Problem(model, reward, values, edge_reward=edge_reward)


def _numbers(n, *, zero):
    values = [0.0] * zero + [0.25, 0.5, 1.0, 1.5, 3.0]
    return st.lists(st.sampled_from(values), min_size=n, max_size=n)


def model_is_tree(model):
    """Whether stage h has A^h states."""
    return all(int(n) == model.n_actions**h for h, n in enumerate(model.n_states))
