"""Exact variances of W^_h on the variance instance (arXiv 2603.07887, C.5)."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.families.variance import variance
from simulator.samplers.smc.sampler import SMC
from theory.bounds.weight_variance import weight_variance
from theory.criteria import criteria
from theory.instances.variance import exact_prefix_variance, variance_bound

SIZES = (1, 8, 64)
HORIZONS = (2, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40)


def run_cell(horizon: int, n: int) -> Rows:
    """Return rows (horizon, n, level, variance, bound, s2, error, chi2), one a level."""
    problem, sampler = variance(horizon), SMC(n)
    same = {
        "horizon": horizon, "n": n, "bound": variance_bound(horizon, n),
        "s2": weight_variance(problem, sampler), "chi2": float(criteria(problem).chi2.max()),
        "error": sampler.exact_law(problem, on="states").tv,
    }  # fmt: skip
    return [
        {**same, "level": level, "variance": exact_prefix_variance(problem, level, n)}
        for level in range(1, horizon + 1)
    ]


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a horizon and N; both profiles are exact."""
    return [{"horizon": horizon, "n": n} for horizon in HORIZONS for n in SIZES]


VARIANCE = Experiment("variance", run_cell, cells)
