"""Call the kernel of quasi-SMC."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.quasi.codes import ORDERS, RULES
from simulator.samplers.quasi.kernel import QuasiOutputs, run_quasi
from simulator.samplers.runs import Runs
from simulator.streams.threads import spread
from simulator.typing import Seeds

__all__ = ["run_compiled"]


def run_compiled(
    problem: Problem,
    n: int,
    rule: str,
    order: str,
    seeds: Seeds,
    keep: Sequence[str] = (),
    n_threads: int | None = None,
) -> Runs:
    """Do one run a generator; see `simulator.samplers.quasi.sampler`."""
    n_runs, tables = len(seeds), problem.tables
    level = (n_runs, problem.horizon)
    cloud = (*level, n) if "clouds" in keep else (0, 0, 0)
    out = QuasiOutputs(
        states=np.empty(n_runs, dtype=np.int64),
        log_w=np.empty(n_runs),
        failed=np.empty(n_runs, dtype=np.bool_),
        evaluations=np.empty(n_runs, dtype=np.int64),
        calls=np.empty(n_runs, dtype=np.int64),
        tokens=np.full(level if "tokens" in keep else (0, 0), -1, dtype=np.int32),
        genealogy=np.full((*level, n) if "genealogy" in keep else (0, 0, 0), -1, dtype=np.int32),
        cloud_states=np.full(cloud, -1, dtype=np.int64),
        cloud_log_weights=np.full(cloud, -np.inf),
    )
    prob = np.exp(tables.log_prob)

    def part(begin: int, end: int) -> None:
        run_quasi(
            seeds, RULES[rule], ORDERS[order], n, tables.n_actions, tables.state_start,
            tables.table_start, prob, tables.next_state, tables.factor_start, tables.log_factor,
            problem.log_prm_flat, out, begin, end,
        )  # fmt: skip

    spread(part, n_runs, float(n_runs) * problem.horizon * n * tables.n_actions, n_threads)
    return Runs(
        states=out.states,
        log_w=out.log_w,
        failed=out.failed,
        prm_evaluations=out.evaluations,
        model_calls=out.calls,
        tokens=out.tokens if "tokens" in keep else None,
        genealogy=out.genealogy if "genealogy" in keep else None,
        cloud_states=out.cloud_states if "clouds" in keep else None,
        cloud_log_weights=out.cloud_log_weights if "clouds" in keep else None,
    )
