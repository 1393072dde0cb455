"""Each step of the proof of VGB's rates, on small trees and without randomness."""

import numpy as np
import pytest

from simulator.problem.families.random_tree import random_tree
from simulator.problem.unfold import unfold
from theory.claims.walk_shapes import lazy_walk, relaxation, scaled_inside
from theory.criteria import criteria

PROBLEMS = [
    *(random_tree(horizon=h, seed=s) for h in (1, 2, 3) for s in range(4)),
    *(scaled_inside(h, kappa) for h in (2, 4) for kappa in (1.0, 3.0)),
]
ROUNDING = 1e-9
every = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: f"{p.name}")


def below(problem):
    """For each prefix: which prefixes are at or below it, and the level of each."""
    tree = unfold(problem).problem
    start = tree.model.state_start
    inside = np.eye(int(start[-1]), dtype=bool)
    for h in range(tree.horizon - 1, -1, -1):
        for k in range(int(tree.model.n_states[h])):
            for a in np.flatnonzero(tree.model.probs[h][k] > 0):
                child = start[h + 1] + tree.model.next_state[h][k, a]
                inside[start[h] + k] |= inside[child]
    return inside, np.repeat(np.arange(tree.horizon + 1), tree.model.n_states)


@every
def test_little_lies_below_an_edge(problem):
    walk, kappa = lazy_walk(problem), criteria(problem).prm_accuracy
    inside, level = below(problem)
    for x in np.flatnonzero(level > 0):
        through = 2 * walk.flow[np.ix_(inside[x], ~inside[x])].sum()  # of the walk not lazy
        most = 1 + 2 * kappa**2 * (problem.horizon - level[x])
        assert walk.mass[inside[x]].sum() <= most * through * (1 + ROUNDING)


@every
def test_canonical_paths_limit_the_gap(problem):
    walk, kappa = lazy_walk(problem), criteria(problem).prm_accuracy
    inside, level = below(problem)
    common = (inside.astype(int).T @ inside.astype(int)) - 1  # level of the last common prefix
    length = level[:, None] + level[None, :] - 2 * common
    assert length.max() <= 2 * problem.horizon
    congestion = 0.0
    for x in np.flatnonzero(level > 0):
        through = 2 * walk.flow[np.ix_(inside[x], ~inside[x])].sum()
        pairs = np.outer(walk.mass[inside[x]], walk.mass[~inside[x]])
        congestion = max(
            congestion, (pairs * length[np.ix_(inside[x], ~inside[x])]).sum() / through
        )
    assert congestion <= relaxation(problem.horizon, kappa) * (1 + ROUNDING)
    assert walk.gap >= 1 / (2 * congestion) * (1 - ROUNDING)
    root = np.sqrt(walk.mass)
    assert np.linalg.eigvalsh(walk.flow / np.outer(root, root))[0] >= -ROUNDING


@every
def test_given_a_leaf_the_error_is_below_the_distance(problem):
    walk, target = lazy_walk(problem), unfold(problem).problem.target[-1]
    step = walk.flow / walk.mass[:, None]
    for time in (problem.horizon, 2 * problem.horizon, 20):
        law = np.linalg.matrix_power(step, time)[0]
        distance = np.sqrt((walk.mass * (law / walk.mass - 1) ** 2).sum())
        assert distance <= (1 - walk.gap) ** time / np.sqrt(walk.mass[0]) + ROUNDING
        error = np.maximum(target - walk.given_leaf(time), 0).sum()
        assert error <= distance / np.sqrt(walk.at_leaves) + ROUNDING
