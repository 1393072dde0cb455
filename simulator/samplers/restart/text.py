"""SMC with restart and DMC: whole runs are drawn again until one is accepted."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulator.errors import InputError
from simulator.samplers.restart.until_accepted import BLANK
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.particles import root_value
from simulator.text.problem import LanguageModelProblem

__all__ = ["known_number", "log_root", "until_accepted"]

COSTS = ("prm_evaluations", "model_calls")


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


def known_number(name: str, value: float | str) -> float:
    """log of an option that must be given as a number.

    Parameters
    ----------
    name : str
        Of the option.
    value : float or str
        What it is.

    Raises
    ------
    InputError
        If it is "auto".
    """
    if isinstance(value, str):
        raise InputError(f"{name}: of a language model it is not known, so a number is needed")
    return math.log(value)


def log_root(problem: LanguageModelProblem) -> float:
    """log V^(root).

    Parameters
    ----------
    problem : LanguageModelProblem
        What is sampled.
    """
    return root_value(problem.prm.start(problem, 1))
