"""Exact error, and every bound, against N on three trees (theory: all upper bounds for SMC)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.errors import TooLargeError
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from theory.registry import bounds_for

PROBLEMS = (
    "reference:horizon=4",
    "random-tree:horizon=4,seed=1,prm=exact",
    "random-tree:horizon=3,seed=5,n_actions=3,prm=noisy,sigma=0.7",
)
LAST_EXACT = 8
FEW, LEAST = 32, 40  # particles from which runs fall like 1/N, at most so many times
SIZES = (1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


def run_cell(problem: str, n: int, runs: int, means: int, seed: int) -> Rows:
    """Rows (problem, n, quantity, value, low, high); bounds that are means get `means` runs."""
    p, sampler = open_problem(problem), SMC(n)
    rows: Rows = []

    def add(quantity: str, value: float, low: float, high: float) -> None:
        rows.append(
            {"problem": problem, "n": n, "quantity": quantity, "value": value,
             "low": low, "high": high}
        )  # fmt: skip

    enumerable = n <= LAST_EXACT
    if enumerable:
        try:
            error = sampler.exact_law(p).tv
            add("exact error", error, error, error)
        except TooLargeError:
            enumerable = False
    measured = bracket(p, sampler, runs, rng=seed)
    add("measured error", measured.plug_in, measured.low, measured.high)
    for i, bound in enumerate(bounds_for(p, sampler)):
        if not bound.measured or enumerable:
            try:
                value = bound.value(p, sampler)
                add(bound.id, value, value, value)
                continue
            except TooLargeError:
                pass
        source = np.random.SeedSequence([seed, i])
        seen = bound.estimate(p, sampler, min(runs, means), rng=source)
        add(bound.id, seen.high, seen.low, seen.high)
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a problem and N."""
    runs, means = (100_000, 1_000) if profile == "quick" else (1_000_000, 2_000)
    return [
        {"problem": p, "n": n, "runs": max(runs * FEW // max(n, FEW), runs // LEAST),
         "means": means, "seed": 1000 * i + n}
        for i, p in enumerate(PROBLEMS)
        for n in SIZES
    ]  # fmt: skip


TREES = Experiment("trees", run_cell, cells, seconds=lambda cell: 2 + cell["n"] / 512)
