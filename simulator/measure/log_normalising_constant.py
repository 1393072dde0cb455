"""How far the estimate of log Z is off."""

from __future__ import annotations

import numpy as np

from simulator.checks import check_real
from simulator.errors import InputError
from simulator.interval import Interval
from simulator.problem.problem import Problem, check_tabular
from simulator.samplers.runs import Runs
from simulator.text.problem import LanguageModelProblem

__all__ = ["log_z_error"]


def log_z_error(
    problem: Problem | LanguageModelProblem,
    runs: Runs,
    quantile: float = 0.5,
    confidence: float = 0.99,
) -> Interval:
    """Quantile of |log W^_H - log Z|, the median by default.

    The limits are order statistics: they hold for every law of W^, with no moments, and
    failed runs, which are off by inf, are among them.

    Parameters
    ----------
    problem : Problem or LanguageModelProblem
        What was sampled; its log Z must be known, as it is on tables and in prompt switching.
    runs : Runs
        Of a sampler that estimates Z.
    quantile : float, optional
        In (0, 1).
    confidence : float, optional
        Probability that both limits hold, in (0, 1).

    Returns
    -------
    Interval
        Of the quantile; the upper limit is inf where there are too few runs.

    Raises
    ------
    InputError
        If the runs have no log W^, Z is not known, or the quantile is out of range.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = reference(3)
    >>> error = log_z_error(problem, SMC(256).run(problem, 1000, rng=0))
    >>> error.low < error.value < error.high < 0.1
    True
    """
    if not isinstance(problem, LanguageModelProblem):
        check_tabular(problem, "log Z error")
    if problem.log_z is None:
        raise InputError("log Z error: Z of this problem is not known")
    from scipy.stats import binom

    if runs.log_w is None:
        raise InputError("log Z error: the sampler estimates no Z")
    check_real("quantile", quantile, 0, 1, above=True, below=True)
    off = np.sort(np.abs(runs.log_w - problem.log_z))
    n, tail = off.size, (1 - confidence) / 2
    # P(off[k-1] > quantile) = P(Bin < k), P(off[k-1] < quantile) <= P(Bin >= k)
    below = int(binom.ppf(tail, n, quantile))
    above = int(binom.isf(tail, n, quantile)) + 1
    low = float(off[below - 1]) if below >= 1 else 0.0
    high = float(off[above - 1]) if above <= n else np.inf
    value = float(off[min(int(np.ceil(quantile * n)), n) - 1])
    return Interval(value, min(low, value), max(high, value), confidence)
