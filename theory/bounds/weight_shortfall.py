"""Bound Z: the mean shortfall of the normaliser's estimate, for every properly weighted sampler."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.measure.stream import chunks, shortfall
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.typing import RngLike
from theory.assumptions import PROPER
from theory.statement import bound

__all__ = ["weight_shortfall"]

LIMIT = 1e7  # the joint law with W^ can grow where the clouds alone are few
PARTICLES = 8e7  # of all its clouds: what it takes in memory


def _samples(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike
) -> tuple[npt.NDArray[np.float64], float]:
    """Evaluate (1 - W^_H/Z)_+ run by run."""
    runs = chunks(problem, sampler, n_runs, rng)
    return np.concatenate([shortfall(problem, part) for part in runs]), 1.0


@bound(
    id="Z",
    title="mean shortfall of the estimate of Z",
    rate="N^-1/2",
    reference="arXiv 2603.07887v1, C.3, used as a certificate",
    formula="E[(1 - W^_H/Z)_+]",
    latex=r"$\mathbb{E}[(1 - \hat{W}_H / Z)_+]$",
    assumptions=(PROPER,),
    measured=True,
    samples=_samples,
)
def weight_shortfall(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E[(1 - W^_H/Z)_+], by enumerating the joint law of the clouds and W^.

    True for every unbiased resampling scheme and every threshold, and with lost mass; the
    variable lies in [0, 1], so that independent runs give a certified limit at any scale.

    Guarantee: upper bound, arXiv 2603.07887v1, statement C.3.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        Any that is properly weighted and has an exact law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    limit = min(LIMIT, PARTICLES / sampler.n_particles)
    short = sampler.exact_law(problem, on="states", limit=limit, shortfall=True).shortfall
    assert short is not None
    return short
