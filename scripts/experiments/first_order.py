"""N times the error beside its limit A, and why A grows like sqrt(H) or like H."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.integrated_law import integrated_law
from simulator.exact.law import total_variation
from simulator.exact.lumped import product_tv
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.interval import Interval
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.problem.target import target_kernel, target_paths
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats
from theory.laws.first_order import first_order_law
from theory.laws.sigma import sigma

TREES = ("reference:horizon=3", "random-tree:horizon=3,seed=1", "random-tree:horizon=3,seed=2")
TABLES = ("lm-digits2", "lm-digits2-noisy")
INSTANCES: dict[str, Callable[[int, int], Interval]] = {
    "product": lambda horizon, n: Interval.exactly(product_tv(horizon, n)),
    "two-branch": two_branch_tv,
}
CONFIDENCE = 0.99


def run_cell(part: str, problem: str, n: int, horizon: int, runs: int) -> Rows:
    """Return rows (part, problem, n, horizon, path, value, low, high).

    Parts: "constant", A; "error", N D_TV; "walk", sums of the first h steps of sigma along paths
    drawn from pi*, less their means, with h in the column "horizon".
    """
    named = f"{problem}:horizon={horizon}" if problem in INSTANCES else problem
    p = open_problem(named)
    row = {"part": part, "problem": problem, "n": n, "horizon": horizon, "path": 0}
    if part == "constant":
        a = first_order_law(p, SMC(2), n_draws=runs, confidence=CONFIDENCE).constant
        return [row | {"value": a.value, "low": a.low, "high": a.high}]
    if part == "error":
        x = _error(problem, p, n, runs)
        return [row | {"value": n * x.value, "low": n * x.low, "high": n * x.high}]
    return [
        row | {"path": path, "horizon": h, "value": float(x), "low": float(x), "high": float(x)}
        for path, walk in enumerate(walks(p, runs))
        for h, x in enumerate(walk)
    ]


def _error(name: str, problem: Problem, n: int, runs: int) -> Interval:
    """D_TV: exact on trees, within close limits on instances, else between certified limits."""
    if name in INSTANCES:
        return INSTANCES[name](problem.horizon, n)
    if name in TREES:
        return Interval.exactly(total_variation(problem.target[-1], integrated_law(problem, n)))
    found = bracket(problem, SMC(n), runs, rng=n, confidence=CONFIDENCE)
    return Interval((found.low + found.high) / 2, found.low, found.high, CONFIDENCE)


def walks(problem: Problem, n_paths: int) -> Floats:
    """Add up the steps of sigma along paths drawn from pi*, each less its mean under pi*.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    n_paths : int
        P.

    Returns
    -------
    (P, H + 1) array
        Sums of the first 0, 1, ..., H steps.
    """
    step = sigma(problem, "smc").gain
    e, level = problem.forward_backward.edges, problem.forward_backward.edges.start[:-1]
    taken = problem.forward_backward.target_marginal[e.source] * target_kernel(problem).ravel()
    means = np.add.reduceat(taken * step, level)
    on_path = path_edges(problem.model, target_paths(problem, n_paths, rng=1))[1]
    sums = np.cumsum(step[on_path] - means, axis=1)
    return np.pad(sums, ((0, 0), (1, 0)))


def cells(profile: str) -> list[Mapping[str, object]]:
    """Errors of trees and tables with their A, then A and errors of the instances over H."""
    runs = 300_000 if profile == "quick" else 4_000_000
    sizes = (2, 4, 8, 16, 32) if profile == "quick" else (2, 4, 8, 16, 32, 64)
    horizons = tuple(2**k for k in range(3, 10 if profile == "quick" else 12))
    draws = 20_000 if profile == "quick" else 200_000
    return [
        *(_cell("error", p, n, 0, runs) for n in sizes[::-1] for p in (*TABLES, *TREES)),
        *(_cell("constant", p, 0, 0, draws) for p in (*TREES, *TABLES)),
        *(_cell("constant", p, 0, h, draws) for p in INSTANCES for h in horizons),
        *(_cell("error", p, n, h, 0) for p in INSTANCES for n in (16, 64) for h in horizons),
        *(_cell("walk", p, 0, 64, 12) for p in INSTANCES),
    ]


def _cell(part: str, problem: str, n: int, horizon: int, runs: int) -> Mapping[str, object]:
    return {"part": part, "problem": problem, "n": n, "horizon": horizon, "runs": runs}


FIRST_ORDER = Experiment("first_order", run_cell, cells)
