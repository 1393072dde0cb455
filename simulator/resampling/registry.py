"""Resampling schemes by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.resampling import (
    killing,
    multinomial,
    multinomial_sweep,
    residual,
    single,
    ssp,
    stratified,
    systematic,
)
from simulator.streams.xoshiro import Xoshiro

__all__ = ["SCHEMES", "SWEEP", "Scheme", "scheme_for"]


@dataclass(frozen=True)
class Scheme:
    """A resampling scheme.

    Attributes
    ----------
    code : int
        By which the kernel knows it.
    fill : callable
        Compiled function that fills an array of ancestors.
    plain : callable
        Its twin in plain numpy.
    ordered : bool
        Whether ancestors are in nondecreasing order and the law depends on the order of the
        particles.
    """

    code: int
    fill: Callable[..., Any]
    plain: Callable[[npt.NDArray[np.float64], Xoshiro], npt.NDArray[np.int64]]
    ordered: bool


SCHEMES = {
    "multinomial": Scheme(0, multinomial.fill, multinomial.plain, False),
    "systematic": Scheme(1, systematic.fill, systematic.plain, True),
    "stratified": Scheme(2, stratified.fill, stratified.plain, True),
    "residual": Scheme(3, residual.fill, residual.plain, False),
    "ssp": Scheme(4, ssp.fill, ssp.plain, True),
    "killing": Scheme(5, killing.fill, killing.plain, False),
    "single": Scheme(6, single.fill, single.plain, False),
}
SWEEP = Scheme(7, multinomial_sweep.fill, multinomial_sweep.plain, False)


def scheme_for(name: str, n_particles: int) -> Scheme:
    """Return how so many particles are resampled.

    Parameters
    ----------
    name : str
        Of `SCHEMES`.
    n_particles : int

    Returns
    -------
    Scheme
        Of many particles, "multinomial" has a faster one with the same law.

    Examples
    --------
    >>> scheme_for("multinomial", 10) is SCHEMES["multinomial"]
    True
    """
    many = name == "multinomial" and n_particles >= multinomial_sweep.MANY
    return SWEEP if many else SCHEMES[name]
