"""SMC with restart and DMC: whole runs are drawn again until one is accepted."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulator.errors import InputError
from simulator.language_models.engine.cloud import root_value
from simulator.language_models.engine.dispatch import engine
from simulator.language_models.engine.rejection import run_smc_rejection
from simulator.language_models.engine.smc import run_smc
from simulator.language_models.problem import LanguageModelProblem
from simulator.samplers.diffusion_monte_carlo import DiffusionMonteCarlo
from simulator.samplers.restarts import BLANK
from simulator.samplers.runs import Runs
from simulator.samplers.smc_rejection import SMCRejection
from simulator.samplers.smc_restart import SMCRestart
from simulator.streams.xoshiro import Xoshiro

__all__: list[str] = []

COSTS = ("prm_evaluations", "model_calls")


@engine.register
def _restart(sampler: SMCRestart, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    log_bound = math.log(2) + _log_number("accuracy", sampler.accuracy) + _log_root(problem)
    return until_accepted(
        lambda live: run_smc(sampler.smc, problem, live), rngs, log_bound, sampler.max_restarts
    )


@engine.register
def _dmc(sampler: DiffusionMonteCarlo, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    once = SMCRejection(sampler.n_particles, "enumerate")
    if not sampler.restart:
        return run_smc_rejection(once, problem, rngs)
    return until_accepted(
        lambda live: run_smc_rejection(once, problem, live),
        rngs, _log_number("z_bound", sampler.z_bound), sampler.max_restarts,
    )  # fmt: skip


def until_accepted(
    attempt: Callable[[list[Xoshiro]], Runs],
    rngs: list[Xoshiro],
    log_bound: float,
    max_restarts: int,
) -> Runs:
    """Accept each run with probability min(W^_H/bound, 1), else draw it again.

    Parameters
    ----------
    attempt : callable
        One run a generator.
    rngs : list of Xoshiro
    log_bound : float
    max_restarts : int
        After so many a run has failed.

    Returns
    -------
    Runs
        With `restarts`, without `log_w`; costs of all attempts added up.
    """
    waiting, out = np.arange(len(rngs)), {}
    restarts = np.zeros(len(rngs), dtype=np.int64)
    for k in range(max_restarts + 1):
        runs = attempt([rngs[i] for i in waiting])
        assert runs.log_w is not None
        found = {name: x for name, x in vars(runs).items() if x is not None and name != "log_w"}
        if k == 0:
            out = {
                name: np.full_like(x, 0 if name in COSTS else BLANK.get(name, -1))
                for name, x in found.items()
            }
        restarts[waiting] = k
        u = np.array([rngs[i].uniform() for i in waiting])
        kept = u < np.exp(np.minimum(runs.log_w - log_bound, 0.0))
        for name, x in found.items():
            if name in COSTS:
                out[name][waiting] += x
            else:
                out[name][waiting[kept]] = x[kept]
        waiting = waiting[~kept]
        if waiting.size == 0:
            break
    return Runs(**out, log_w=None, restarts=restarts)


def _log_number(name: str, value: float | str) -> float:
    if isinstance(value, str):
        raise InputError(f"{name}: of a language model it is not known, so a number is needed")
    return math.log(value)


def _log_root(problem: LanguageModelProblem) -> float:
    return root_value(problem.prm.start(problem, 1))
