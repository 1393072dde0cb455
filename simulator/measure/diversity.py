"""How different outputs are: distinct ones, collisions, entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.law import ExactLaw
from simulator.interval import Interval
from simulator.measure.confidence import clopper_pearson
from simulator.problem.problem import Problem, check_tabular
from simulator.problem.unfold import count_paths
from simulator.samplers.runs import Runs
from simulator.text.problem import LanguageModelProblem

__all__ = ["Diversity", "diversity"]

LARGEST_LOG = 700.0  # of a float


@dataclass(frozen=True)
class Diversity:
    """Diversity of outputs; failure counts as one more outcome.

    Parameters
    ----------
    distinct : Interval
        Expected number of distinct outcomes among `n` outputs.
    collision : Interval
        Probability that two independent outputs are equal, sum of the squared law.
    entropy : Interval
        Shannon entropy of the law, in nats.
    n : int
        Number of outputs that `distinct` counts.
    """

    distinct: Interval
    collision: Interval
    entropy: Interval
    n: int


def diversity(
    problem: Problem | LanguageModelProblem,
    outputs: ExactLaw | Runs,
    n: int | None = None,
    confidence: float = 0.99,
) -> Diversity:
    r"""Measure diversity, exactly from a law or from runs.

    From R runs: the number of distinct outcomes moves by at most 1 with one run, so it is
    within sqrt(R log(2/delta)/2) of its mean (McDiarmid). Disjoint pairs of runs are
    independent trials for collisions, with Clopper and Pearson's limits, while the value uses
    all pairs. The plug-in entropy is below the entropy on average, by at most
    log(1 + (K-1)/R) for K outcomes (Paninski, Neural Comput. 15, 2003), and one run moves it
    by at most 2 log(R)/R (Antos and Kontoyiannis, Random Struct. Algorithms 19, 2001).

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What was sampled; for runs it tells how many outcomes there can be.
    outputs : ExactLaw or Runs
        Runs are told apart by their tokens if kept, else by terminal states.
    n : int, optional
        Number of outputs for `distinct`; R for runs, where it must not be given.
    confidence : float, optional
        Of each interval.

    Returns
    -------
    Diversity

    Raises
    ------
    InputError
        If `n` is missing for a law, or there are fewer than 2 runs.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = reference(3)
    >>> d = diversity(problem, SMC(1).exact_law(problem), n=2)
    >>> round(d.distinct.value + d.collision.value, 12)
    2.0
    """
    if not isinstance(problem, LanguageModelProblem):
        check_tabular(problem, "diversity")
    from scipy.special import entr

    if isinstance(outputs, ExactLaw):
        if n is None:
            raise InputError("diversity: n is needed for a law")
        law = np.append(outputs.law, outputs.failure)
        distinct = float(-np.expm1(n * np.log1p(-np.minimum(law, 1 - 1e-16))).sum())
        return Diversity(
            Interval.exactly(distinct), Interval.exactly(float(law @ law)),
            Interval.exactly(float(entr(law).sum())), n,
        )  # fmt: skip
    n_runs = len(outputs)
    if n is not None or n_runs < 2:
        raise InputError("diversity: needs at least 2 runs, and no n")
    named = _names(outputs)
    counts = np.bincount(named).astype(np.float64)
    log_term = math.log(2 / (1 - confidence))
    kinds = counts.size
    room = math.sqrt(n_runs * log_term / 2)
    size = n_outcomes(problem, outputs)
    distinct_interval = Interval(
        float(kinds), max(kinds - room, 1.0), min(kinds + room, n_runs, size), confidence
    )
    pairs = n_runs // 2
    equal = int((named[: 2 * pairs : 2] == named[1 : 2 * pairs : 2]).sum())
    low, high = clopper_pearson(equal, pairs, 1 - confidence)
    value = float((counts * (counts - 1)).sum()) / (n_runs * (n_runs - 1))
    plug_in = float(entr(counts / n_runs).sum())
    step = 2 * math.log(max(n_runs, 3)) / n_runs
    wide = step * math.sqrt(n_runs * log_term / 2)
    bias = math.log1p((size - 1) / n_runs) if math.isfinite(size) else math.inf
    top = min(plug_in + wide + bias, math.log(size))
    return Diversity(
        distinct_interval,
        Interval(value, min(low, value), max(high, value), confidence),
        Interval(plug_in, max(plug_in - wide, 0.0), max(top, plug_in), confidence),
        n_runs,
    )


def n_outcomes(problem: Problem | LanguageModelProblem, outputs: Runs) -> float:
    """Count the outcomes that runs can have, failure included.

    Returns
    -------
    float
        inf beyond the range of floats; of a language model an upper limit, as not all lists of
        tokens are texts of their own.
    """
    if isinstance(problem, LanguageModelProblem):
        kinds = math.log(problem.lm.n_tokens + 1) * problem.max_tokens  # and what pads them
        return math.exp(kinds) + 1 if kinds < LARGEST_LOG else math.inf
    if outputs.tokens is None:
        return float(problem.model.n_states[-1]) + 1
    return count_paths(problem) + 1


def _names(runs: Runs) -> npt.NDArray[np.int64]:
    """Give each run the number of its outcome."""
    if runs.tokens is None:
        return np.unique(runs.states, return_inverse=True)[1]
    return np.unique(runs.tokens, axis=0, return_inverse=True)[1].ravel()
