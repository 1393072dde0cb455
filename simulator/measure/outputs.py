"""What outputs are worth: accuracy and expected reward, exact from a law or measured from runs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.checks import check_real
from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.interval import Interval
from simulator.measure.confidence import clopper_pearson, mean_interval
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.runs import Runs
from simulator.text.problem import LanguageModelProblem
from simulator.text.rewards import log_rewards

__all__ = ["accuracy", "expected_reward"]

ROUNDING = 1e-9


def accuracy(
    correct: npt.ArrayLike, outputs: ExactLaw | Runs, confidence: float = 0.99
) -> Interval:
    """Probability that the output is a correct answer; a failed run is not.

    Parameters
    ----------
    correct : (S_H,) bool array
        Which terminal states are correct answers.
    outputs : ExactLaw or Runs
        A law on terminal states, or runs.
    confidence : float, optional
        Of the limits of Clopper and Pearson, for runs.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        If `correct` does not fit.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = reference(3)
    >>> best = problem.reward > 2.5
    >>> round(accuracy(best, SMC(2).exact_law(problem)).value, 6)
    0.249049
    """
    mask = np.asarray(correct)
    if mask.dtype != np.bool_:
        raise InputError("correct: not an array of truth values, one a terminal state")
    if isinstance(outputs, ExactLaw):
        if mask.shape != outputs.law.shape:
            raise InputError(f"correct: shape {mask.shape}, but the law has {outputs.law.shape}")
        return Interval.exactly(float(outputs.law[mask].sum()))
    reached = outputs.states[~outputs.failed]
    if mask.ndim != 1 or (reached.size and reached.max() >= mask.size):
        raise InputError(f"correct: shape {mask.shape} does not fit the terminal states")
    hits, n = int(mask[reached].sum()), len(outputs)
    return Interval(hits / n, *clopper_pearson(hits, n, 1 - confidence), confidence)


def expected_reward(
    problem: Problem | LanguageModelProblem,
    outputs: ExactLaw | Runs,
    confidence: float = 0.99,
    *,
    r_max: float | None = None,
) -> Interval:
    """E[r(output)], with 0 for failure.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        A table has no edge rewards: r is then a function of the terminal state.
    outputs : ExactLaw or Runs
        A law on terminal states, or runs; of a language model runs that kept their tokens.
    confidence : float, optional
        Of the limits by betting, for runs.
    r_max : float, optional
        The largest reward there can be, which the limits need; that of a table is known.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        If there are edge rewards, r is beyond the range of floats or above `r_max`, the law is
        one on paths, or `r_max` or tokens are missing.
    """
    if isinstance(problem, LanguageModelProblem):
        return _of_texts(problem, outputs, confidence, r_max)
    check_tabular(problem, "expected reward")
    if problem.has_edge_reward:
        raise InputError("expected reward: the problem has edge rewards")
    reward = problem.reward
    if not np.isfinite(reward).all():
        raise InputError("expected reward: rewards beyond the range of floats")
    if isinstance(outputs, ExactLaw):
        if outputs.law.shape != reward.shape:
            raise InputError("expected reward: needs the law on terminal states")
        return Interval.exactly(float(outputs.law @ reward))
    got = np.where(outputs.failed, 0.0, reward[outputs.states])
    return mean_interval(got, confidence, 0.0, float(reward.max()))


def _of_texts(
    problem: LanguageModelProblem, outputs: ExactLaw | Runs, confidence: float, r_max: float | None
) -> Interval:
    if not isinstance(outputs, Runs) or outputs.tokens is None:
        raise InputError("expected reward: needs runs that kept their tokens")
    if r_max is None:
        raise InputError("expected reward: limits need r_max, the largest reward of a text")
    check_real("r_max", r_max, 0, above=True)
    got = np.zeros(len(outputs))
    there = ~outputs.failed
    if there.any():
        got[there] = np.exp(log_rewards(problem, outputs.tokens[there]))
    if got.max(initial=0.0) > r_max * (1 + ROUNDING):
        raise InputError(f"expected reward: {got.max():g} is above r_max = {r_max:g}")
    return mean_interval(np.minimum(got, r_max), confidence, 0.0, r_max)
