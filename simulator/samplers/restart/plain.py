"""Samplers that start again, once more in plain Python: the same draws, equal output."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.restart.until_accepted import BLANK
from simulator.samplers.runs import Runs, concatenate
from simulator.samplers.smc.plain import run_plain_once
from simulator.samplers.smc.sampler import SMC
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["run_restarts_plain"]


def run_restarts_plain(
    problem: Problem, smc: SMC, log_bound: float, max_restarts: int, n_runs: int, rng: RngLike
) -> Runs:
    """Draw runs of SMC, each again and again until accepted with probability min(W^_H/bound, 1).

    Returns
    -------
    Runs
        With all optional results.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> run_restarts_plain(problem, SMC(1), np.log(3.0), 0, 8, 1).restarts.tolist()
    [0, 0, 0, 0, 0, 0, 0, 0]
    """
    seeds = run_seeds(rng, n_runs)
    return concatenate(
        [
            _run(problem, smc, log_bound, max_restarts, Xoshiro(words.tolist()))
            for words in seeds
        ]
    )  # fmt: skip


def _run(problem: Problem, smc: SMC, log_bound: float, max_restarts: int, rng: Xoshiro) -> Runs:
    evaluations, calls = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    for restarts in range(max_restarts + 1):
        run = run_plain_once(problem, smc, rng)
        assert run.log_w is not None
        evaluations, calls = evaluations + run.prm_evaluations, calls + run.model_calls
        if rng.uniform() < math.exp(min(0.0, float(run.log_w[0]) - log_bound)):
            return replace(
                run, log_w=None, prm_evaluations=evaluations, model_calls=calls,
                restarts=np.array([restarts]),
            )  # fmt: skip
    given: dict[str, Any] = {f.name: getattr(run, f.name) for f in fields(run)}
    nothing = {
        name: np.full_like(x, BLANK.get(name, -1)) for name, x in given.items() if x is not None
    }
    cost = {"prm_evaluations": evaluations, "model_calls": calls}
    return Runs(
        **given | nothing | cost | {"log_w": None, "restarts": np.array([max_restarts])}
    )  # fmt: skip
