"""Whether outputs end in the event E_n of a recursive hard instance, in flat memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.families.hidden_labels import hidden_bits
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike
from theory.instances.hidden_labels import label_counts

__all__ = ["count_hits", "in_event"]

CHUNK_TOKENS = 1 << 23  # tokens held at once


class Runnable(Protocol):
    """What is needed of a sampler: runs with tokens."""

    def run(self, problem: Problem, n_runs: int, *, rng: RngLike, keep: Sequence[str] = ()) -> Runs:
        """Draw independent runs."""
        ...


def in_event(
    problem: Problem, tokens: npt.ArrayLike, thresholds: Sequence[int]
) -> npt.NDArray[np.bool_]:
    """Say which token paths are in E_n.

    Parameters
    ----------
    problem : Problem
        Of "hidden-labels", "recursive-delay" or "late-labels", where E is that at least t labels
        are good.
    tokens : (R, H) int array
        Paths; a failed run (-1) is in no event with a threshold above 0.
    thresholds : sequence of int
        t_1..t_n, innermost first.

    Returns
    -------
    (R,) bool array

    Raises
    ------
    InputError
        If the problem is of another family or a shape does not fit.

    Examples
    --------
    >>> from simulator.problem.families.hidden_labels import hidden_labels
    >>> problem = hidden_labels([2], seed=1)
    >>> y = hidden_bits(4, 1)
    >>> in_event(problem, [y, 1 - y], [2]).tolist()
    [True, False]
    """
    known = problem.instance
    queue = known is not None and known.family == "late-labels"
    counts = (problem.horizon,) if queue else label_counts(problem)
    if len(thresholds) != len(counts):
        raise InputError(f"{len(thresholds)} thresholds for {len(counts)} levels")
    paths = np.asarray(tokens)
    if paths.ndim != 2 or paths.shape[1] != problem.horizon:
        raise InputError(f"tokens: shape {paths.shape}, but the horizon is {problem.horizon}")
    assert known is not None
    seed = known.arguments["seed"]
    assert isinstance(seed, int)
    good = paths == hidden_bits(problem.horizon, seed)
    return _inside(good, list(zip(counts, thresholds, strict=True)), known.family)


def _inside(
    good: npt.NDArray[np.bool_], levels: list[tuple[int, int]], family: str
) -> npt.NDArray[np.bool_]:
    """Reduce the last axis, a block of level n, to whether it is in E_n."""
    *inner, (copies, threshold) = levels
    if not inner and family in ("recursive-delay", "late-labels"):
        done = good[..., :copies]  # all bits, but the last of the former
    else:
        each = good.reshape(*good.shape[:-1], copies, -1)
        done = each[..., 0]
        if inner:
            done = done & _inside(each[..., 1:-1], inner, family)
    return np.asarray(done.sum(axis=-1) >= threshold)


def count_hits(
    problem: Problem, sampler: Runnable, thresholds: Sequence[int], n_runs: int, rng: RngLike
) -> int:
    """Count the outputs of independent runs that end in E_n.

    Runs are done in parts whose tokens fit in about 32 MB, whatever the horizon.

    Parameters
    ----------
    sampler : Sampler
        Must offer tokens.
    """
    root = seed_sequence(rng)
    size = max(1, CHUNK_TOKENS // problem.horizon)
    hits = 0
    for first in range(0, n_runs, size):
        part = min(size, n_runs - first)
        runs = sampler.run(problem, part, rng=root.spawn(1)[0], keep=("tokens",))
        assert runs.tokens is not None
        hits += int(in_event(problem, runs.tokens, thresholds).sum())
    return hits
