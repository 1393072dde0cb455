"""Resampling schemes by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.kernels.rng import Xoshiro
from simulator.resampling import (
    killing,
    multinomial,
    residual,
    single,
    ssp,
    stratified,
    systematic,
)

__all__ = ["SCHEMES", "Scheme"]


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
