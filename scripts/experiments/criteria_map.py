"""Criteria of random problems, and A of the first-order law, beside exact errors."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.exact.integrated_law import integrated_law
from simulator.exact.law import total_variation
from simulator.problem.families.random_tree import random_tree
from simulator.problem.transforms import fully_adapted
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.criteria import criteria
from theory.laws.first_order import first_order_law

SIZES, HORIZON = (4, 16), 3
FAMILIES = ("noisy", "tempered", "delayed")
PER_CELL = 10


def run_cell(family: str, first: int, count: int) -> Rows:
    """Return rows (family, problem, horizon, sampler, n, criteria, first_order, error)."""
    rows: Rows = []
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        strength = float(10 ** rng.uniform(-1, 0.3))  # sigma of the noise, or the power of V*
        tree = random_tree(
            horizon=HORIZON, seed=seed, concentration=float(10 ** rng.uniform(-0.5, 0.7)),
            prm=family, sigma=strength, beta=strength,
        )  # fmt: skip
        c = criteria(tree)
        known = {
            "family": family, "problem": seed, "horizon": HORIZON,
            "action_coverage": c.action_coverage, "prm_accuracy": c.prm_accuracy,
            "chi2": float(c.chi2.max()), "proposal_chi2": float(c.proposal_chi2.max()),
            "sequence_chi2": c.sequence_chi2,
        }  # fmt: skip
        for name, sampler, plain in (
            ("smc", SMC(2), tree), ("smc-rs", SMCRejection(2), fully_adapted(tree))
        ):  # fmt: skip
            a = first_order_law(tree, sampler).constant.value
            rows += [
                {**known, "sampler": name, "n": n, "first_order": a,
                 "error": total_variation(tree.target[-1], integrated_law(plain, n))}
                for n in SIZES
            ]  # fmt: skip
    return rows


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return cells of ten trees each."""
    count = 40 if profile == "quick" else 400
    return [
        {"family": family, "first": i, "count": PER_CELL}
        for family in FAMILIES
        for i in range(0, count, PER_CELL)
    ]


CRITERIA_MAP = Experiment("criteria_map", run_cell, cells)
