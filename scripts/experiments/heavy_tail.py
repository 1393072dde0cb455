"""A PRM that is right but on a set of small probability, where it is K times too low (3.5, D.3).

Two absorbing branches with r = 1; branch 0 has probability RARE and V^ = 1/K below level H. So
chi-square is about RARE K, without limit, while Cov_M(h) <= RARE for every M > 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.criteria import criteria
from theory.registry import BOUNDS

RARE, HORIZON = 0.02, 3
TAILS = tuple(float(10**k) for k in np.arange(0, 8.5, 0.5))
SHOWN = {"smc": ("1.1", "3.2", "S1", "3.5", "J"), "smc-rs": ("3.8", "S-RS", "D.3", "J")}


def underrated(factor: float) -> Problem:
    """Return the instance.

    Parameters
    ----------
    factor : float
        K >= 1.

    Examples
    --------
    >>> [v.round(4).tolist() for v in underrated(100.0).prm]
    [[1.0], [0.01, 1.0], [0.01, 1.0], [1.0, 1.0]]
    """
    first, fork = [[RARE, 1 - RARE]], [[0, 1]]
    later, stay = [[1.0, 0.0], [1.0, 0.0]], [[0, 0], [1, 1]]
    model = TabularModel([first, *[later] * (HORIZON - 1)], [fork, *[stay] * (HORIZON - 1)])
    inner = [[1 / factor, 1.0]] * (HORIZON - 1)
    return Problem(model, [1.0, 1.0], [[1.0], *inner, [1.0, 1.0]], name=f"underrated:K={factor:g}")


def run_cell(factor: float, n: int) -> Rows:
    """Return rows (problem, factor, chi2, rare, n, sampler, quantity, value, low, high), exact."""
    problem = underrated(factor)
    c = criteria(problem)
    same = {
        "problem": problem.name,
        "factor": factor,
        "chi2": float(c.chi2.max()),
        "rare": RARE,
        "n": n,
    }
    return [
        {**same, "sampler": name, "quantity": quantity, "value": value, "low": value, "high": value}
        for name, sampler in (("smc", SMC(n)), ("smc-rs", SMCRejection(n)))
        for quantity, value in (
            ("exact error", sampler.exact_law(problem, on="states").tv),
            *((b, BOUNDS[b].value(problem, sampler)) for b in SHOWN[name]),
        )
    ]


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a factor."""
    return [{"factor": factor, "n": 128 if profile == "quick" else 256} for factor in TAILS]


HEAVY_TAIL = Experiment("heavy_tail", run_cell, cells)
