"""Bound Z: the mean shortfall of the normaliser's estimate, for every properly weighted sampler."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from simulator.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.sampler import Sampler
from simulator.samplers.streams import RngLike, seed_sequence
from theory.statement import DRAWN, PROPER, REJECTION, register

__all__ = ["shortfall_z"]

CHUNK = 1 << 15


def _chunks(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> Iterator[Runs]:
    root = seed_sequence(rng)
    for first in range(0, n_runs, CHUNK):
        yield sampler.run(problem, min(CHUNK, n_runs - first), rng=root.spawn(1)[0])


def _samples(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike
) -> tuple[npt.NDArray[np.float64], float]:
    """Evaluate (1 - W^_H/Z)_+ run by run."""
    short = []
    for runs in _chunks(problem, sampler, n_runs, rng):
        assert runs.log_w is not None  # properly weighted samplers have it
        short.append(np.maximum(0.0, -np.expm1(np.minimum(runs.log_w - problem.log_z, 0.0))))
    return np.concatenate(short), 1.0


@register(
    id="Z",
    title="mean shortfall of the estimate of Z",
    reference="arXiv 2603.07887v1, C.3, used as a certificate",
    formula="E[(1 - W^_H/Z)_+]",
    algorithms=("smc", "sis", "action-is", "lookahead", "smc-ind", "vgb", *REJECTION),
    assumptions=(PROPER, DRAWN),
    measured=True,
    samples=_samples,
)
def shortfall_z(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E[(1 - W^_H/Z)_+], by enumerating the joint law of the clouds and W^.

    True for every unbiased resampling scheme and every threshold, and with lost mass; the
    variable lies in [0, 1], so that independent runs give a certified limit at any scale.

    Guarantee: upper bound, arXiv 2603.07887v1, statement C.3.

    Parameters
    ----------
    problem : Problem
    sampler : Sampler

    Returns
    -------
    float

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    short = sampler.exact_law(problem, on="states", shortfall=True).shortfall
    assert short is not None
    return short
