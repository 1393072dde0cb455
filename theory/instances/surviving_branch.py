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

__all__ = ["branch_law", "branch_steps"]

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
    0.1175 0.8648
    """
    if n_particles < 1:
        raise InputError(f"n_particles: {n_particles}, but at least 1 is needed")
    steps = branch_steps(problem)
    law = np.zeros(n_particles + 1)  # of the number in the branch, after resampling
    law[-1] = 1.0
    for h, step in enumerate(steps):
        fork = h == 0  # at the root nobody is in the quiet state yet, and nobody dies
        if h == len(steps) - 1:
            branch, alive = _shares(n_particles, *step, fork)
            return float(law @ branch), float(law @ (alive - branch))
        law = law @ _transition(n_particles, *step, fork)
    raise AssertionError("a problem has a level")


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


def _survivors(n: int, chance: float) -> Floats:
    """P(k of m go on), a row for each m = 0..N, k up to where no more are to be expected."""
    from scipy.stats import binom

    most = n
    while most > 0 and binom.sf(most - 1, n, chance) < NEGLIGIBLE:
        most = most // 2
    k = np.arange(min(n, 2 * most + 1) + 1)
    return np.asarray(binom.pmf(k[None], np.arange(n + 1)[:, None], chance))


def _weighted(n: int, chance: float, ratio: float, fork: bool) -> tuple[Floats, Floats]:
    """Chance of k survivors of m, and the weighted share of the branch, -1 for a failed run."""
    chances = _survivors(n, chance)
    m, k = np.indices(chances.shape)
    quiet = n - k if fork else n - m
    total = k * ratio + quiet
    share = np.divide(k * ratio, total, out=np.full(total.shape, -1.0), where=total > 0)
    return chances, share


@lru_cache(maxsize=64)
def _shares(n: int, chance: float, ratio: float, fork: bool) -> tuple[Floats, Floats]:
    """E[share of the branch] and P(not failed), for each number in the branch before."""
    chances, share = _weighted(n, chance, ratio, fork)
    return (chances * np.maximum(share, 0)).sum(axis=1), (chances * (share >= 0)).sum(axis=1)


@lru_cache(maxsize=16)
def _transition(n: int, chance: float, ratio: float, fork: bool) -> Floats:
    """Law of the number in the branch after resampling, a row for each number before."""
    chances, share = _weighted(n, chance, ratio, fork)
    out = np.zeros((n + 1, n + 1))
    for m in [n] if fork else range(n + 1):
        ok = (share[m] >= 0) & (chances[m] > NEGLIGIBLE)
        out[m] = chances[m][ok] @ binomial_rows(n, share[m][ok])
    return out
