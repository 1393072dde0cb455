"""How far a sampler of N particles is from the first-order law: exact errors times N."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.errors import TooLargeError
from simulator.measure.outputs import accuracy
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler

__all__ = ["AtSize", "exact_sizes"]

SIZES = (2, 4, 8, 16, 32)
LIMIT = 3e6  # cloud transitions of one enumeration


@dataclass(frozen=True)
class AtSize:
    """A sampler of N particles, in the units of the first-order law.

    Parameters
    ----------
    n_particles : int
        N.
    error : float
        N D_TV, whose limit is A.
    gain : float or None
        N (P(output in E) - pi*(E)), whose limit is -Cov_{pi*}(1_E, sigma); None without an event.
    """

    n_particles: int
    error: float
    gain: float | None = None


def exact_sizes(
    problem: Problem,
    make: Callable[[int], Sampler],
    correct: npt.ArrayLike | None = None,
    sizes: Sequence[int] = SIZES,
    limit: float = LIMIT,
) -> list[AtSize]:
    """Compute exact errors times N, as far as the laws can be enumerated.

    Parameters
    ----------
    problem : Problem
        What is sampled.
    make : callable
        Makes the sampler of a number of particles N.
    correct : (S_H,) bool array, optional
        Which terminal states are in the event E.
    sizes : sequence of int, optional
        The N, rising.
    limit : float, optional
        Largest amount of work for one law; see `Sampler.exact_law`.

    Returns
    -------
    list of AtSize
        Up to the first N that is out of reach.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> sizes = exact_sizes(open_problem("reference:horizon=2"), SMC)
    >>> [round(at.error, 4) for at in sizes]  # A = .5996
    [0.2889, 0.4189, 0.5126, 0.5618, 0.5831]
    """
    mask = None if correct is None else np.asarray(correct)
    found = []
    for n in sizes:
        sampler, gain = make(n), None
        try:
            error = n * sampler.exact_law(problem, limit=limit).tv
            if mask is not None:
                law = sampler.exact_law(problem, "states", limit)
                gain = n * (accuracy(mask, law).value - float(law.target[mask].sum()))
        except TooLargeError:
            break
        found.append(AtSize(n, error, gain))
    return found
