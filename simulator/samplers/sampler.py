"""What a sampler is, and the table in which samplers are registered by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Protocol, TypeVar

import numpy as np

from simulator.errors import InputError
from simulator.exact.cloud import DEFAULT_LIMIT, ExactLaw
from simulator.problem.problem import Problem
from simulator.samplers.runs import Runs
from simulator.streams.seeds import RngLike

__all__ = ["SAMPLERS", "Sampler", "check_auto", "check_int", "register"]


class Sampler(Protocol):
    """A frozen dataclass of options, `n_particles` first; `simulator.contract` tests it."""

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
        n_threads: int | None = None,
        first_block: int = 0,
    ) -> Runs:
        """Draw independent runs; run r depends on the seed and on r only."""
        ...

    def exact_law(
        self,
        problem: Problem,
        on: str = "paths",
        limit: float = DEFAULT_LIMIT,
        *,
        shortfall: bool = False,
    ) -> ExactLaw:
        """Compute the law of the output without sampling."""
        ...


SAMPLERS: dict[str, type[Sampler]] = {}

S = TypeVar("S", bound=Sampler)

MOST = 2**31 - 1


def register(name: str) -> Callable[[type[S]], type[S]]:
    """Make a sampler class known by a name, and its `run` take language-model problems too.

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
        if "run" in vars(cls):  # an inherited one is either kind's already
            cls.run = _on_either_kind(cls.run)  # type: ignore[method-assign]
        return cls

    return add


def _on_either_kind(tabular: Callable[..., Runs]) -> Callable[..., Runs]:
    """Send problems that are not tabular to the engines of `simulator.language_models`."""

    @wraps(tabular)
    def run(self: Sampler, problem: Problem, n_runs: int, **options: Any) -> Runs:
        if isinstance(problem, Problem):
            return tabular(self, problem, n_runs, **options)
        from simulator.language_models.engine.dispatch import run_on_language_model

        return run_on_language_model(self, problem, n_runs, **options)

    return run


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


def check_auto(name: str, value: object, least: float) -> None:
    """Complain unless `value` is "auto" or a finite number of at least `least`.

    Parameters
    ----------
    name : str
        What the message calls it.
    value : object
    least : float
        0 itself is refused.

    Raises
    ------
    InputError
        If it is not.
    """
    if isinstance(value, str) and value == "auto":
        return
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (number and 0 < value < np.inf and value >= least):  # type: ignore[operator]
        what = f">= {least:g}" if least > 0 else "> 0"
        raise InputError(f'{name}: {value!r} is neither "auto" nor a finite number {what}')
