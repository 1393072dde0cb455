"""The SMC kernel against its plain twin on the same draws, as a ratio within one process."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from simulator.models.library import open_problem
from simulator.problem import Problem
from simulator.samplers.smc import SMC
from simulator.samplers.smc_plain import run_plain

__all__ = ["run"]

CASES = (
    ("reference:horizon=4", 8, 20_000, 20),
    ("product:horizon=1000", 32, 200, 1),
    ("lm-digits2", 64, 2_000, 4),
)
ROUNDS = 3


def run() -> None:
    """Print particle steps a second of the kernel, and how many times faster it is."""
    table = Table(
        "problem", "scheme", "N", "kernel, million steps/s", "kernel/twin (spread)", box=None
    )
    for name, n, runs, plain_runs in CASES:
        problem = open_problem(name)
        for scheme in ("multinomial", "systematic"):
            sampler = SMC(n, resampling=scheme)
            speed, ratios = _measure(problem, sampler, runs, plain_runs)
            table.add_row(
                name, scheme, str(n), f"{speed / 1e6:.0f}",
                f"{sorted(ratios)[1]:.0f} ({min(ratios):.0f}-{max(ratios):.0f})",
            )  # fmt: skip
    Console().print(table)


def _measure(
    problem: Problem, sampler: SMC, runs: int, plain_runs: int
) -> tuple[float, list[float]]:
    steps = problem.horizon * sampler.n_particles
    sampler.run(problem, 10, rng=0, n_threads=1)  # compile
    speed, ratios = 0.0, []
    for _ in range(ROUNDS):
        fast = runs * steps / _seconds(lambda: sampler.run(problem, runs, rng=1, n_threads=1))
        slow = plain_runs * steps / _seconds(lambda: run_plain(problem, sampler, plain_runs, rng=1))
        speed = max(speed, fast)
        ratios.append(fast / slow)
    return speed, ratios


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin
