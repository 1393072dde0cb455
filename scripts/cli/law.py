"""The `law` command: the first-order law as a plain dictionary, and events as texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator.checks import is_int
from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.typing import Bools

if TYPE_CHECKING:
    from simulator.samplers.base import Sampler

__all__ = ["law", "read_event"]

TIE = 1e-9  # logs of rewards this close are equal, as for the samplers


def law(
    problem: Problem,
    make: Callable[[int], Sampler],
    event: str | None,
    n_draws: int,
    seed: int,
    as_json: bool,
) -> dict[str, object]:
    """Return A, A times the cost, the covariance with an event, and exact errors times N."""
    from theory.laws.at_size import exact_sizes
    from theory.laws.first_order import first_order_law

    correct = None if event is None else read_event(problem, event)
    found = first_order_law(problem, make(2), correct, n_draws=n_draws, rng=seed)
    a, cost = found.constant, found.evaluations
    shown: dict[str, object] = {"constant": a.value}
    if not a.exact:
        shown |= {"low": a.low, "high": a.high, "confidence": a.confidence}
    shown |= {
        "evaluations": cost,
        "constant_times_evaluations": None if cost is None else a.value * cost,
    }
    if correct is not None:
        shown |= {"probability": found.probability, "covariance": found.covariance}
    sizes = exact_sizes(problem, make, correct)
    if not as_json:
        rows = [
            {"N": at.n_particles, "N D_TV": at.error}
            | ({} if at.gain is None else {"N (P(E) - pi*(E))": at.gain})
            for at in sizes
        ]
        return shown | {"exact": rows}
    shown["exact"] = [[at.n_particles, at.error] for at in sizes]
    if correct is not None:
        shown["exact_gain"] = [[at.n_particles, at.gain] for at in sizes]
    return shown


def read_event(problem: Problem, text: str) -> Bools:
    """Return which terminal states an event names.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    text : str
        ``best`` for those of largest reward, their numbers as in ``0,2,5``, or a JSON file that
        holds a list of such numbers.

    Returns
    -------
    (S_H,) bool array

    Raises
    ------
    InputError
        If it is none of these, or a number is out of range or given twice.
    """
    size = int(problem.model.n_states[-1])
    if text == "best":
        if problem.has_edge_reward:
            raise InputError(
                "correct: 'best' needs rewards of terminal states alone, without edge_reward"
            )
        return np.asarray(problem.log_reward >= problem.log_reward.max() - TIE)
    states, where = _numbers(text)
    chosen = np.zeros(size, dtype=np.bool_)
    for state in states:
        if not (isinstance(state, int) and is_int(state) and 0 <= state < size):
            raise InputError(f"{where}: {state!r:.60} is no terminal state, 0 to {size - 1} are")
        if chosen[state]:
            raise InputError(f"{where}: {state} is given twice")
        chosen[state] = True
    return chosen


def _numbers(text: str) -> tuple[list[object], str]:
    """List what a text or a file names, and say how a message about it begins."""
    parts = text.split(",")
    if all(re.fullmatch(r" *[0-9]{1,18} *", part) for part in parts):
        return [int(part) for part in parts], "correct"
    try:
        raw = Path(text).read_bytes()
    except (OSError, ValueError):
        raise InputError(
            f"correct: {text!r:.60} is neither 'best', nor numbers of terminal states such as "
            "0,2,5, nor a file that can be read"
        ) from None
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise InputError(f"{text}: not JSON") from None
    if not isinstance(content, list):
        raise InputError(f"{text}: not a JSON list of terminal states")
    return content, text
