r"""E.1: VGB until its (N+1)-st visit to s, and SMC-IND with N particles, visit prefixes alike.

Problem: any. Algorithm: VGB and SMC-IND. Guarantee: **exact**, equal laws of the multiset of
visited prefixes (a visit counts when entered from the parent); arXiv 2603.07887v1, E.1.
Assumptions: none. Two checks: the generating functions E[prod_x z_x^visits(x)] agree, that of VGB
by one linear system over the walk's transition matrix, that of SMC-IND by those of its offspring;
and on common lists of moves both visit the same multiset in every run.

>>> print(walk_coupling.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.backtracking.coupling import coupling_table
from simulator.samplers.backtracking.exact import walk_on
from simulator.samplers.branching.moves import step_ratios
from simulator.typing import Floats
from theory.claim import Evidence, claim, row, weigh

__all__ = ["branching_function", "walk_coupling", "walk_function"]


def walk_function(tree: Problem, n: int, z: Floats) -> float:
    """Return E[prod_x z_x^visits(x)] of VGB until its n-th return to s.

    Each return starts afresh. With u(x) the mean of the product still to come in this excursion,
    u(x) = sum_child P(x, c) z_c u(c) + P(x, parent) u(parent), and u(s) = 1.

    Parameters
    ----------
    tree : Problem
        A tree.
    n : int
        N.
    z : (S,) array
        One number a prefix.

    Examples
    --------
    >>> round(walk_function(reference(1), 2, np.array([1.0, 0.5, 0.5])), 12)
    0.444444444444
    """
    step = walk_on(tree).transition.toarray()
    size = z.size
    level = np.repeat(np.arange(tree.horizon + 1), tree.model.n_states)
    down = level[None, :] > level[:, None]
    inner = step[:size, :size] * np.where(down, z[None, :], 1.0)
    u = np.linalg.solve(np.eye(size) - inner, step[:size, size])
    return float((z[0] * u[0]) ** n)


def branching_function(tree: Problem, n: int, z: Floats) -> float:
    """Return E[prod_x z_x^particles(x)] of SMC-IND: F_x = z_x/(1 + sum_a q_a (1 - F_{xa})).

    Parameters
    ----------
    tree : Problem
        A tree.
    n : int
        N.
    z : (S,) array
        One number a prefix.

    Examples
    --------
    >>> branching_function(reference(1), 2, np.array([1.0, 0.5, 0.5]))
    0.4444444444444444
    """
    q, start = step_ratios(tree), tree.model.state_start
    f = z[start[-2] :]
    for h in range(tree.horizon - 1, -1, -1):
        here = slice(start[h], start[h + 1])
        f = z[here] / (1 + (q[here] * (1 - f[tree.model.next_state[h]])).sum(axis=1))
    return float(f[0] ** n)


@claim(
    id="E.1",
    title="VGB and SMC-IND visit prefixes alike",
    reference="arXiv 2603.07887v1, E.1",
    kind="exact",
    statement=(
        "the prefixes that VGB enters until its (N+1)-st visit to s have the law of all particles "
        "of SMC-IND started with N"
    ),
    latex=r"the prefixes that VGB enters until its $(N+1)$-st visit to $s$ have the law of all "
    r"particles of SMC-IND started with $N$",
)
def walk_coupling(thorough: bool) -> Evidence:
    """Compare generating functions at random points, and coupled runs visit by visit."""
    rng = np.random.default_rng(0)
    trees = [random_tree(horizon=4, seed=s, zero_rewards=0.3) for s in range(20 if thorough else 3)]
    rows, visits = [], 0
    for problem in [reference(3), *trees]:
        tree = unfold(problem).problem
        for n in (1, 3):
            for point in range(3):
                z = rng.uniform(0.2, 1.0, int(tree.model.state_start[-1]))
                left, right = (f(tree, n, z) for f in (walk_function, branching_function))
                text = f"generating function, N = {n}, point {point}"
                rows.append(row(problem.name, text, left, "=", right))
            table = coupling_table(problem, n, 1000 if thorough else 50, rng=n)
            visits += sum(int(r["visits"]) for r in table)
            apart = sum(not r["equal"] for r in table)
            rows.append(row(problem.name, f"coupled runs that differ, N = {n}", apart, "=", 0))
    return weigh(
        rows, f"Generating functions agree to rounding, coupled runs in all {visits} visits."
    )
