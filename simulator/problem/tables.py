"""What compiled code reads of a problem."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from simulator.typing import Floats

__all__ = ["Tables", "read_only"]

MANY = 10**8  # edges from which passes are linear

Array = TypeVar("Array", bound="npt.NDArray[np.generic]")


def read_only(x: Array) -> Array:
    """Forbid writing on an array, and return it.

    Parameters
    ----------
    x : array
        Fresh, so that nobody else writes on it.

    Returns
    -------
    array
        The same object.
    """
    x.flags.writeable = False
    return x


@dataclass(frozen=True)
class Tables:
    """What compiled code reads of a problem: flat arrays, stages one behind the other.

    Attributes
    ----------
    n_actions : int
        A.
    state_start : (H+2,) int array
        Where the states of each level begin in the flat order.
    table_start, factor_start : (H,) int arrays
        Where each stage's table begins in the arrays of edges; equal stages share one.
    log_prob, next_state, log_factor : arrays
        log pi_ref, next state and log edge reward, in the order (table, state, action).
    """

    n_actions: int
    state_start: npt.NDArray[np.int64]
    table_start: npt.NDArray[np.int64]
    log_prob: Floats
    next_state: npt.NDArray[np.int64]
    factor_start: npt.NDArray[np.int64]
    log_factor: Floats

    @property
    def args(self) -> tuple[object, ...]:
        """The fields in the order in which the kernels take them."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def plain(self) -> bool:
        """Whether there are no edge rewards: all stages share a table of zeros."""
        return not self.factor_start.any()

    @property
    def n_edges(self) -> int:
        """Number of edges of all levels, those of shared tables counted again."""
        return int(self.state_start[-2]) * self.n_actions

    @cached_property
    def prob(self) -> Floats:
        """pi_ref(action | state), in the order of ``log_prob``."""
        return read_only(np.exp(self.log_prob))

    @property
    def many(self) -> bool:
        """Whether edges are many and have no rewards, so that passes are linear."""
        return self.plain and self.n_edges >= MANY
