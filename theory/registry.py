"""All statements by id. A new one is a new file in theory/bounds or theory/claims."""

from __future__ import annotations

import importlib
import pkgutil

import theory.bounds
import theory.claims
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.claim import CLAIMS_FOUND, Claim
from theory.statement import FOUND, Bound

__all__ = ["BOUNDS", "CLAIMS", "bounds_for"]

for _package in (theory.bounds, theory.claims):
    for _module in sorted(m.name for m in pkgutil.iter_modules(_package.__path__)):
        importlib.import_module(f"{_package.__name__}.{_module}")

BOUNDS: dict[str, Bound] = FOUND
CLAIMS: dict[str, Claim] = CLAIMS_FOUND


def bounds_for(problem: Problem, sampler: Sampler) -> list[Bound]:
    """List the statements that speak of this sampler on this problem.

    Parameters
    ----------
    problem : Problem
    sampler : Sampler

    Returns
    -------
    list of Bound
        Their values may be inf.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]]]),
    ...                   [0.0, 1.0, 2.0, 1.0], "exact")
    >>> sorted(b.id for b in bounds_for(problem, SMC(4, resampling="systematic")))
    ['Z']
    """
    return [b for b in BOUNDS.values() if b.applicable(problem, sampler)]
