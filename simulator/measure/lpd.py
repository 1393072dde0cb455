r"""Log-probability discrepancy of outputs under two laws.

LPD = sum over p in {pi_ref, pi*} and levels h of
|E_nu[log p(a_h | a_<h)] - E_{pi*}[log p(a_h | a_<h)]| (arXiv 2603.07887, experiments: there
pi_ref and pi* are one language model under two prompts; a tabular problem has both laws as
tables). It is zero for exact samples, and needs no law of whole outputs.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.interval import Interval
from simulator.problem.problem import Problem, check_tabular
from simulator.problem.target import target_kernel
from simulator.samplers.runs import Runs
from simulator.typing import Floats

__all__ = ["log_probability_discrepancy"]


def log_probability_discrepancy(
    problem: Problem, outputs: ExactLaw | Runs, confidence: float = 0.99
) -> Interval:
    """LPD of the outputs that did not fail.

    Parameters
    ----------
    outputs : ExactLaw or Runs
        A law on paths, or runs with tokens.
    confidence : float, optional
        For runs: each of the 2H means is within its two-sided empirical Bernstein limits
        (Maurer and Pontil 2009, theorem 4) at the level 1 - (1 - confidence)/(2H), with the
        range of the level's logarithms on the support of pi*.

    Returns
    -------
    Interval
        inf if an output has probability zero under pi*.

    Raises
    ------
    InputError
        If there are no tokens, or fewer than two outputs that did not fail.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = reference(3)
    >>> values = [log_probability_discrepancy(problem, SMC(n).exact_law(problem)) for n in (1, 4)]
    >>> [round(x.value, 4) for x in values]
    [0.2318, 0.1192]
    """
    check_tabular(problem, "log-probability discrepancy")
    if outputs.tokens is None:
        raise InputError("LPD: needs a law on paths, or runs with tokens")
    if isinstance(outputs, ExactLaw):
        seen = outputs.law > 0
        weights = outputs.law[seen]
    else:
        seen = ~outputs.failed
        weights = np.ones(int(seen.sum()))
    tokens = outputs.tokens[seen]
    if len(tokens) < (1 if isinstance(outputs, ExactLaw) else 2):
        raise InputError("LPD: too few outputs that did not fail")
    weights = weights / weights.sum()
    ideal, least, most = _target_means(problem)
    mean, variance = _moments(problem, tokens, weights)
    if not np.isfinite(mean).all():
        return Interval(math.inf, math.inf, math.inf, 1.0)
    gap = np.abs(mean - ideal)
    if isinstance(outputs, ExactLaw):
        return Interval.exactly(float(gap.sum()))
    n = len(tokens)
    log_term = math.log(2 * 2 * gap.size / (1 - confidence))
    width = np.sqrt(2 * variance * n / (n - 1) * log_term / n)
    width += 7 * (most - least) * log_term / (3 * (n - 1))
    low = float(np.maximum(gap - width, 0.0).sum())
    return Interval(float(gap.sum()), low, float((gap + width).sum()), confidence)


def _logs(problem: Problem) -> Floats:
    """log pi_ref(a|s) and log pi*(a|s) of all edges in flat order, shape (2, n_edges)."""
    with np.errstate(divide="ignore"):
        return np.stack(
            [problem.forward_backward.edges.log_prob, np.log(target_kernel(problem).ravel())]
        )


def _target_means(problem: Problem) -> tuple[Floats, Floats, Floats]:
    """Means under pi*, least and largest logarithms on its support; each (2, H)."""
    e, kernel = problem.forward_backward.edges, target_kernel(problem).ravel()
    taken = problem.forward_backward.target_marginal[e.source] * kernel
    logs = _logs(problem)
    at, cut = taken > 0, e.start[:-1]
    mean = np.add.reduceat(np.where(at, logs, 0.0) * taken, cut, axis=1)
    least = np.minimum.reduceat(np.where(at, logs, np.inf), cut, axis=1)
    most = np.maximum.reduceat(np.where(at, logs, -np.inf), cut, axis=1)
    return mean, least, most


def _moments(
    problem: Problem, tokens: npt.NDArray[np.integer], weights: Floats
) -> tuple[Floats, Floats]:
    """Mean and variance of the logarithms along paths; each (2, H)."""
    logs, model = _logs(problem), problem.model
    mean, variance = np.empty((2, problem.horizon)), np.empty((2, problem.horizon))
    state = np.zeros(len(tokens), dtype=np.int64)
    for h in range(problem.horizon):
        token = tokens[:, h].astype(np.int64)
        x = logs[:, int(problem.forward_backward.edges.start[h]) + state * model.n_actions + token]
        mean[:, h] = x @ weights
        centred = x - np.where(np.isfinite(mean[:, h]), mean[:, h], 0.0)[:, None]
        variance[:, h] = np.where(np.isfinite(centred), centred, 0.0) ** 2 @ weights
        state = model.next_state[h][state, token]
    return mean, variance
