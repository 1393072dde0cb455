"""Exact error of SMC on the product instance at any horizon (arXiv 2603.07887, C.8 and C.9)."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.lumped import product_one_probability, product_tv

HORIZONS = tuple(2**k for k in range(6, 15))


def run_cell(horizon: int) -> Rows:
    """Return rows (horizon, n, one_probability, tv) for N = 1, 2, 4, ... up to 64 sqrt(H)."""
    rows: Rows = []
    n = 1
    while n <= 64 * horizon**0.5:
        rows.append(
            {"horizon": horizon, "n": n, "one_probability": product_one_probability(n),
             "tv": product_tv(horizon, n)}
        )  # fmt: skip
        n *= 2
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a horizon."""
    return [{"horizon": h} for h in HORIZONS]


PRODUCT = Experiment("product", run_cell, cells)
