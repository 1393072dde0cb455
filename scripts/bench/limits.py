"""What must be done within seconds, and the memory that a run takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from scripts.bench.kernels import Row
from simulator.errors import TooLargeError
from simulator.exact.second_moments import relative_variance
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.families.product import product
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.random_tree import random_tree
from simulator.samplers.smc.sampler import SMC

__all__ = ["memory", "seconds_of_commands", "seconds_of_engines"]

ROOT = Path(__file__).parents[2]
STARTS = 5  # of each command; the median counts, and the first fills the cache
COMMANDS = (
    ("list", ("list",), 1.5),
    ("check on a small problem", ("check", "reference:horizon=3", "--particles", "3"), 3.0),
)
T_RUNS = 8
PEAK = """
import sys
from scripts.bench.problems import filtering
from simulator.samplers.smc.sampler import SMC

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

problem, scheme, n = filtering(64, 8, 16), sys.argv[1], int(sys.argv[2])
SMC(8, resampling=scheme).run(problem, 1, rng=1)
before = peak()
SMC(n, resampling=scheme).run(problem, 1, rng=1)
print(before * 1024, peak() * 1024)
"""


def _python(*arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=True
    )
    return done.stdout


def memory(n_particles: int) -> list[Row]:
    """Measure the peak resident size of a process before and after one run.

    Returns
    -------
    list of dict
        Bytes before and at the peak, and how many more a particle; none without /proc.
    """
    if not Path("/proc/self/status").exists():
        return []
    rows = []
    for scheme in ("multinomial", "systematic"):
        before, after = map(int, _python("-c", PEAK, scheme, str(n_particles)).split())
        rows.append(
            {"scheme": scheme, "particles": n_particles, "before_mb": before / 1e6,
             "peak_mb": after / 1e6, "bytes_a_particle": (after - before) / n_particles}
        )  # fmt: skip
    return rows


def seconds_of_commands(starts: int = STARTS) -> list[Row]:
    """Time commands from the start of the process to its end, the numba cache being warm."""
    rows = []
    for name, arguments, goal in COMMANDS:
        taken = []
        for _ in range(1 + starts):
            begin = time.perf_counter()
            _python("-m", "scripts.cli.app", *arguments)
            taken.append(time.perf_counter() - begin)
        rows.append({"what": name, "seconds": float(np.median(taken[1:])), "goal": goal})
    return rows


def seconds_of_engines() -> list[Row]:
    """Time the exact engines once each, compilation excluded where the cache is warm."""
    tree, wide = random_tree(2, 5), random_automaton(100, 4, 1000, edge_sigma=0.1)
    long = product(1000)

    def steps(runs: int, n: int) -> object:
        return list(stepwise_samples(long, SMC(n), runs, 1))

    def refused() -> None:
        try:
            SMC(12).exact_law(random_tree(2, 8))
        except TooLargeError:
            return
        raise AssertionError("a law of 1e10 transitions is not refused")

    tasks: tuple[tuple[str, Callable[[], object], float], ...] = (
        ("cloud law, A=2, H=5, N=5", lambda: SMC(5).exact_law(tree), 10.0),
        ("refusal of A=2, H=8, N=12", refused, 1.0),
        ("relative variance, S=100, A=4, H=1000", lambda: relative_variance(wide, 100), 20.0),
        (f"bound T, product, H=N=1000, {T_RUNS} runs", lambda: steps(T_RUNS, 1000), 30.0),
    )
    rows = []
    for name, work, goal in tasks:
        begin = time.perf_counter()
        work()
        rows.append({"what": name, "seconds": time.perf_counter() - begin, "goal": goal})
    return rows
