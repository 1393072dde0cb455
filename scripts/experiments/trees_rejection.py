"""Exact error of SMC-RS, and every bound on it, against N on the trees of `trees`."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.errors import TooLargeError
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.registry import bounds_for

PROBLEMS = ("reference:horizon=4", "random-tree:horizon=3,seed=5,n_actions=3,prm=noisy,sigma=0.7")
LIMIT = 3e5  # cloud transitions of one enumeration
SIZES = (1, 2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 1024, 4096)


def run_cell(problem: str, n: int, runs: int, seed: int) -> Rows:
    """Return rows (problem, n, quantity, value, low, high) for one problem and one N."""
    p, sampler = open_problem(problem), SMCRejection(n)
    found: dict[str, tuple[float, float, float]] = {}
    try:
        error = sampler.exact_law(p, limit=LIMIT).tv
        found["exact error"] = error, error, error
    except TooLargeError:
        b = bracket(p, sampler, runs, rng=seed)
        found["measured error"] = b.plug_in, b.low, b.high
    for bound in bounds_for(p, sampler):
        if bound.measured and "exact error" not in found:
            continue
        try:
            value = bound.value(p, sampler)
            found[bound.id] = value, value, value
        except TooLargeError:
            continue
    return [
        {"problem": problem, "n": n, "quantity": quantity, "value": value, "low": low, "high": high}
        for quantity, (value, low, high) in found.items()
    ]


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a problem and N."""
    runs = 10_000 if profile == "quick" else 1_000_000
    return [
        {"problem": p, "n": n, "runs": runs if n <= 256 else runs // 10, "seed": 1000 * i + n}
        for i, p in enumerate(PROBLEMS)
        for n in SIZES
    ]


TREES_REJECTION = Experiment("trees_rejection", run_cell, cells)
