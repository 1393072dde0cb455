"""The `accuracy` command: how often a sampler answers right, as far as that can be said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from scripts.cli.law import read_event
from simulator.errors import InputError, TooLargeError
from simulator.measure.cloud_accuracy import Select, exact_accuracy, measured_accuracy
from simulator.problem.problem import Problem
from simulator.typing import Bools
from theory.accuracy.answers import Draws
from theory.accuracy.laws import accuracy_limits
from theory.laws.first_order import first_order_law

if TYPE_CHECKING:
    from simulator.samplers.base import Sampler

__all__ = ["accuracy"]

LIMIT = 1e7  # cloud transitions, some seconds
LAWS = {"sample": "A1", "best": "A3", "vote": "A4", "any": "A2"}
PREDICTORS = {"sample": "P1", "best": "P2", "vote": "P1", "any": "P2"}
WAYS = {
    "sample": "the output is right",
    "best": "the particle of highest terminal V^ is right",
    "vote": "right answers outweigh wrong ones",
    "any": "one of the N proposals is right (pass@N)",
}
NAMES = {
    "way": "accuracy: probability that",
    "particles": "particles N",
    "target": "pi*(E), right answers under the target",
    "exact": "exact accuracy, by enumeration",
    "low": "accuracy is at least",
    "high": "accuracy is at most",
    "limits": "limits of the accuracy",
    "law": "these limits are those of law",
    "confidence": "and hold with probability",
    "predicted": "predicted, no limit",
    "predictor": "that is predictor",
    "first_order": "pi*(E) - Cov(1_E, sigma)/N, for large N",
    "measured": "share of right answers in the runs",
    "measured_low": "accuracy is at least, from the runs",
    "measured_high": "accuracy is at most, from the runs",
    "measured_confidence": "and both hold with probability",
    "runs": "runs",
}


def accuracy(
    problem: Problem,
    sampler: Sampler,
    event: str,
    select: Select,
    draws: Draws,
    n_runs: int | None,
    seed: int,
    as_json: bool,
) -> dict[str, object]:
    """Say what is known of the accuracy; lines in plain English, or keys for JSON.

    Raises
    ------
    InputError
        If the event cannot be read, or nothing is known of how this sampler answers.
    """
    correct = read_event(problem, event)
    found: dict[str, object] = {
        "way": WAYS[select],
        "particles": int(sampler.n_particles),
        "target": float(problem.target[-1][correct].sum()),
    }
    omitted: dict[str, str] = {}
    try:
        found["exact"] = exact_accuracy(problem, sampler, correct, select, LIMIT)
    except TooLargeError as reason:
        omitted["exact"] = str(reason)
    found |= _limits(problem, sampler, correct, select, draws, omitted)
    if select == "sample":
        found |= _first_order(problem, sampler, correct, omitted)
    if n_runs is not None:
        got = measured_accuracy(
            problem, sampler, correct, select, n_runs=n_runs, rng=seed, confidence=draws.confidence
        )
        found |= {
            "measured": got.value, "measured_low": got.low, "measured_high": got.high,
            "measured_confidence": got.confidence, "runs": n_runs,
        }  # fmt: skip
    if not {"exact", "low", "measured"} & set(found):
        raise InputError(f"accuracy: {omitted['limits']}; --runs measures it")
    if as_json:
        return {"select": select, **found} | ({"omitted": omitted} if omitted else {})
    shown: dict[str, object] = {NAMES[key]: value for key, value in found.items()}
    if omitted:
        shown["not said, and why"] = {NAMES[key]: reason for key, reason in omitted.items()}
    return shown


def _limits(
    problem: Problem,
    sampler: Sampler,
    correct: Bools,
    select: Select,
    draws: Draws,
    omitted: dict[str, str],
) -> dict[str, object]:
    """Limits and prediction, or why there are none."""
    try:
        limits = accuracy_limits(problem, sampler, correct, select, draws)
    except InputError as reason:  # also what is too large
        omitted["limits"] = str(reason).removeprefix("law: ")
        return {}
    found: dict[str, object] = {"low": limits.low, "high": limits.high, "law": LAWS[select]}
    if limits.confidence < 1:
        found["confidence"] = limits.confidence
    if limits.predicted is not None:
        found |= {"predicted": limits.predicted, "predictor": PREDICTORS[select]}
    return found


def _first_order(
    problem: Problem, sampler: Sampler, correct: Bools, omitted: dict[str, str]
) -> dict[str, object]:
    """Return what the first-order law says at this N, or say why it says nothing."""
    try:
        law = first_order_law(problem, sampler, correct, n_draws=2)
    except InputError as reason:
        omitted["first_order"] = str(reason).removeprefix("law: ")
        return {}
    assert law.probability is not None
    assert law.covariance is not None
    value = law.probability - law.covariance / sampler.n_particles
    if not math.isfinite(value):
        omitted["first_order"] = "the covariance is beyond the range of floats"
        return {}
    return {"first_order": value}
