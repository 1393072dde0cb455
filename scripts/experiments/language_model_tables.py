"""Measured error of SMC and of quasi-SMC against N on the tables of a real language model."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.samplers.registry import make_sampler
from theory.registry import bounds_for

PROBLEMS = ("lm-digits2", "lm-review", "lm-digits2-noisy", "lm-review-noisy")
FEWER = {"smc": 1, "quasi-smc": 10}  # so many times fewer runs, as a particle costs more
FEW = 16  # particles from which runs fall like 1/N


def run_cell(problem: str, sampler: str, n: int, runs: int, seed: int) -> Rows:
    """Return rows (problem, sampler, n, quantity, value, low, high) for one table and one N."""
    p, made = open_problem(problem), make_sampler(sampler, n)
    b = bracket(p, made, runs, rng=seed)
    found = {"measured error": (min(b.plug_in, b.high), b.low, b.high)}  # plug-in: biased upwards
    for bound in bounds_for(p, made):
        if not bound.measured:
            found[bound.id] = (bound.value(p, made),) * 3
    return [
        {"problem": problem, "sampler": sampler, "n": n, "quantity": quantity, "value": value,
         "low": low, "high": high}
        for quantity, (value, low, high) in found.items()
    ]  # fmt: skip


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a sampler, table and N; the large N first, so that workers end together."""
    sizes = (256, 128, 64, 32, 16, 8, 4, 2, 1) if profile == "full" else (64, 32, 16, 8, 4, 2, 1)
    runs = 200_000 if profile == "quick" else 4_000_000
    return [
        {"problem": p, "sampler": s, "n": n, "runs": runs // fewer * FEW // max(n, FEW),
         "seed": 1000 * i + n}
        for n in sizes
        for i, p in enumerate(PROBLEMS)
        for s, fewer in FEWER.items()
    ]  # fmt: skip


LANGUAGE_MODEL_TABLES = Experiment(
    "language_model_tables", run_cell, cells, seconds=lambda cell: 1 + min(cell["n"], FEW) / 4
)
