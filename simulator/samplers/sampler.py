"""What a sampler is, and the table in which samplers are registered by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from simulator.errors import InputError
from simulator.exact.cloud import ExactLaw
from simulator.problem import Problem
from simulator.samplers.runs import Runs
from simulator.samplers.streams import RngLike

__all__ = ["SAMPLERS", "Sampler", "check_int", "register"]


class Sampler(Protocol):
    """A sampler: a frozen dataclass of its options whose first field is `n_particles`."""

    @property
    def n_particles(self) -> int:
        """Number of particles N."""
        ...

    @property
    def properly_weighted(self) -> bool:
        """Whether E[W^_H 1{Y = y}] = pi_ref(y) r(y) where no mass is lost (lemma C.2)."""
        ...

    def run(
        self,
        problem: Problem,
        n_runs: int,
        *,
        rng: RngLike,
        keep: Sequence[str] = (),
        first_block: int = 0,
    ) -> Runs:
        """Draw independent runs; `first_block` goes on where another call has stopped."""
        ...

    def exact_law(self, problem: Problem, on: str = "paths") -> ExactLaw:
        """Compute the law of the output without sampling."""
        ...


SAMPLERS: dict[str, type[Sampler]] = {}

S = TypeVar("S", bound=Sampler)

MOST = 2**31 - 1


def register(name: str) -> Callable[[type[S]], type[S]]:
    """Make a sampler class known by a name, for the command line.

    Parameters
    ----------
    name : str

    Returns
    -------
    callable
        A class decorator.

    Raises
    ------
    InputError
        If the name is taken.
    """

    def add(cls: type[S]) -> type[S]:
        if name in SAMPLERS:
            raise InputError(f"sampler {name!r} is registered already")
        SAMPLERS[name] = cls
        return cls

    return add


def check_int(name: str, value: object, least: int, most: int = MOST) -> None:
    """Complain unless `value` is an int from `least` to `most`.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
    least, most : int

    Raises
    ------
    InputError
        If it is not.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
        raise InputError(f"{name}: {value!r} is not a whole number >= {least}")
    if value > most:
        raise InputError(f"{name}: {value} is larger than {most}")
