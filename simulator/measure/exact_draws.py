"""Exact draws from pi* where Z is unknown: rejection from pi_ref, with rewards in [0, r_max]."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.samplers.baselines.sis import SIS
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from simulator.streams.seeds import seed_sequence
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats, RngLike

__all__ = ["ExactDraws", "check_rewards", "draw_exactly", "draw_reference"]

ROUNDING = 1e-9  # by which log r may be above log r_max


@dataclass(frozen=True)
class ExactDraws:
    """Independent draws from pi*, and what they have cost.

    Parameters
    ----------
    tokens : (n, T) int32 array
        Token paths, padded as `Runs.tokens` are.
    accepted, tries : int
        Draws from pi_ref that were accepted, and all; n is at most the former.
    prm_evaluations, model_calls : int
        What all tries have cost.
    """

    tokens: npt.NDArray[np.int32]
    accepted: int
    tries: int
    prm_evaluations: int
    model_calls: int


def draw_exactly(
    problem: Problem | LanguageModelProblem, n: int, log_r_max: float, most: int, rng: RngLike
) -> ExactDraws:
    """Draw from pi_ref and accept with probability r/r_max, until n are accepted.

    Which tries are accepted tells nothing of the accepted paths: however many there are, they are
    independent draws from pi*.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What is sampled.
    n : int
        Number of draws that are wanted.
    log_r_max : float
        log of the largest reward.
    most : int
        Largest number of tries; there may then be fewer than n draws.
    rng : int, SeedSequence or Generator
        The only source of randomness.

    Returns
    -------
    ExactDraws

    Raises
    ------
    InputError
        If a reward is above r_max; the message names the path.
    """
    root = seed_sequence(rng)
    found, accepted, tries = [], 0, 0
    costs = np.zeros(2, dtype=np.int64)
    while accepted < n and tries < most:
        draws, coins = root.spawn(2)
        runs = draw_reference(problem, min(n, most - tries), log_r_max, draws)
        assert runs.tokens is not None
        assert runs.log_w is not None
        uniforms = np.random.default_rng(coins).random(len(runs))
        passed = uniforms < np.exp(runs.log_w - log_r_max)
        found.append(runs.tokens[passed])
        accepted += int(passed.sum())
        tries += len(runs)
        costs += runs.prm_evaluations.sum(), runs.model_calls.sum()
    return ExactDraws(np.concatenate(found)[:n], accepted, tries, int(costs[0]), int(costs[1]))


def draw_reference(
    problem: Problem | LanguageModelProblem, n: int, log_r_max: float, rng: RngLike
) -> Runs:
    """Draw whole paths from pi_ref, with log r in `Runs.log_w`.

    Where texts must end (`force_end`) the last token is one that ends them, and r carries the
    probability of ending there. Texts whose reward is certain to be 0 are not drawn to their end.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What is sampled.
    n : int
        Number of draws.
    log_r_max : float
        log of the largest reward.
    rng : int, SeedSequence or Generator
        The only source of randomness.

    Returns
    -------
    Runs
        A draw of reward 0 counts as failed.

    Raises
    ------
    InputError
        If a reward is above r_max; the message names the path.
    """
    stops = isinstance(problem, LanguageModelProblem) and problem.prm.certain_zeros
    alone = SMC(1) if stops else SIS(1)  # W^_H is r either way, where V^ is not 0 on the path
    runs = alone.run(problem, n, rng=rng, keep=("tokens",))
    assert runs.tokens is not None
    assert runs.log_w is not None
    check_rewards(problem, runs.tokens, runs.log_w, log_r_max)
    return runs


def check_rewards(
    problem: Problem | LanguageModelProblem,
    tokens: npt.NDArray[np.int32],
    log_rewards: Floats,
    log_r_max: float,
) -> None:
    """Refuse a reward above r_max.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What is sampled.
    tokens : (n, T) int array
        Token paths.
    log_rewards : (n,) array
        Their log r.
    log_r_max : float
        log of the largest reward.

    Raises
    ------
    InputError
        If there is one; the message names the path.
    """
    k = int(np.argmax(log_rewards))
    if log_rewards[k] <= log_r_max + ROUNDING:
        return
    path = tokens[k].tolist() if isinstance(problem, Problem) else problem.text(tokens[k])
    raise InputError(
        f"r_max: {path!r:.60} has reward {np.exp(log_rewards[k]):g}, above {np.exp(log_r_max):g}"
    )
