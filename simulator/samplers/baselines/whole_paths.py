"""Draw N whole paths from pi_ref and look at the reward only at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Seeds

__all__ = ["run_whole_paths", "whole_path_filter"]


def whole_path_filter(horizon: int, n_particles: int, select: str) -> SMC:
    """Return SMC in one block of H tokens: nothing is asked for or resampled on the way.

    Parameters
    ----------
    horizon : int
        H.
    n_particles : int
        N.
    select : {"sample", "best"}
        As in `SMC`.
    """
    return SMC(n_particles, block=horizon, select=select)


def run_whole_paths(
    problem: Problem,
    n_particles: int,
    select: str,
    seeds: Seeds,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
) -> Runs:
    """Draw one run of N paths from each generator.

    Every path is drawn to its end, so a run costs N reward evaluations and N H model calls.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_particles : int
        N.
    select : {"sample", "best"}
        As in `SMC`.
    seeds, keep, n_threads
        As in `Sampler.from_seeds`.
    """
    filter_ = whole_path_filter(problem.horizon, n_particles, select)
    runs = filter_.from_seeds(problem, seeds, keep, n_threads)
    return replace(
        runs,
        prm_evaluations=np.full(len(seeds), n_particles, dtype=np.int64),
        model_calls=np.full(len(seeds), n_particles * problem.horizon, dtype=np.int64),
    )
