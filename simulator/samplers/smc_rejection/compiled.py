"""Call the kernels of SMC-RS: by rejection, or as SMC on the fully adapted problem."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.problem.transforms import fully_adapted
from simulator.resampling.schemes import scheme_for
from simulator.samplers.runs import Runs
from simulator.samplers.smc.compiled import run_compiled
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.samplers.smc.kernel import Options
from simulator.samplers.smc_rejection.exact import log_step_means
from simulator.samplers.smc_rejection.kernel import Acceptance, RejectionOutputs, run_rejection
from simulator.streams.threads import spread
from simulator.typing import Seeds

__all__ = ["by_enumeration", "by_rejection"]


def by_rejection(
    problem: Problem,
    n: int,
    log_eta: float,
    max_proposals: int,
    seeds: Seeds,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
) -> Runs:
    """Propose until a child is accepted; see `simulator.samplers.smc_rejection.sampler`."""
    n_runs, tables = len(seeds), edge_tables(problem)
    with np.errstate(over="ignore"):
        ceiling = np.exp(log_eta - tables.log_scale)
    means, start = log_step_means(problem), problem.model.state_start
    top = np.maximum.reduceat(means, start[:-2])
    top[top == -np.inf] = 0.0
    accept = Acceptance(
        float(problem.log_prm_flat[0]), ceiling, means,
        np.exp(means - np.repeat(top, problem.model.n_states[:-1])), top, start,
        int(max_proposals),
    )  # fmt: skip
    level = (n_runs, problem.horizon)
    cloud = (*level, n)
    out = RejectionOutputs(
        states=np.empty(n_runs, dtype=np.int64),
        log_w=np.empty(n_runs),
        failed=np.empty(n_runs, dtype=np.bool_),
        proposals=np.empty(n_runs, dtype=np.int64),
        tokens=np.full(level if "tokens" in keep else (0, 0), -1, dtype=np.int32),
        genealogy=np.full(cloud if "genealogy" in keep else (0, 0, 0), -1, dtype=np.int32),
        cloud_states=np.full(cloud if "clouds" in keep else (0, 0, 0), -1, dtype=np.int64),
        stuck=np.zeros(1, dtype=np.int64),
        log_mean=np.zeros(1),
    )

    def part(begin: int, end: int) -> None:
        run_rejection(seeds, tables, n, accept, out, begin, end)

    spread(part, n_runs, float(n_runs) * problem.horizon * n, n_threads)
    if out.stuck[0] > 0:
        raise TooLargeError(
            f"max_proposals: no child was accepted at level {out.stuck[0]} in "
            f"{max_proposals} proposals; the chance of each, W_h/eta, was "
            f'{math.exp(out.log_mean[0] - log_eta):.3g}; method="enumerate" needs none'
        )
    states = out.cloud_states if "clouds" in keep else None
    return Runs(
        states=out.states,
        log_w=out.log_w,
        failed=out.failed,
        prm_evaluations=out.proposals,
        model_calls=out.proposals.copy(),
        tokens=out.tokens if "tokens" in keep else None,
        genealogy=out.genealogy if "genealogy" in keep else None,
        cloud_states=states,
        cloud_log_weights=None if states is None else np.where(states < 0, -np.inf, 0.0),
    )


def by_enumeration(
    problem: Problem,
    n: int,
    seeds: Seeds,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
) -> Runs:
    """Run multinomial SMC that looks one step ahead; a level's weights are those of the next."""
    runs, levels = run_compiled(
        fully_adapted(problem),
        problem,
        Options(n, scheme_for("multinomial", n).code, 1.0, False, 1, False),
        seeds,
        keep=keep,
        n_threads=n_threads,
    )
    states, genealogy = runs.cloud_states, runs.genealogy
    if log_step_means(problem)[0] == -np.inf:  # no particle is born
        levels = np.zeros_like(levels)
        states = None if states is None else np.full_like(states, -1)
        genealogy = None if genealogy is None else np.full_like(genealogy, -1)
    asked = n * (levels + runs.failed)  # parents; those of a failed cloud had children of V^ = 0
    return replace(
        runs,
        prm_evaluations=problem.model.n_actions * asked,
        model_calls=asked,
        genealogy=genealogy,
        cloud_states=states,
        cloud_log_weights=None if states is None else np.where(states < 0, -np.inf, 0.0),
    )
