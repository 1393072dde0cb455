"""SMC, quasi-SMC, SMC-RS and ALRS as PRM errors go to zero: V^ is V*(1 + eps) or V*(1 - eps)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.problem.families.random_tree import random_tree
from simulator.problem.problem import Problem
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.claims.alrs_drift import drift
from theory.registry import BOUNDS

N, HORIZON = 4, 4
EPSILONS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6)
DRIFTS = (0.02, 0.05, 0.1, 0.2)
HORIZONS = tuple(2**k for k in range(2, 15))


def tilted(seed: int, eps: float) -> Problem:
    """Return a random tree where each inner V^ is V* times 1 + eps or 1 - eps, by a fair coin.

    Parameters
    ----------
    eps : float
        In [0, 1).

    Examples
    --------
    >>> from theory.criteria import criteria
    >>> round(criteria(tilted(0, 0.2)).prm_accuracy, 12)
    1.25
    """
    tree = random_tree(horizon=HORIZON, seed=seed, prm="exact")
    inner = slice(1, int(tree.model.state_start[-2]))
    log_prm = tree.log_prm_flat.copy()
    up = np.random.default_rng(seed).random(inner.stop - 1) < 0.5
    log_prm[inner] += np.log1p(np.where(up, eps, -eps))
    return Problem.from_log(tree.model, tree.log_reward, log_prm)


def run_cell(seed: int, eps: float, horizons: tuple[int, ...] = ()) -> Rows:
    """Return rows (part, tree, horizon, n, eps, name, value) of one tree, or of ALRS's drift."""
    if horizons:
        return [
            {"part": "drift", "tree": seed, "horizon": h, "n": 1, "eps": eps, "name": "alrs",
             "value": drift(h, eps)} for h in horizons
        ]  # fmt: skip
    problem = tilted(seed, eps)
    found = {
        "smc": SMC(N).exact_law(problem).tv,
        "quasi-smc": QuasiSMC(N).exact_law(problem).tv,
        "smc-rs": SMCRejection(N).exact_law(problem).tv,
        "alrs": ActionLevelRejection().exact_law(problem).tv,
        "S1": BOUNDS["S1"].value(problem, SMC(N)),
        "S-RS": BOUNDS["S-RS"].value(problem, SMCRejection(N)),
    }
    return [
        {
            "part": "tree",
            "tree": seed,
            "horizon": HORIZON,
            "n": 1 if name == "alrs" else N,
            "eps": eps,
            "name": name,
            "value": value,
        }
        for name, value in found.items()
    ]


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a tree and eps, then one an eps of the drift."""
    trees = 6 if profile == "quick" else 40
    return [
        *({"seed": seed, "eps": eps} for seed in range(trees) for eps in EPSILONS),
        *({"seed": 0, "eps": eps, "horizons": HORIZONS} for eps in DRIFTS),
    ]


NEAR_PERFECT = Experiment("near_perfect", run_cell, cells)
