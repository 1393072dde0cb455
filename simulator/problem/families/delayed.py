"""Trees whose PRM is one step late."""

from __future__ import annotations

from simulator.problem.families.random_tree import random_tree
from simulator.problem.problem import Problem

__all__ = ["delayed"]


def delayed(
    n_actions: int = 2, horizon: int = 4, seed: int = 0, concentration: float = 1.0
) -> Problem:
    """Return a random tree with V^(y_1:h) = V*(y_1:h-1) for 1 <= h < H.

    The same tree as `random_tree` with the same arguments, judged by a
    `simulator.problem.prms.DelayedPRM`: the weight of level h tells the quality of token h-1. One
    particle then draws all tokens but the last from pi_ref (arXiv 2510.03149); many
    particles repair it by resampling one step later.

    Parameters
    ----------
    n_actions, horizon : int, optional
        A >= 1 and H >= 1.
    seed : int, optional
        Of pi_ref and the rewards.
    concentration : float, optional
        Of the Dirichlet rows.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        If an argument is out of range.

    Examples
    --------
    >>> problem = delayed(horizon=3)
    >>> bool(problem.prm[2][0] == problem.value[1][0])
    True
    """
    problem = random_tree(n_actions, horizon, seed, concentration=concentration, prm="delayed")
    problem.name = f"delayed:n_actions={n_actions},horizon={horizon},seed={seed}"
    return problem
