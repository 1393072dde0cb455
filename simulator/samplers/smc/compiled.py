"""Call the SMC kernel: allocate what it fills and spread the runs over threads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator.exact.cloud import ParticleFilter
from simulator.problem.problem import Problem
from simulator.resampling.schemes import scheme_for
from simulator.samplers.runs import Runs
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.samplers.smc.kernel import Final, Options, Outputs, run_smc
from simulator.samplers.smc.rollouts_kernel import Look
from simulator.streams.threads import spread
from simulator.typing import Ints

__all__ = ["options_of", "run_compiled"]


def options_of(sampler: ParticleFilter) -> Options:
    """Return what the kernel needs to know of a sampler.

    Parameters
    ----------
    sampler : ParticleFilter
        For instance `SMC`.
    """
    return Options(
        int(sampler.n_particles),
        scheme_for(sampler.resampling, sampler.n_particles).code,
        float(sampler.ess_threshold),
        sampler.select == "best",
        int(sampler.block),
        sampler.resample_when == "max_weight",
    )


def run_compiled(
    sampled: Problem,
    ranking: Problem,
    options: Options,
    seeds: npt.NDArray[np.uint64],
    *,
    depth: int = 0,
    rollouts: int = 0,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
) -> tuple[Runs, Ints]:
    """Do one run a seed.

    Parameters
    ----------
    sampled : Problem
        What is sampled; see `simulator.problem.transforms`.
    ranking : Problem
        Ranks final particles by its reward if the best is wanted.
    seeds : (R, 4) uint64 array
        States of the generators; left where the runs left them.
    depth, rollouts : int, optional
        Weight by the mean of V^ over so many descendants that many levels ahead; without
        rollouts by V^ itself.

    Returns
    -------
    runs : Runs
        With no cost yet.
    levels : (R,) int array
        How many levels each run went through.
    """
    n_runs = len(seeds)
    level = (n_runs, sampled.horizon)
    cloud = (*level, options.n_particles)

    raw = options.ess_threshold >= 1 and options.block == 1 and rollouts == 0

    def array(name: str, shape: tuple[int, ...], dtype: type, fill: float) -> np.ndarray:
        return np.full(shape if name in keep else (0,) * len(shape), fill, dtype=dtype)

    out = Outputs(
        states=np.empty(n_runs, dtype=np.int64),
        log_w=np.empty(n_runs),
        failed=np.empty(n_runs, dtype=np.bool_),
        levels=np.empty(n_runs, dtype=np.int64),
        tokens=array("tokens", level, np.int32, -1),
        ess=array("ess", level, np.float64, 0),
        genealogy=array("genealogy", cloud, np.int32, -1),
        cloud_rows=array("clouds", cloud, np.int64, -1),
        cloud_weights=array("clouds", cloud, np.float64, 0.0 if raw else -np.inf),
    )
    none = ranking.tables.factor_start[:0]
    final = Final(
        float(sampled.log_prm_flat[0]),
        ranking.log_reward,
        ranking.tables.factor_start if ranking.has_edge_reward else none,
        ranking.tables.log_factor,
    )
    tables = edge_tables(sampled)
    t = sampled.tables
    look = Look(depth, rollouts, t.state_start, sampled.log_prm_flat, t.factor_start, t.log_factor)

    def part(begin: int, end: int) -> None:
        run_smc(seeds, tables, options, final, look, out, begin, end)

    work = float(n_runs) * sampled.horizon * options.n_particles * (1 + depth * rollouts)
    spread(part, n_runs, work, n_threads)
    if "clouds" in keep:  # as a whole, which is faster than one by one
        np.floor_divide(out.cloud_rows, 4 * tables.n_actions, out=out.cloud_rows)
        if raw:
            with np.errstate(divide="ignore"):
                np.log(out.cloud_weights, out=out.cloud_weights)
            np.add(out.cloud_weights, tables.log_scale[:, None], out=out.cloud_weights)
    runs = Runs(
        states=out.states,
        log_w=out.log_w,
        failed=out.failed,
        prm_evaluations=np.zeros(n_runs, dtype=np.int64),
        model_calls=np.zeros(n_runs, dtype=np.int64),
        tokens=out.tokens if "tokens" in keep else None,
        ess=out.ess if "ess" in keep else None,
        genealogy=out.genealogy if "genealogy" in keep else None,
        cloud_states=out.cloud_rows if "clouds" in keep else None,
        cloud_log_weights=out.cloud_weights if "clouds" in keep else None,
    )
    return runs, out.levels
