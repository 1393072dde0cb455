"""Exact errors of SMC with and without restart (arXiv 2603.07887, 3.6)."""

from __future__ import annotations

import math
from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.smc.sampler import SMC
from theory.claims.restart_error import instances
from theory.criteria import criteria


def run_cell(instance: int, n: int) -> Rows:
    """One row: errors of both, the limit Z/(B a) - 1 and the mean number of runs 1/a."""
    problem, sampler = instances(False)[instance], SMCRestart(n)
    law = sampler.exact_law(problem)
    least = math.exp(sampler.log_bound(problem) - problem.log_z)  # B/Z
    runs = 1 / law.acceptance if law.acceptance else math.inf
    return [
        {"problem": problem.name, "instance": instance, "n": n, "smc": SMC(n).exact_law(problem).tv,
         "smc-restart": law.tv, "limit": max(runs / least - 1, 0.0), "runs": runs,
         "least_runs": least, "prm_accuracy": criteria(problem).prm_accuracy}
    ]  # fmt: skip


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell an instance of claim 3.6 and N."""
    sizes = range(1, 8 if profile == "quick" else 10)
    return [{"instance": i, "n": n} for i in range(len(instances(False))) for n in sizes]


RESTART = Experiment("restart", run_cell, cells)
