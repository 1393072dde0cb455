"""Error and bounds of samplers against action-level coverage and the error of the PRM."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.prms import NoisyPRM
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.criteria import criteria
from theory.registry import BOUNDS
from theory.verdict import Report, check

__all__ = [
    "CURVES", "GRID", "MOST", "SAMPLERS", "Study", "coverage_problem", "criteria_of", "study"
]  # fmt: skip

# largest N whose exact law and bound T, at all smaller N too, take about 0.1 s
MOST = {2: 8, 3: 6, 4: 4}
SAMPLERS: dict[str, type[SMC] | type[SMCRejection]] = {"SMC": SMC, "SMC-RS": SMCRejection}
GRID = tuple(2**k for k in range(15))
# bounds that are drawn for all N, and those that are a mean over clouds and need enumeration
CURVES = {
    "SMC": ("1.1", "3.2", "C.4", "S1", "F-star", "J"),
    "SMC-RS": ("3.8", "S-RS", "F-star-RS", "J"),
}
ENUMERATED = {"SMC": "T", "SMC-RS": "T-RS"}


@dataclass(frozen=True)
class Study:
    """What chapter 2 shows.

    Attributes
    ----------
    report : Report
        Error and verdicts at the chosen N.
    errors : dict of int to float
        Exact error at N = 1, 2, ..., the largest that is enumerated.
    curves : dict of str to list of float
        Bounds on `GRID`.
    """

    report: Report
    errors: dict[int, float]
    curves: dict[str, list[float]]


@lru_cache(maxsize=32)
def coverage_problem(coverage: float, sigma: float, horizon: int, seed: int = 1) -> Problem:
    r"""Return a tree of coin tosses with a given action-level coverage and a noisy PRM.

    The target tosses fair coins; the base model picks token 1 with probability 1/(2C) only.
    So r(path) = prod over its tokens of C (token 1) or 1/(2 - 1/C) (token 0), Z = 1 and
    C_act = C exactly. V^ = V* exp(sigma g) with independent normal g.

    Parameters
    ----------
    coverage : float
        C >= 1.
    seed : int, optional
        Of the noise.

    Examples
    --------
    >>> problem = coverage_problem(4.0, 0.0, 3)
    >>> round(criteria(problem).action_coverage, 12), abs(problem.log_z) < 1e-12
    (4.0, True)
    """
    one = 1 / (2 * coverage)
    rows = [np.tile([1 - one, one], (2**h, 1)) for h in range(horizon)]
    reward = np.ones(1)
    for _ in range(horizon):
        reward = np.outer(reward, [0.5 / (1 - one), coverage]).ravel()
    return Problem(TabularModel.tree(rows), reward, NoisyPRM(sigma, seed))


def criteria_of(problem: Problem) -> dict[str, object]:
    """Return the criteria that the bounds speak of."""
    c = criteria(problem)
    return {
        "Action-level coverage of V*": c.action_coverage,
        "The same of the reward model": c.prm_coverage,
        "L∞ error of the reward model": c.prm_accuracy,
        "Largest χ² of a level": float(max(c.chi2)),
    }


@lru_cache(maxsize=4096)
def study(
    sampler: str, coverage: float, sigma: float, horizon: int, n_particles: int, seed: int = 1
) -> Study:
    """Compute errors, curves and verdicts.

    Parameters
    ----------
    sampler : str
        Of `SAMPLERS`.
    horizon : int
        Of `MOST`.
    n_particles : int
        N, cut at ``MOST[horizon]``.

    Examples
    --------
    >>> made = study("SMC", 2.0, 0.5, 3, 4)
    >>> all(v.status == "holds" for v in made.report.verdicts), len(made.errors)
    (True, 6)
    """
    problem = coverage_problem(coverage, sigma, horizon, seed)
    ids = (*CURVES[sampler], ENUMERATED[sampler])
    made = SAMPLERS[sampler](min(n_particles, MOST[horizon]))
    report = check(problem, made, bounds=ids)
    return Study(report, *_over_n(sampler, coverage, sigma, horizon, seed))


@lru_cache(maxsize=64)
def _over_n(
    sampler: str, coverage: float, sigma: float, horizon: int, seed: int
) -> tuple[dict[int, float], dict[str, list[float]]]:
    """Compute errors and curves, which are the same for each chosen N."""
    problem = coverage_problem(coverage, sigma, horizon, seed)

    def make(n: int) -> Sampler:
        return SAMPLERS[sampler](n)

    errors = {n: make(n).exact_law(problem, on="states").tv for n in range(1, MOST[horizon] + 1)}
    curves = {b: [BOUNDS[b].value(problem, make(n)) for n in GRID] for b in CURVES[sampler]}
    return errors, curves
