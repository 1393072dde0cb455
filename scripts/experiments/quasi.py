"""Quasi-SMC beside SMC: exact errors on trees, variances on language-model tables, orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.errors import TooLargeError
from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.random_tree import random_tree
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.typing import Ints
from theory.laws.first_order import first_order_law

SIZES = (2, 4, 8, 16, 32)
TABLES = ("lm-digits2", "lm-digits2-noisy")
TABLE_SIZES = (2, 8, 32, 64, 256)
RULES = ("pivotal", "systematic", "threshold")
BATCHES = 20
LIMIT = 3e7
SAMPLERS: dict[str, Callable[[int], Sampler]] = {
    "smc": SMC,
    "smc, systematic": lambda n: SMC(n, "systematic"),
    "smc-rs": SMCRejection,
    **{f"quasi, {rule}": partial(QuasiSMC, rule=rule) for rule in RULES},
}


def run_cell(part: str, problem: str, n: int, runs: int = 0) -> Rows:
    """Return rows (part, problem, n, sampler, value, low, high, evaluations)."""
    if part == "tree":
        return _tree(int(problem), n)
    if part == "table":
        return _table(problem, n, runs)
    return _orders(problem, n, runs)


def _row(part: str, problem: str, n: int, sampler: str, *numbers: float) -> dict[str, object]:
    value, low, high, evaluations = numbers
    return {"part": part, "problem": problem, "n": n, "sampler": sampler, "value": value,
            "low": low, "high": high, "evaluations": evaluations}  # fmt: skip


def _tree(seed: int, n: int) -> Rows:
    """Exact errors on one tree."""
    problem = random_tree(horizon=2, n_actions=3, seed=seed, prm=("exact", "noisy")[seed % 2])
    rows: Rows = []
    for name, make in SAMPLERS.items():
        try:
            error = make(n).exact_law(problem, limit=LIMIT).tv
        except TooLargeError:
            continue
        rows.append(_row("tree", str(seed), n, name, error, error, error, np.nan))
    law = first_order_law(problem, SMC(2)).constant.value / n
    return [*rows, _row("tree", str(seed), n, "smc, first order", law, law, law, np.nan)]


def _table(spec: str, n: int, runs: int) -> Rows:
    """Relative variances of W^_H, and prefixes that were judged."""
    problem, rows = open_problem(spec), []
    for name in ("smc", *(f"quasi, {rule}" for rule in RULES)):
        value, error, evaluations = _variance(problem, SAMPLERS[name](n), runs)
        rows.append(
            _row("table", spec, n, name, value, value - 2 * error, value + 2 * error, evaluations)
        )
    return rows


def _variance(problem: Problem, sampler: Sampler, runs: int) -> tuple[float, float, float]:
    """Relative variance with its standard error over batches, and distinct prefixes judged."""
    made = sampler.run(problem, runs, rng=sampler.n_particles, keep=("clouds",))
    assert made.log_w is not None
    assert made.cloud_states is not None
    squares = np.expm1(made.log_w - problem.log_z) ** 2
    batches = squares[: runs // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)
    error = float(batches.std(ddof=1) / np.sqrt(BATCHES))
    return float(squares.mean()), error, _judged(made.cloud_states)


def _judged(states: Ints) -> float:
    """Mean number of distinct prefixes a run; on a tree a state is a prefix."""
    ordered = np.sort(states, axis=2)
    new = np.concatenate([ordered[:, :, :1] >= 0, np.diff(ordered, axis=2) > 0], axis=2)
    return float((new & (ordered >= 0)).sum(axis=(1, 2)).mean())


def _orders(spec: str, n: int, runs: int) -> Rows:
    """How far the law of the first token is from the target on the two-branch instance."""
    problem = open_problem(spec)
    samplers = {"smc": SMC(n), "smc, systematic": SMC(n, "systematic")} | {
        f"quasi, {rule}, by {order}": QuasiSMC(n, rule, order)
        for rule in ("pivotal", "systematic")
        for order in ("state", "lexicographic")
    }
    rows: Rows = []
    for name, sampler in samplers.items():
        made = sampler.run(problem, runs, rng=n, keep=("tokens",))
        assert made.tokens is not None
        ones = int((made.tokens[:, 0] == 1).sum())
        low, high = clopper_pearson(ones, runs, 0.01)
        least = 0.0 if low <= 0.5 <= high else min(abs(low - 0.5), abs(high - 0.5))
        most = max(abs(low - 0.5), abs(high - 0.5))
        rows.append(_row("orders", spec, n, name, abs(ones / runs - 0.5), least, most, np.nan))
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a tree and N, a table and N, and a horizon."""
    quick = profile == "quick"
    runs, most = (4_000, 500) if quick else (40_000, 10_000)
    return [
        *({"part": "tree", "problem": str(s), "n": n} for s in range(6 if quick else 24)
          for n in SIZES),
        *({"part": "table", "problem": t, "n": n, "runs": runs} for t in TABLES
          for n in TABLE_SIZES),
        *({"part": "orders", "problem": f"two-branch:horizon={h}", "n": 64, "runs": most}
          for h in (64, 256, 1024)),
    ]  # fmt: skip


QUASI = Experiment("quasi", run_cell, cells)
