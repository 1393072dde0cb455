"""Drive the SMC kernel: allocate what it fills, spread the runs over threads, count the cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from simulator.kernels.edge_tables import edge_tables
from simulator.kernels.lookahead import Look
from simulator.kernels.smc import Final, Options, Outputs, run_smc
from simulator.problem.problem import Problem
from simulator.samplers.runs import KEEP, Runs, check_keep
from simulator.samplers.sampler import check_int
from simulator.streams.threads import spread

__all__ = ["check_run_arguments", "drive"]

Ints = npt.NDArray[np.int64]


def check_run_arguments(
    n_runs: int, keep: Sequence[str], n_threads: int | None, offered: Sequence[str] = KEEP
) -> None:
    """Complain about arguments of `run` that are out of range.

    Parameters
    ----------
    n_runs : int
    keep : sequence of str
    n_threads : int or None
    offered : sequence of str, optional
        Optional results that the sampler can keep.

    Raises
    ------
    InputError
        If one is.
    """
    check_int("n_runs", n_runs, 1)
    if n_threads is not None:
        check_int("n_threads", n_threads, 1)
    check_keep(keep, offered)


def drive(
    core: Problem,
    judge: Problem,
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
    core : Problem
        What is sampled; see `simulator.problem.transforms`.
    judge : Problem
        Ranks final particles by its reward if the best is wanted.
    options : Options
    seeds : (R, 4) uint64 array
        States of the generators; left where the runs left them.
    depth, rollouts : int, optional
        Weight by the mean of V^ over so many descendants that many levels ahead; without
        rollouts by V^ itself.
    keep : sequence of str
    n_threads : int or None

    Returns
    -------
    runs : Runs
        With no cost yet.
    levels : (R,) int array
        How many levels each run went through.
    """
    n_runs = len(seeds)
    level = (n_runs, core.horizon)
    cloud = (*level, options.n_particles)

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
        cloud_states=array("clouds", cloud, np.int64, -1),
        cloud_log_weights=array("clouds", cloud, np.float64, -np.inf),
    )
    none = judge.tables.factor_start[:0]
    final = Final(
        float(core.log_prm_flat[0]),
        judge.log_reward,
        judge.tables.factor_start if judge.has_edge_reward else none,
        judge.tables.log_factor,
    )
    tables = edge_tables(core)
    t = core.tables
    look = Look(depth, rollouts, t.state_start, core.log_prm_flat, t.factor_start, t.log_factor)

    def part(begin: int, end: int) -> None:
        run_smc(seeds, tables, options, final, look, out, begin, end)

    work = float(n_runs) * core.horizon * options.n_particles * (1 + depth * rollouts)
    spread(part, n_runs, work, n_threads)
    runs = Runs(
        states=out.states,
        log_w=out.log_w,
        failed=out.failed,
        prm_evaluations=np.zeros(n_runs, dtype=np.int64),
        model_calls=np.zeros(n_runs, dtype=np.int64),
        tokens=out.tokens if "tokens" in keep else None,
        ess=out.ess if "ess" in keep else None,
        genealogy=out.genealogy if "genealogy" in keep else None,
        cloud_states=out.cloud_states if "clouds" in keep else None,
        cloud_log_weights=out.cloud_log_weights if "clouds" in keep else None,
    )
    return runs, out.levels
