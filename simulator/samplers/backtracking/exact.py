r"""VGB (arXiv 2510.03149), the random walk on the tree of prefixes, by its transition matrix.

The walk is reversible: the edge between a prefix x and its child x a has conductance
pi_ref(x a) V^(x a), the one between the root and the state s above it V^(root). So the
stationary law is ∝ pi_ref(x) (V^(x) + S(x)), S(x) = sum_a pi_ref(a|x) V^(x a), at inner
prefixes, pi_ref(y) r(y) at leaves and V^(root) at s: given that the walk is at a leaf its law
is pi*, whatever V^ is. The tree is bipartite, so the level has the parity of the time.

The first leaf at or after a late time is another matter: by reversal its law is
∝ pi*(y) · E_y[steps until the next leaf], on average over both parities of the time. For
V^ = V* the level is a Markov chain of its own and a prefix has, given the levels so far, law
pi*_h; so the first leaf has the law pi* exactly, from any time on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.law import DEFAULT_LIMIT, ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.problem.problem import Problem
from simulator.samplers.branching.moves import step_ratios
from simulator.typing import Floats

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["Walk", "walk_law", "walk_on"]

DONE = 1e-15  # mass that is still on the way


@dataclass(frozen=True)
class Walk:
    """The walk on the prefixes of a tree, in flat order, and s behind them.

    Attributes
    ----------
    transition : (n+1, n+1) sparse array
        P(row -> column). Prefixes with V^ = 0 are never entered.
    stationary : (n+1,) array
        Its stationary law (of the part that the root reaches).
    leaves : slice
        Where the leaves are.
    """

    transition: sparse.csr_array
    stationary: Floats
    leaves: slice


def walk_on(tree: Problem) -> Walk:
    """Tabulate the walk.

    Parameters
    ----------
    tree : Problem
        With one state a prefix and no edge rewards, as `unfold` makes it, or any `is_tree`.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> walk = walk_on(reference(1))
    >>> walk.stationary.round(4).tolist()  # root, two leaves, s
    [0.5, 0.0833, 0.1667, 0.25]
    """
    e, start = tree.forward_backward.edges, tree.model.state_start
    n = int(start[-1])
    q = step_ratios(tree)
    up = 1 / (1 + q.sum(axis=1))
    used = q.ravel() > 0
    source, target = e.source[used], e.target[used]
    down = (q * up[:, None]).ravel()[used]
    parent = np.full(n, n)
    parent[target] = source
    climb = np.concatenate([up, np.ones(n - up.size)])
    rows = np.concatenate([source, np.arange(n), [n]])
    columns = np.concatenate([target, parent, [0]])
    entries = np.concatenate([down, climb, [1.0]])
    from scipy import sparse

    transition = sparse.csr_array((entries, (rows, columns)), shape=(n + 1, n + 1))
    # the edge above each prefix has conductance pi_ref V^, here as a multiple of V^(root)
    above = np.zeros(n)
    above[0] = 1.0
    for h in range(tree.horizon):
        here = slice(e.start[h], e.start[h + 1])
        child = e.target[here][used[here]]
        above[child] = (above[e.source[here]] * q.ravel()[here])[used[here]]
    weight = np.append(above, 1.0)
    weight[: up.size] /= up
    return Walk(transition, weight / weight.sum(), slice(int(start[-2]), n))


def walk_law(
    problem: Problem,
    least: int,
    *,
    first_leaf: bool,
    most: int,
    on: str = "paths",
    limit: float = DEFAULT_LIMIT,
) -> ExactLaw:
    """Compute the law of where the walk from the root is, or next meets a leaf.

    Parameters
    ----------
    least : int
        T, steps from the root.
    first_leaf : bool
        Whether to go on from there to the first leaf (the place after T steps counts).
    most : int
        A walk that meets none within so many steps, T among them, fails.
    on : {"paths", "states"}
    limit : float
        Largest number of paths, and of steps times edges.

    Returns
    -------
    ExactLaw
        Leaves out a mass of at most 1e-15 that walks on.

    Raises
    ------
    TooLargeError
        If more is needed.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> exact = walk_law(reference(1), 1, first_leaf=False, most=100)
    >>> exact.law.round(4).tolist(), exact.failure
    ([0.1667, 0.3333], 0.5)
    """
    out = outcomes(problem, on, limit, one_reward=False, whole_paths=True)
    walk = walk_on(out.tree)
    forward = walk.transition.T.tocsr()
    if float(least) * forward.nnz > limit:
        raise TooLargeError(f"exact law: {least} steps on {forward.nnz / 2:.3g} edges")
    mass: Floats = np.zeros(forward.shape[0])
    mass[0] = 1.0
    for _ in range(least):
        mass = forward @ mass
    law = mass[walk.leaves].copy()
    if first_leaf and np.isfinite(out.tree.forward_backward.log_z_alive):
        steps, mass[walk.leaves] = least, 0.0
        while steps < most and mass.sum() > DONE:
            if float(steps) * forward.nnz > limit:
                raise TooLargeError(f"exact law: {steps} steps on {forward.nnz / 2:.3g} edges")
            mass = forward @ mass
            law += mass[walk.leaves]
            mass[walk.leaves] = 0.0
            steps += 1
    law = out.gather(law)
    return ExactLaw(
        law=law,
        failure=max(0.0, 1 - float(law.sum())),
        tv=total_variation(out.target, law),
        mean_w_over_z=None,
        relative_variance=None,
        shortfall=None,
        target=out.target,
        weighted=None,
        tokens=out.tokens,
    )
