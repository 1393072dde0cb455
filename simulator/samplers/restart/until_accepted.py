"""Start a run again until it is accepted: rejection sampling over whole runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.exact.law import ExactLaw, total_variation
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.streams.xoshiro import uniforms
from simulator.typing import Seeds

__all__ = ["BLANK", "capped", "n_attempts", "until_accepted"]


COUNTED = ("prm_evaluations", "model_calls")
# what stands in the results of a run that was never accepted, where it is not -1
BLANK = {"failed": True, "ess": 0.0, "cloud_log_weights": -np.inf}


def n_attempts(problem: Problem, max_restarts: int) -> int:
    """Return how often a run is tried at most: once if W^_H = 0 is certain."""
    return 1 if problem.forward_backward.log_z_alive == -math.inf else max_restarts + 1


def until_accepted(
    attempt: Callable[[Seeds], Runs], seeds: Seeds, log_bound: float, attempts: int
) -> Runs:
    r"""Accept each run with probability min(W^_H/bound, 1), else draw it again.

    A run draws its acceptance from its own generator, after everything else, and goes on
    with that generator: so it depends on its seed only.

    Parameters
    ----------
    attempt : callable
        Draws one run from each generator, and leaves the generators where the runs left them.
    seeds : (R, 4) uint64 array
        Not changed.
    attempts : int
        After so many the run has failed.

    Returns
    -------
    Runs
        The accepted runs, with the cost of all attempts and the number of restarts. `log_w` is
        None: W^_H of an accepted run is no estimate of Z.
    """
    seeds, rows = seeds.copy(), np.arange(len(seeds))
    cost: dict[str, Any] = {name: np.zeros(len(seeds), dtype=np.int64) for name in COUNTED}
    restarts = np.zeros(len(seeds), dtype=np.int64)
    kept: dict[str, Any] = {}
    for _ in range(attempts):
        runs = attempt(seeds)
        assert runs.log_w is not None
        accepted = uniforms(seeds) < np.exp(np.minimum(runs.log_w - log_bound, 0.0))
        for name in COUNTED:
            cost[name][rows] += getattr(runs, name)
        for field in fields(runs):
            x = getattr(runs, field.name)
            if x is None or field.name in (*COUNTED, "log_w"):
                continue
            if field.name not in kept:
                blank = BLANK.get(field.name, -1)
                kept[field.name] = np.full((len(restarts), *x.shape[1:]), blank, x.dtype)
            kept[field.name][rows[accepted]] = x[accepted]
        rows, seeds = rows[~accepted], seeds[~accepted]
        if rows.size == 0:
            break
        restarts[rows] += 1
    restarts[rows] = attempts - 1
    return Runs(log_w=None, restarts=restarts, **cost, **kept)


def capped(exact: ExactLaw, attempts: int) -> ExactLaw:
    """Give the failure of a sampler that stops after so many attempts its probability.

    Parameters
    ----------
    exact : ExactLaw
        Law given acceptance, and the probability of acceptance.
    """
    assert exact.acceptance is not None
    failure = (1 - exact.acceptance) ** attempts
    law = exact.law * (1 - failure)
    tv = total_variation(exact.target, law)
    return replace(exact, law=law, failure=failure, tv=tv)
