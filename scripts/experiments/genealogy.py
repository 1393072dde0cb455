"""Who descends from whom in one run, and how many ancestors the last cloud has on average."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.measure.confidence import mean_interval
from simulator.problem.library import open_problem
from simulator.samplers.registry import make_sampler

PROBLEM, N = "product:horizon=32", 16
CONFIDENCE = 0.99
SAMPLERS: dict[str, tuple[str, dict[str, object]]] = {
    "SMC, multinomial": ("smc", {}),
    "SMC, systematic": ("smc", {"resampling": "systematic"}),
    "SMC-RS": ("smc-rs", {}),
    "quasi-SMC": ("quasi-smc", {}),
}


def run_cell(label: str, runs: int, seed: int) -> Rows:
    """Return rows (sampler, n, part, level, place, value, low, high).

    Part "parent": value is the place of the parent, at the level before, of one particle of
    the first run, -1 if there is none (quasi-SMC may pick fewer than N). Part "ancestors":
    mean over all runs of the number of particles of that level from which the last cloud
    descends, and its 99% limits.
    """
    name, options = SAMPLERS[label]
    sampler = make_sampler(name, N, **options)
    parents = sampler.run(open_problem(PROBLEM), runs, rng=seed, keep=("genealogy",)).genealogy
    assert parents is not None
    same = {"sampler": label, "problem": PROBLEM, "n": N, "runs": runs}
    rows: Rows = [
        {**same, "part": "parent", "level": h + 1, "place": place, "value": float(parent),
         "low": float(parent), "high": float(parent)}
        for h in range(parents.shape[1])
        for place, parent in enumerate(parents[0, h])
    ]  # fmt: skip
    alive = parents[:, -1] >= 0
    for h in range(parents.shape[1], 0, -1):
        seen = mean_interval(alive.sum(axis=1), CONFIDENCE, 1.0, float(N))
        rows.append(
            {**same, "part": "ancestors", "level": h, "place": 0, "value": seen.value,
             "low": seen.low, "high": seen.high}
        )  # fmt: skip
        before = np.zeros_like(alive)
        run, place = np.nonzero(alive)
        before[run, parents[run, h - 1, place]] = True
        alive = before
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a sampler."""
    runs = 1000 if profile == "quick" else 20_000
    return [{"label": label, "runs": runs, "seed": 3} for label in SAMPLERS]


GENEALOGY = Experiment("genealogy", run_cell, cells)
