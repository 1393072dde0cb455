"""Exact error over bound on random problems: no ratio may pass 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.families.random_tree import random_tree
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.smc.sampler import SMC
from theory.verdict import check

PER_CELL = 10


def random_case(seed: int) -> tuple[Problem, int]:
    """Draw a small tree with a PRM that errs, and a number of particles.

    Returns
    -------
    problem : Problem
    n : int
        1 to 4.
    """
    rng = np.random.default_rng(seed)
    actions = int(rng.integers(2, 4))
    problem = random_tree(
        n_actions=actions,
        horizon=int(rng.integers(1, 5 if actions == 2 else 4)),
        seed=seed,
        concentration=float(rng.choice([0.5, 1.0, 5.0])),
        zero_rewards=float(rng.choice([0.0, 0.2])),
        sigma=float(rng.choice([0.0, 0.1, 0.5, 1.0])),
    )
    return problem, int(rng.integers(1, 5))


def run_cell(first: int, count: int, make: Callable[[int], Sampler] = SMC) -> Rows:
    """Return rows (problem, n, bound, value, bound_low, error, ratio, vacuous, status)."""
    rows: Rows = []
    for seed in range(first, first + count):
        problem, n = random_case(seed)
        report = check(problem, make(n))
        rows.extend(
            {"problem": seed, "horizon": problem.horizon, "n": n, "bound": v.id,
             "value": v.value, "bound_low": v.low, "error": report.error.high,
             "ratio": report.error.high / v.value if v.value > 0 else 0.0,
             "vacuous": v.vacuous, "status": v.status}
            for v in report.verdicts
        )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return cells of ten problems each."""
    problems = 300 if profile == "quick" else 2000
    return [{"first": i, "count": PER_CELL} for i in range(0, problems, PER_CELL)]


RATIOS = Experiment("ratios", run_cell, cells)
