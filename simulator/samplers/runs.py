"""What independent runs of a sampler give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.typing import Bools, Floats, Ints

__all__ = ["KEEP", "Runs", "check_keep", "concatenate"]

SmallInts = npt.NDArray[np.int32]

KEEP = ("tokens", "ess", "genealogy", "clouds")
N_AXES = {
    "tokens": 2,
    "ess": 2,
    "genealogy": 3,
    "cloud_states": 3,
    "cloud_log_weights": 3,
    "cloud_tokens": 3,
    "restarts": 1,
}


@dataclass(frozen=True, eq=False)
class Runs:
    """Results of R independent runs over H levels with N particles.

    Cost is counted as in arXiv 2603.07887: PRM evaluations are the children whose V^ was
    asked for (the root's is not); base-model calls are the next-token distributions asked
    for, one a particle and level. A run that fails stops at the level where it fails.

    Parameters
    ----------
    states : (R,) int array
        Terminal state of the output; -1 if the run failed.
    log_w : (R,) array or None
        log W^_H; -inf if the run failed. None for samplers that estimate no Z.
    failed : (R,) bool array
        There is no output: all weights were zero at some level, or too many runs in a row
        were not accepted.
    prm_evaluations, model_calls : (R,) int arrays
        N times the number of levels done, for SMC.
    tokens : (R, H) int32 array or None
        Token path of the output; -1 if the run failed.
    ess : (R, H) array or None
        Effective sample size of the accumulated weights at levels 1..H, before resampling;
        0 from the level where the run failed.
    genealogy : (R, H, N) int32 array or None
        ``genealogy[r, h, n]`` is the place, among the particles of level h, of the parent of
        particle n of level h+1; 0 for h=0, the root. -1 behind a failure, and behind the last cell
        of quasi-SMC, which may pick fewer than N.
    cloud_states : (R, H, N) int array or None
        States of the particles of levels 1..H, before resampling; -1 where `genealogy` is.
    cloud_log_weights : (R, H, N) array or None
        log of their weights, accumulated since the last resampling; -inf behind a failure.
    cloud_tokens : (R, N, T) int32 array or None
        On language models: tokens of the particles of the last level, padded as `tokens` are; their
        weights are ``cloud_log_weights[:, -1]``, up to a factor of the run.
    restarts : (R,) int array or None
        How often the run was started again, for samplers that accept or reject whole runs.
        Their costs include the rejected ones.

    Raises
    ------
    InputError
        If the arrays do not fit together.

    Examples
    --------
    >>> one = np.array([1])
    >>> runs = Runs(np.array([-1]), np.array([-np.inf]), np.array([True]), one, one)
    >>> len(runs), runs.failure_rate
    (1, 1.0)
    """

    states: Ints
    log_w: Floats | None
    failed: Bools
    prm_evaluations: Ints
    model_calls: Ints
    tokens: SmallInts | None = None
    ess: Floats | None = None
    genealogy: SmallInts | None = None
    cloud_states: Ints | None = None
    cloud_log_weights: Floats | None = None
    cloud_tokens: SmallInts | None = None
    restarts: Ints | None = None

    def __post_init__(self) -> None:
        n_runs = self.states.shape[0] if self.states.ndim == 1 else -1
        for field in fields(self):
            x = getattr(self, field.name)
            if x is None and (field.name in N_AXES or field.name == "log_w"):
                continue
            if x.ndim != N_AXES.get(field.name, 1) or x.shape[0] != n_runs:
                raise InputError(f"runs: {field.name} has shape {x.shape} for {n_runs} runs")
        if self.log_w is not None and np.isnan(self.log_w).any():
            raise InputError("runs: log_w holds NaN")
        if ((self.states < 0) != self.failed).any():
            raise InputError("runs: states must be -1 for the failed runs and for no other")

    def __len__(self) -> int:
        return int(self.states.size)

    @property
    def failure_rate(self) -> float:
        """Fraction of failed runs."""
        return float(self.failed.mean())


def check_keep(keep: Sequence[str], offered: Sequence[str] = KEEP) -> None:
    """Complain about optional results that a sampler does not offer.

    Parameters
    ----------
    keep : sequence of str
        Names that are wanted.
    offered : sequence of str, optional
        Of "tokens", "ess", "genealogy", "clouds"; by default all.

    Raises
    ------
    InputError
        If there is another name, or `keep` is a single string.
    """
    if isinstance(keep, str):
        raise InputError(f"keep: {keep!r} is one string, a sequence of names is needed")
    for name in keep:
        if name not in offered:
            raise InputError(f"keep: {name!r} is not offered, only {', '.join(offered)}")


def concatenate(parts: Sequence[Runs]) -> Runs:
    """Put runs of one sampler behind each other.

    Parameters
    ----------
    parts : sequence of Runs
        At least one; all with the same optional results.

    Returns
    -------
    Runs

    Raises
    ------
    InputError
        If there is none, or some have a result that others lack.
    """
    if not parts:
        raise InputError("runs: nothing to concatenate")
    joined: dict[str, Any] = {"log_w": None}  # samplers that estimate no Z lack it
    for field in fields(Runs):
        arrays = [getattr(part, field.name) for part in parts]
        missing = sum(a is None for a in arrays)
        if 0 < missing < len(arrays):
            raise InputError(f"runs: only some of them have {field.name}")
        if missing == 0:
            if len({a.shape[1:] for a in arrays}) > 1:
                raise InputError(f"runs: {field.name} differs in shape")
            joined[field.name] = np.concatenate(arrays)
    return Runs(**joined)
