"""Exact draws from the target pi*."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.problem.problem import Problem
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.streams.threads import spread
from simulator.typing import RngLike

__all__ = ["target_kernel", "target_paths", "target_paths_plain"]


def target_kernel(problem: Problem) -> npt.NDArray[np.float64]:
    """pi*(a|s) = pi_ref(a|s) V*(child)/V*(s) of all states before the last level.

    Returns
    -------
    (n_inner, A) array
        In flat order; rows of zeros where V*(s) = 0.
    """
    return problem.forward_backward.target_kernel


def target_paths(
    problem: Problem, n: int, rng: RngLike, *, first_block: int = 0
) -> npt.NDArray[np.int32]:
    """Draw token paths from pi*; path k depends on the seed and on k only.

    Parameters
    ----------
    n : int
        Number of independent paths.
    first_block : int, optional
        Start at path ``1024 * first_block``.

    Returns
    -------
    (n, H) int32 array

    Examples
    --------
    >>> from simulator.problem.families.product import product
    >>> print(f"{target_paths(product(100), 1000, 1).mean():.2f}")
    0.67
    """
    from simulator.problem.target_kernel import draw_by_rows, draw_paths

    seeds = run_seeds(rng, n, first_block)
    tokens = np.empty((n, problem.horizon), dtype=np.int32)
    t = problem.tables
    if t.many:
        value = problem.log_value_flat

        def rows(lo: int, hi: int) -> None:
            draw_by_rows(
                seeds, t.n_actions, t.state_start, t.table_start, t.log_prob, t.next_state,
                t.prob, value, tokens, lo, hi,
            )  # fmt: skip

        spread(rows, n, float(n) * problem.horizon * t.n_actions, None)
        return tokens
    cumulative = np.cumsum(target_kernel(problem), axis=1).ravel()

    def part(lo: int, hi: int) -> None:
        draw_paths(
            seeds, t.n_actions, t.state_start, t.table_start, t.next_state, cumulative, tokens,
            lo, hi,
        )  # fmt: skip

    spread(part, n, float(n) * problem.horizon, None)
    return tokens


def target_paths_plain(problem: Problem, n: int, rng: RngLike) -> npt.NDArray[np.int32]:
    """Draw the same paths, level by level in numpy.

    Returns
    -------
    (n, H) int32 array
    """
    streams = [Xoshiro(words.tolist()) for words in run_seeds(rng, n)]
    model = problem.model
    state = np.zeros(n, dtype=np.int64)
    tokens = np.empty((n, problem.horizon), dtype=np.int32)
    kernel = target_kernel(problem)
    for h in range(problem.horizon):
        total = np.cumsum(kernel, axis=1)[model.state_start[h] + state]
        x = np.array([g.uniform() for g in streams]) * total[:, -1]
        tokens[:, h] = (total <= x[:, None]).sum(axis=1)
        state = model.next_state[h][state, tokens[:, h]]
    return tokens
