"""Exact law of SMC at any horizon where a branch that loses particles stands beside a quiet one.

At each level of `rare_path` and `all_or_nothing` a particle of the branch (state 1) goes on with
probability p_h and a weight that is r_h times that of the quiet state (state 0), or is dead. With
multinomial resampling at every level the number of particles in the branch is a Markov chain.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from simulator.errors import InputError
from simulator.exact.lumped import binomial_rows
from simulator.problem.problem import Problem
from simulator.typing import Floats

__all__ = ["branch_error", "branch_law", "branch_steps"]

FAMILIES = ("rare-path", "all-or-nothing")
NEGLIGIBLE = 1e-22


def branch_law(problem: Problem, n_particles: int) -> tuple[float, float]:
    """Return the chances that SMC outputs the path of the branch, and that of the quiet state.

    Parameters
    ----------
    problem : Problem
        Of the family "rare-path" or "all-or-nothing".
    n_particles : int
        N, with multinomial resampling at every level.

    Returns
    -------
    branch, quiet : float
        What they lack of 1 is the probability that all particles die.

    Raises
    ------
    InputError
        If the problem is of another family, or N < 1.

    Examples
    --------
    >>> from simulator.problem.families.all_or_nothing import all_or_nothing
    >>> branch, quiet = branch_law(all_or_nothing(horizon=64, ratio=4.0), 16)
    >>> print(f"{branch:.4f} {quiet:.4f}")
    0.1234 0.7865
    """
    if n_particles < 1:
        raise InputError(f"n_particles: {n_particles}, but at least 1 is needed")
    *steps, last = branch_steps(problem)
    law = np.ones(1)  # of the number in the branch after resampling; at the root it is N
    for step in steps:
        law = law @ _transition(n_particles, *step, law.size == 1)
    branch, quiet = _shares(n_particles, *last, law.size == 1)
    return float(law @ branch), float(law @ quiet)


def branch_error(problem: Problem, n_particles: int) -> float:
    """Return D_TV of SMC on such an instance; both of its paths count, and failure.

    Parameters
    ----------
    problem : Problem
        Of the family "rare-path" or "all-or-nothing".
    n_particles : int
        N, with multinomial resampling at every level.

    Returns
    -------
    float

    Raises
    ------
    InputError
        As `branch_law`.

    Examples
    --------
    >>> from simulator.problem.families.rare_path import rare_path
    >>> print(f"{branch_error(rare_path(8192, 2), 8192):.6f}")
    0.001051
    """
    output = np.array(branch_law(problem, n_particles)[::-1])
    return float(np.maximum(problem.target[-1] - output, 0).sum())


def branch_steps(problem: Problem) -> list[tuple[float, float]]:
    """Return (p_h, r_h) of levels 1, ..., H: the chance to go on, and the ratio of weights.

    Parameters
    ----------
    problem : Problem
        Of the family "rare-path" or "all-or-nothing".

    Returns
    -------
    list of (float, float)

    Raises
    ------
    InputError
        If the problem is of another family.

    Examples
    --------
    >>> from simulator.problem.families.all_or_nothing import all_or_nothing
    >>> branch_steps(all_or_nothing(horizon=3, ratio=4.0))
    [(0.5, 1.0), (0.25, 4.0), (0.25, 4.0)]
    """
    if problem.instance is None or problem.instance.family not in FAMILIES:
        raise InputError(f"branch: needs a problem of the family {' or '.join(FAMILIES)}")
    steps = []
    edges = problem.edge_reward or [None] * problem.horizon
    before = 0.0
    for h, (probs, edge) in enumerate(zip(problem.model.probs, edges, strict=True), start=1):
        ahead = problem.log_prm_flat[2 * h] - problem.log_prm_flat[2 * h - 1]
        gain = 1.0 if edge is None else float(edge[1, 1] / edge[0, 0])
        steps.append((float(probs[-1, 1]), gain * float(np.exp(ahead - before))))
        before = ahead
    return steps


def _weighted(n: int, chance: float, ratio: float, fork: bool) -> tuple[Floats, Floats]:
    """Chances of k survivors of m, and their weighted shares, -1 for a failed run.

    A row for each m = 0..N, with k up to where no more are to be expected; at the fork nobody is
    in the quiet state yet and nobody dies, and there is one row.
    """
    from scipy.stats import binom

    most = n
    while binom.sf(most // 2, n, chance) < NEGLIGIBLE and most > 0:
        most //= 2
    m, k = np.meshgrid([n] if fork else np.arange(n + 1), np.arange(most + 1), indexing="ij")
    quiet = n - k if fork else n - m
    total = k * ratio + quiet
    share = np.divide(k * ratio, total, out=np.full(total.shape, -1.0), where=total > 0)
    return np.asarray(binom.pmf(k, m, chance)), share


@lru_cache(maxsize=64)
def _shares(n: int, chance: float, ratio: float, fork: bool) -> tuple[Floats, Floats]:
    """Mean shares of the branch and of the quiet state, for each number in the branch before."""
    chances, share = _weighted(n, chance, ratio, fork)
    chances[share < 0] = 0.0
    return (chances * share).sum(axis=1), (chances * (1 - share)).sum(axis=1)


@lru_cache(maxsize=16)
def _transition(n: int, chance: float, ratio: float, fork: bool) -> Floats:
    """Law of the number in the branch after resampling, a row for each number before."""
    rows = []
    for chances, share in zip(*_weighted(n, chance, ratio, fork), strict=True):
        ok = (share >= 0) & (chances > NEGLIGIBLE)
        rows.append(chances[ok] @ binomial_rows(n, share[ok]))
    return np.array(rows)
