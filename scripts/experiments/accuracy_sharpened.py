"""The product instance, its PRM to the power lambda: accuracy against chi-square, closed forms."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.samplers.smc.sampler import SMC
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.sharpened_product import SharpenedProduct

LAMBDAS = tuple(float(x) for x in np.round(np.concatenate(
    [np.arange(0, 3.01, 0.125), np.arange(3.5, 10.1, 0.5)]), 3))  # fmt: skip


def run_cell(answer: str, horizon: int, n: int, power: float) -> Rows:
    """One row: the output has two thirds of ones, or one of N proposals has ones only."""
    at = SharpenedProduct(horizon, n, power)
    if answer == "output":
        k = -(-2 * horizon // 3)
        right = np.arange(horizon + 1) >= k
        limits = sampled_accuracy(at.problem(), SMC(n), right)
        low, value, high, target = limits.low, at.at_least(k), limits.high, at.target_at_least(k)
    else:
        low, high = at.hit_limits()
        value, target = at.hit(), at.target_at_least(horizon)
    return [
        {"answer": answer, "horizon": horizon, "n": n, "lambda": power, "accuracy": value,
         "low": low, "high": high, "target": target, "error": at.tv(),
         "chi2": at.chi2(horizon - 1)}
    ]  # fmt: skip


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a way of answering and power."""
    return [
        {"answer": answer, "horizon": horizon, "n": n, "power": power}
        for answer, horizon, n in (("output", 60, 32), ("any", 12, 16))
        for power in LAMBDAS
    ]


ACCURACY_SHARPENED = Experiment("accuracy_sharpened", run_cell, cells)
