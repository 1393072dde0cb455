"""Draw N whole paths from pi_ref and look at the reward only at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.smc import SMC
from simulator.streams.seeds import RngLike

__all__ = ["leaf_filter", "run_leaves"]


def leaf_filter(problem: Problem, n_particles: int, select: str) -> SMC:
    """Return SMC in one block of H tokens: nothing is asked for or resampled on the way.

    Parameters
    ----------
    problem : Problem
    n_particles : int
    select : {"sample", "best"}

    Returns
    -------
    SMC
    """
    return SMC(n_particles, block=problem.horizon, select=select)


def run_leaves(
    problem: Problem,
    n_particles: int,
    select: str,
    n_runs: int,
    *,
    rng: RngLike,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
    first_block: int = 0,
) -> Runs:
    """Draw independent runs of N paths each.

    Every path is drawn to its end, so a run costs N reward evaluations and N H model calls.

    Parameters
    ----------
    problem : Problem
    n_particles : int
    select : {"sample", "best"}
    n_runs : int
    rng : int, SeedSequence or Generator
    keep : sequence of str, optional
    n_threads : int, optional
    first_block : int, optional

    Returns
    -------
    Runs
    """
    runs = leaf_filter(problem, n_particles, select).run(
        problem, n_runs, rng=rng, keep=keep, n_threads=n_threads, first_block=first_block
    )
    return replace(
        runs,
        prm_evaluations=np.full(n_runs, n_particles, dtype=np.int64),
        model_calls=np.full(n_runs, n_particles * problem.horizon, dtype=np.int64),
    )
