"""Runs one part after another, so that memory does not grow with their number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike

__all__ = ["Runnable", "chunks", "offers", "shortfall"]

CELLS = 1 << 22  # entries of the largest array that a part may hold
LARGEST = 1 << 15  # runs


class Runnable(Protocol):
    """What a measurement needs of a sampler."""

    @property
    def n_particles(self) -> int:
        """Number of particles N."""
        ...

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y), so that E[(1 - W^_H/Z)_+] is a bound."""
        ...

    def run(self, problem: Problem, n_runs: int, *, rng: RngLike, keep: Sequence[str] = ()) -> Runs:
        """Draw independent runs."""
        ...


def chunks(
    problem: Problem,
    sampler: Runnable,
    n_runs: int,
    rng: RngLike,
    *,
    keep: Sequence[str] = (),
    cells: int = 1,
) -> Iterator[Runs]:
    """Draw `n_runs` independent runs part by part.

    Parameters
    ----------
    keep : sequence of str, optional
        Optional results; see `simulator.samplers.runs.Runs`.
    cells : int, optional
        Entries that one run fills in the largest array that is kept.

    Yields
    ------
    Runs
        Of at most 2^22 cells, or of one run.
    """
    root = seed_sequence(rng)
    size = min(LARGEST, max(1, CELLS // cells))
    for first in range(0, n_runs, size):
        yield sampler.run(problem, min(size, n_runs - first), rng=root.spawn(1)[0], keep=keep)


def offers(problem: Problem, sampler: Runnable, name: str) -> bool:
    """Whether a sampler can keep an optional result."""
    try:
        sampler.run(problem, 1, rng=0, keep=(name,))
    except InputError as fault:
        if name in str(fault):
            return False
        raise
    return True


def shortfall(problem: Problem, runs: Runs) -> npt.NDArray[np.float64]:
    """(1 - W^_H/Z)_+ of each run of a properly weighted sampler.

    Its mean is at least D_TV(law of one output, pi*) (arXiv 2603.07887, lemma C.3).

    Returns
    -------
    (R,) array
        In [0, 1].
    """
    assert runs.log_w is not None  # properly weighted samplers have it
    return np.asarray(np.maximum(0.0, -np.expm1(np.minimum(runs.log_w - problem.log_z, 0.0))))
