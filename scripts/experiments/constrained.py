"""Local masking of tokens, how far it is from the law given a match, and what particles repair."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scripts.experiments.experiment import Experiment, Rows
from simulator.interval import Interval
from simulator.measure.confidence import mean_interval
from simulator.measure.error import bracket
from simulator.problem.families.constrained import constrained
from simulator.problem.path_edges import path_edges
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.samplers.base import Sampler
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.typing import Floats
from theory.laws.first_order import first_order_law

PATTERNS = {
    "date": (r"\d{4}-\d{2}-\d{2}", 10),
    "address": (r"[a-z.]+@[a-z]+\.(org|com)", 16),
    "word": (r"(.* )?error( .*)?", 16),
    "quotation": (r'[^"]*"[^"]+"[^"]*', 24),
}
QUICK = ("date", "address", "word")
PRMS = ("mask", "expected")
SIZES = (4, 16, 64)
SAMPLERS: dict[str, Callable[[int], Sampler]] = {
    "smc": SMC,
    "smc, optimal proposal": lambda n: SMC(n, proposal="optimal"),
    "smc-rs": lambda n: SMCRejection(n, method="enumerate"),
    "quasi-smc": QuasiSMC,
}
CONFIDENCE = 0.99


def run_cell(pattern: str, prm: str, runs: int) -> Rows:
    """Return rows (pattern, prm, n, sampler, value, low, high).

    Errors have certified limits; in rows of n = 0 there are the constants A of first-order laws.
    """
    expression, horizon = PATTERNS[pattern]
    problem = constrained(pattern=expression, horizon=horizon, prm=prm)
    found: dict[tuple[str, int], Interval] = {("alrs", 1): one_particle_error(problem, 10 * runs)}
    for name in ("smc", "smc-rs"):
        found[name, 0] = first_order_law(problem, SAMPLERS[name](2), n_draws=10 * runs).constant
    for n in SIZES:
        for name, make in SAMPLERS.items():
            found[name, n] = bracket(problem, make(n), runs, rng=n, confidence=CONFIDENCE)
    return [
        {"pattern": pattern, "prm": prm, "n": size, "sampler": name, "value": x.value,
         "low": x.low, "high": x.high}
        for (name, size), x in found.items()
    ]  # fmt: skip


def one_particle_error(problem: Problem, draws: int) -> Interval:
    """D_TV of SMC-RS with one particle, which draws tokens ∝ pi_ref V^, from pi*.

    With q its law and B(x) = E_ref[V^(x_h) | x_{h-1} = x], D_TV = E_{pi*}[(1 - q/pi*)_+] and
    q/pi*(y) = prod over h of V^(x_h)/B(x_{h-1}) V*(x_{h-1})/V*(x_h): a mean of numbers in [0, 1]
    over draws from pi*. No mass is lost, and there are no edge rewards.
    """
    states = path_edges(problem.model, target_paths(problem, draws, 0))[0]
    step = problem.log_prm_flat[states[:, 1:]] - _log_next(problem)[states[:, :-1]]
    log_ratio = step.sum(axis=1) + problem.log_z - problem.log_value_flat[states[:, -1]]
    return mean_interval(-np.expm1(np.minimum(log_ratio, 0.0)), CONFIDENCE)


def _log_next(problem: Problem) -> Floats:
    """log B of all states before the last level, in flat order."""
    model, judged = problem.model, problem.prm
    with np.errstate(divide="ignore"):
        return np.concatenate(
            [
                np.log((p * judged[h + 1][move]).sum(axis=1))
                for h, (p, move) in enumerate(zip(model.probs, model.next_state, strict=True))
            ]
        )


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a pattern and PRM."""
    quick = profile == "quick"
    return [
        {"pattern": pattern, "prm": prm, "runs": 300 if quick else 4000}
        for pattern in (QUICK if quick else PATTERNS)
        for prm in PRMS
    ]


CONSTRAINED = Experiment("constrained", run_cell, cells)
