"""Put the law of a sampler's output, found on a tree, in terms of the problem asked about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.exact.cloud import ExactLaw
from simulator.exact.unfold import Unfolded, all_paths
from simulator.problem import Problem

__all__ = ["check_on", "on_outcomes"]

Floats = npt.NDArray[np.float64]


def check_on(on: str) -> None:
    """Complain unless `on` is "paths" or "states".

    Parameters
    ----------
    on : str

    Raises
    ------
    InputError
        If it is not.
    """
    if on not in ("paths", "states"):
        raise InputError(f'on: {on!r} is not known, only "paths" and "states" are')


def on_outcomes(
    problem: Problem,
    on: str,
    unfolded: Unfolded | None,
    law: Floats,
    failure: float,
    *,
    weighted: Floats | None = None,
    mean_w_over_z: float | None = None,
    relative_variance: float | None = None,
    shortfall: float | None = None,
) -> ExactLaw:
    """Sum a law over leaves into the outcomes asked for, and compare it with the target.

    Parameters
    ----------
    problem : Problem
    on : {"paths", "states"}
    unfolded : Unfolded or None
        The tree whose leaves `law` and `weighted` are over; None: they are over terminal
        states of `problem`.
    law : (L,) array
    failure : float
    weighted : (L,) array, optional
    mean_w_over_z, relative_variance, shortfall : float, optional
        As in `ExactLaw`.

    Returns
    -------
    ExactLaw
    """
    tokens, target = None, problem.target[-1]
    if on == "paths":
        tokens = all_paths(problem) if problem.is_tree or unfolded is None else unfolded.tokens
    if unfolded is not None and (on == "states" or problem.is_tree):
        k = target.size
        law = np.bincount(unfolded.terminal, law, k).astype(np.float64)
        if weighted is not None:
            weighted = np.bincount(unfolded.terminal, weighted, k).astype(np.float64)
    elif unfolded is not None:
        target = unfolded.problem.target[-1]
    return ExactLaw(
        law=law,
        failure=failure,
        tv=float(np.maximum(target - law, 0).sum()),
        mean_w_over_z=mean_w_over_z,
        relative_variance=relative_variance,
        shortfall=shortfall,
        target=target,
        weighted=weighted,
        tokens=tokens,
    )
