"""Brackets of the error against exact errors: coverage on a small tree, width at long horizons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.lumped import product_tv
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.interval import Interval
from simulator.measure.error import bracket
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC

TREE = "reference:horizon=3"


def run_cell(problem: str, n: int, runs: int, repeats: int, confidence: float, seed: int) -> Rows:
    """Return rows (problem, n, runs, confidence, repeat, low, high, exact, exact_high, ...)."""
    p, sampler = open_problem(problem), SMC(n)
    exact = _exact(p, sampler)
    rows: Rows = []
    for repeat, source in enumerate(np.random.SeedSequence(seed).spawn(repeats)):
        b = bracket(p, sampler, runs, rng=source, confidence=confidence)
        rows.append(
            {"problem": problem, "n": n, "runs": runs, "confidence": confidence, "repeat": repeat,
             "low": b.low, "high": b.high, "exact": exact.low,
             "exact_high": exact.high, "witness": b.witness,
             "certificate": min(b.certificates, key=b.certificates.__getitem__)}
        )  # fmt: skip
    return rows


def _exact(problem: Problem, sampler: SMC) -> Interval:
    """Error of multinomial SMC: one number, or close limits for the two-branch instance."""
    name = problem.instance.family if problem.instance else ""
    if name == "product":
        tv = product_tv(problem.horizon, sampler.n_particles)
    elif name == "two-branch":
        return two_branch_tv(problem.horizon, sampler.n_particles)
    else:
        tv = sampler.exact_law(problem).tv
    return Interval.exactly(tv)


def cells(profile: str) -> list[Mapping[str, object]]:
    """Coverage cells with many repetitions, then one bracket for each long horizon and N."""
    quick = profile == "quick"
    cover = [
        {"problem": TREE, "n": n, "runs": runs, "repeats": 100 if quick else 1000,
         "confidence": 0.9, "seed": n}
        for n in (1, 4) for runs in (400, 1600)
    ]  # fmt: skip
    wide = [
        {"problem": f"{name}:horizon={h}", "n": n, "runs": 1000 if quick else 20_000,
         "repeats": 1, "confidence": 0.99, "seed": n}
        for name, least in (("product", 4), ("two-branch", 16))
        for h in ((1000,) if quick else (1000, 10_000))
        for n in (4, 8, 16, 32, 64, *(() if quick else (128, 256))) if n >= least
    ]  # fmt: skip
    return [*cover, *wide]


CERTIFICATES = Experiment("certificates", run_cell, cells)
