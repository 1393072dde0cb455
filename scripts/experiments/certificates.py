"""Brackets of the error against exact errors: coverage on a small tree, width at long horizons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.lumped import product_tv
from simulator.measure.error import bracket
from simulator.models.library import open_problem
from simulator.samplers.smc import SMC

TREE = "reference:horizon=3"


def run_cell(problem: str, n: int, runs: int, repeats: int, confidence: float, seed: int) -> Rows:
    """Rows (problem, n, runs, confidence, repeat, low, high, exact, witness, certificate)."""
    p, sampler = open_problem(problem), SMC(n)
    name, _, horizon = problem.partition(":horizon=")
    exact = product_tv(int(horizon), n) if name == "product" else sampler.exact_law(p).tv
    rows: Rows = []
    for repeat, source in enumerate(np.random.SeedSequence(seed).spawn(repeats)):
        b = bracket(p, sampler, runs, rng=source, confidence=confidence)
        rows.append(
            {"problem": problem, "n": n, "runs": runs, "confidence": confidence, "repeat": repeat,
             "low": b.low, "high": b.high, "exact": exact, "witness": b.witness,
             "certificate": min(b.certificates, key=b.certificates.__getitem__)}
        )  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Coverage cells with many repetitions, then one bracket for each long horizon and N."""
    quick = profile == "quick"
    cover = [
        {"problem": TREE, "n": n, "runs": runs, "repeats": 100 if quick else 1000,
         "confidence": 0.9, "seed": n}
        for n in (1, 4) for runs in (400, 1600)
    ]  # fmt: skip
    wide = [
        {"problem": f"product:horizon={h}", "n": n, "runs": 1000 if quick else 20_000,
         "repeats": 1, "confidence": 0.99, "seed": n}
        for h in ((1000,) if quick else (1000, 10_000))
        for n in ((4, 8, 16, 32, 64) if quick else (4, 8, 16, 32, 64, 128, 256))
    ]  # fmt: skip
    return [*cover, *wide]


CERTIFICATES = Experiment("certificates", run_cell, cells)
