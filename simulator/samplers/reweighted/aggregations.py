r"""Step scores put together into one score of a text: product, minimum, last, mean or your own.

A process reward model gives a score s_h = V^(y_{1:h}) to each step. Searches on language models
weight a partial text by an aggregation A_h = A(s_1, ..., s_h) of its scores (H. Lightman et al.,
"Let's Verify Step by Step", arXiv 2305.20050: product and minimum). SMC then multiplies the
weight of a particle by A_h / A_{h-1} at each step, with A_0 = 1, so the ratios telescope and as N
grows the output converges to

    law(y) ∝ pi_ref(y) A(s_1, ..., s_H):

for the last score pi_ref V^, which is the target if V^ = r at the end; for the product the law of
the rule ``absolute``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from simulator.checks import check_choice
from simulator.errors import InputError, TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.reweighted.rule import Rule, steps_of
from simulator.typing import Floats

__all__ = ["AGGREGATIONS", "aggregate", "aggregation"]


MOST_SCORES = 20_000_000  # of all paths together, for functions that see whole paths

# log A_{h-1}, log s_h and h to log A_h
Step = Callable[[Floats, Floats, int], Floats]


def _product(before: Floats, score: Floats, h: int) -> Floats:
    return before + score


def _minimum(before: Floats, score: Floats, h: int) -> Floats:
    return score if h == 1 else np.minimum(before, score)


def _last(before: Floats, score: Floats, h: int) -> Floats:
    return score


def _mean(before: Floats, score: Floats, h: int) -> Floats:
    return score if h == 1 else np.logaddexp(before + math.log(h - 1), score) - math.log(h)


STEPS: dict[str, Step] = {
    "product": _product,
    "minimum": _minimum,
    "last": _last,
    "mean": _mean,
}


def aggregate(name: str, log_scores: Floats) -> float:
    """Return the log of an aggregation of the scores of one text; of no scores it is log 1.

    Parameters
    ----------
    name : {"product", "minimum", "last", "mean"}
        Which one.
    log_scores : (h,) array
        log of the scores of its steps, in turn.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If there is no aggregation of this name.

    Examples
    --------
    >>> scores = np.log([0.5, 0.25])
    >>> [round(math.exp(aggregate(name, scores)), 3) for name in AGGREGATIONS]
    [0.125, 0.25, 0.25, 0.375]
    """
    check_choice("aggregate", name, STEPS)
    log_a = np.zeros(())
    for h, score in enumerate(np.asarray(log_scores), 1):
        log_a = STEPS[name](log_a, score, h)
    return float(log_a)


def _running(step: Step) -> Callable[[Problem], Floats]:
    """Factors of an aggregation that needs its last value and the new score only."""

    def factors(tree: Problem) -> Floats:
        log_a, out = np.zeros_like(tree.log_prm_flat), np.zeros_like(tree.log_prm_flat)
        for h, (source, target) in enumerate(steps_of(tree), 1):
            log_a[target] = step(log_a[source], tree.log_prm_flat[target], h)
            out[target] = _ratio(log_a[target], log_a[source])
        return out

    return factors


def _ratio(after: Floats, before: Floats) -> Floats:
    """Log A_h / A_{h-1}; a path whose weight was 0 stays without."""
    alive = np.isfinite(before)
    return np.where(alive, after - np.where(alive, before, 0.0), -np.inf)


def aggregation(name: str, function: Callable[[Floats], float], text: str = "") -> Rule:
    """Make a rule of your own function of the scores of a path.

    Parameters
    ----------
    name : str
        How results call it.
    function : callable
        Takes the scores V^(y_1), ..., V^(y_{1:h}) of one partial text, an (h,) array, and
        returns its weight, a finite number >= 0. It is called once for each partial text.
    text : str, optional
        What it does, in a line.

    Returns
    -------
    Rule
        For `AuditedSMC`, `limit_law` and `limit_error`. It raises InputError where `function`
        returns what is no weight, TooLargeError where the paths hold too many scores.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> from simulator.samplers.reweighted.limits import limit_error
    >>> geometric = aggregation("geometric", lambda scores: scores.prod() ** (1 / len(scores)))
    >>> round(limit_error(reference(3), geometric), 3)
    0.16
    """

    def factors(tree: Problem) -> Floats:
        n_scores = sum(h * len(target) for h, (_, target) in enumerate(steps_of(tree), 1))
        if n_scores > MOST_SCORES:
            raise TooLargeError(f"rule {name}: {n_scores:.3g} scores along all paths are too many")
        out = np.zeros_like(tree.log_prm_flat)
        score, log_a = np.exp(tree.log_prm_flat), np.zeros_like(out)
        paths = np.zeros((len(out), 0))
        for h, (source, target) in enumerate(steps_of(tree), 1):
            rows = np.empty((len(target), h))
            rows[:, :-1] = paths[source - tree.model.state_start[h - 1]]
            rows[:, -1] = score[target]
            log_a[target] = [_log_weight(name, function, row) for row in rows]
            out[target] = _ratio(log_a[target], log_a[source])
            paths = np.zeros((int(np.diff(tree.model.state_start)[h]), h))
            paths[target - tree.model.state_start[h]] = rows
        return out

    return Rule(name, text or f"{name} of the scores so far", factors)


def _log_weight(name: str, function: Callable[[Floats], float], scores: Floats) -> float:
    try:
        weight = float(function(scores))
    except (TypeError, ValueError) as fault:
        raise InputError(f"aggregation {name}: {fault}") from None
    if not 0 <= weight < math.inf:
        raise InputError(f"aggregation {name}: {weight} of scores {scores.tolist()} is no weight")
    return math.log(weight) if weight else -math.inf


AGGREGATIONS: dict[str, Rule] = {
    name: Rule(name, text, _running(STEPS[name]))
    for name, text in (
        ("product", "product of the scores so far; as absolute"),
        ("minimum", "smallest of the scores so far"),
        ("last", "last score; converges to the target if V^ = r at the end"),
        ("mean", "mean of the scores so far"),
    )
}
