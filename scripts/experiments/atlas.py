"""The worst instances of the atlas beside random problems, all ratios computed anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from scripts.experiments.ratios import random_case
from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from theory.falsify.atlas import Entry, atlas
from theory.falsify.inequality import ratio_of
from theory.falsify.search import VIOLATED, label, search
from theory.falsify.starts import starts
from theory.registry import BOUNDS
from theory.statement import Bound

HORIZON, ACTIONS = 4, 3
PAPER = "arXiv 2603.07887v1, "
PATIENCE = 5  # problems that are drawn for one of which a statement speaks


def others(entry: Entry) -> Iterator[Problem]:
    """Draw random trees, or members of the families for a statement about one."""
    if entry.problem.endswith(".json"):
        yield from map(_random_tree, range(10**6))
    rng = np.random.default_rng(0)
    yield from starts(rng, HORIZON, ACTIONS, any_horizon=True)


@lru_cache(maxsize=PATIENCE * 20)
def _random_tree(seed: int) -> Problem:
    """Draw a tree; kept for the next statement, with all that is known of it."""
    return random_case(seed)[0]


def printed(bound: Bound) -> bool:
    """Say whether a bound stands in the paper with a constant of its own."""
    return bound.kind == "upper" and not bound.measured and bound.reference.startswith(PAPER)


def run_cell(statement: str, problems: int, evaluations: int = 0) -> Rows:
    """Return rows (bound, sampler, particles, problem, left, right, ratio, median, compared).

    With `evaluations` a search of so many looks for a worse instance than the stored one.
    """
    rows: Rows = []
    bound = BOUNDS[statement]
    for entry in atlas():
        if entry.statement != statement:
            continue
        claimed, sampler = entry.inequality, entry.make_sampler()
        worst = entry.open()
        left, right, where = *claimed.sides(worst, sampler), entry.problem
        if evaluations:
            found = search(
                claimed, {entry.particles: sampler}.__getitem__, particles=(entry.particles,),
                horizon=HORIZON, actions=ACTIONS, evaluations=evaluations,
            )  # fmt: skip
            if found.ratio > ratio_of(left, right):
                left, right, where = found.left, found.right, found.problem.name
        ratios: list[float] = []
        for problem in islice(others(entry), PATIENCE * problems):
            if len(ratios) == problems:
                break
            if claimed.why_not(problem, sampler) is None:
                try:
                    ratios.append(claimed.ratio(problem, sampler))
                except TooLargeError:
                    continue
        ratio = ratio_of(left, right)
        rows.append(
            {"bound": statement, "paper": printed(bound),
             "sampler": label(sampler), "particles": entry.particles, "problem": where,
             "left": left, "right": right, "ratio": ratio,
             "median": float(np.median(ratios)) if ratios else float("nan"),
             "compared": len(ratios), "violated": ratio > VIOLATED}
        )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return a cell for each statement of the atlas; "full" searches for worse instances too."""
    effort = {"problems": 20} if profile == "quick" else {"problems": 400, "evaluations": 5000}
    present = dict.fromkeys(entry.statement for entry in atlas())
    return [{"statement": name, **effort} for name in present]


ATLAS = Experiment("atlas", run_cell, cells)
