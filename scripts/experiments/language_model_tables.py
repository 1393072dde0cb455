"""Measured error of SMC against N on the tables of a real language model."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from theory.registry import bounds_for

PROBLEMS = ("lm-digits2", "lm-review", "lm-digits2-noisy", "lm-review-noisy")


def run_cell(problem: str, n: int, runs: int, seed: int) -> Rows:
    """Return rows (problem, n, quantity, value, low, high) for one table and one N."""
    p, sampler = open_problem(problem), SMC(n)
    b = bracket(p, sampler, runs, rng=seed)
    rows: Rows = [
        {"problem": problem, "n": n, "quantity": "measured error", "value": b.plug_in,
         "low": b.low, "high": b.high}
    ]  # fmt: skip
    for bound in bounds_for(p, sampler):
        if not bound.measured:
            value = bound.value(p, sampler)
            rows.append(
                {"problem": problem, "n": n, "quantity": bound.id, "value": value,
                 "low": value, "high": value}
            )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a table and N; the large N first, so that workers end together."""
    sizes = (256, 128, 64, 32, 16, 8, 4, 2, 1) if profile == "full" else (64, 32, 16, 8, 4, 2, 1)
    runs = 1_000_000 if profile == "quick" else 4_000_000
    return [
        {"problem": p, "n": n, "runs": runs, "seed": 1000 * i + n}
        for n in sizes
        for i, p in enumerate(PROBLEMS)
    ]


LANGUAGE_MODEL_TABLES = Experiment("language_model_tables", run_cell, cells)
