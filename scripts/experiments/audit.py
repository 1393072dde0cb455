"""Error of each weighting rule against N, and the error that no N removes."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.errors import TooLargeError
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.reweighted.limits import limit_error
from simulator.samplers.reweighted.rules import RULES
from simulator.samplers.reweighted.sampler import AuditedSMC

# with how many times as many runs: 10,000 outcomes need more of them than 31
PROBLEMS = {"reference:horizon=3": 1, "brackets:length=6": 1, "eos:horizon=4": 1, "lm-digits2": 5}
EXACT = (1, 2, 4, 8)
SAMPLED = (16, 32, 64, 128, 256)


def run_cell(problem: str, rule: str, runs: int, seed: int) -> Rows:
    """Return rows (problem, rule, limit, n, exact, value, low, high) for one problem and rule."""
    p = open_problem(problem)
    p = p if is_path_tree(p) else unfold(p).problem  # one outcome a path, so brackets are tight
    limit = limit_error(p, rule)
    rows: Rows = []
    for n in (*EXACT, *SAMPLED):
        sampler = AuditedSMC(n, rule)
        row: dict[str, object] = {"problem": problem, "rule": rule, "limit": limit, "n": n}
        try:
            if n not in EXACT:
                raise TooLargeError("measured")
            tv = sampler.exact_law(p, limit=1e7).tv
            rows.append({**row, "exact": True, "value": tv, "low": tv, "high": tv})
        except TooLargeError:
            b = bracket(p, sampler, runs, rng=seed + n)
            rows.append({**row, "exact": False, "value": b.plug_in, "low": b.low, "high": b.high})
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a problem and rule."""
    runs = 10_000 if profile == "quick" else 200_000
    return [
        {"problem": p, "rule": rule, "runs": times * runs, "seed": 100_000 * i}
        for p, times in reversed(PROBLEMS.items())
        for i, rule in enumerate(RULES)
    ]


AUDIT = Experiment("audit", run_cell, cells)
