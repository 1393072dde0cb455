"""Exact bias of SMC on the two-branch instance, between its lower bound and bound F-star."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.lumped import two_branch_bias
from simulator.problem.families.two_branch import two_branch
from simulator.samplers.smc.sampler import SMC
from theory.instances.two_branch import lower_bound
from theory.registry import BOUNDS


def run_cell(n: int, longest: int) -> Rows:
    """Return rows (n, horizon, bias, lower, upper) for H = 2, 4, 8, ..., longest * N."""
    rows: Rows = []
    horizon = 2
    while horizon <= longest * n:
        upper = BOUNDS["F-star"].value(two_branch(horizon), SMC(n))
        rows.append(
            {"n": n, "horizon": horizon, "bias": two_branch_bias(horizon, n),
             "lower": lower_bound(horizon, n), "upper": upper}
        )  # fmt: skip
        horizon *= 2
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a number of particles."""
    sizes = (256, 128, 64, 32, 16, 8) if profile == "quick" else (512, 256, 128, 64, 32, 16, 8)
    return [{"n": n, "longest": 32} for n in sizes]


TWO_BRANCH = Experiment("two_branch", run_cell, cells)
