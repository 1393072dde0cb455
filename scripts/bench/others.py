"""Our kernels against other implementations, after checking that log Z is the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from scripts.bench.kernels import SCHEMES, Row
from scripts.bench.problems import Size, filtering
from scripts.bench.rivals.jax_scan import VARIANTS, jax_scan
from scripts.bench.rivals.numpy_batch import numpy_batch
from scripts.bench.rivals.particles_library import particles_library
from scripts.bench.rivals.tables import Rival
from scripts.bench.timing import Contestant, race, ratio, speed
from simulator.samplers.smc.sampler import SMC

__all__ = ["RIVALS", "against_others"]

RIVALS: Mapping[str, Callable[..., Rival]] = {
    "particles": particles_library,
    "numpy": numpy_batch,
    **{
        f"jax {dtype} {generator}": partial(jax_scan, dtype=dtype, generator=generator)
        for dtype, generator in VARIANTS
    },
}
# particles loops over runs in Python: a share of them tells its speed
SHARE = 50
# standard errors between two means of log W^; some sixty comparisons are made
LIMIT = 6.0
RUNS = 32  # at least so many of ours tell the standard deviation


def against_others(sizes: Sequence[Size], rounds: int) -> tuple[list[Row], list[str]]:
    """Time ours against every implementation that is installed, all of them on one core.

    JAX would use all cores by itself, so it must not have been used in this process before.

    Returns
    -------
    rows : list of dict
        ``gain`` is how many times faster we are; of JAX its fastest variant counts.
    absent : list of str
        What is not installed.

    Raises
    ------
    ArithmeticError
        If a mean of log W^ is not ours within its error.
    """
    rows: list[Row] = []
    absent: set[str] = set()
    with _one_core():
        for size in sizes:
            for scheme in SCHEMES:
                found, missing = _race(size, scheme, rounds)
                rows += found
                absent |= missing
    return rows, sorted(absent)


def _race(size: Size, scheme: str, rounds: int) -> tuple[list[Row], set[str]]:
    problem, absent = filtering(*size[:3]), set()
    smc = SMC(size.n_particles, resampling=scheme)
    ours = np.asarray(smc.run(problem, max(RUNS, size.n_runs), rng=1).log_w)
    rivals: dict[str, Contestant] = {}
    for name, make in RIVALS.items():
        try:
            rival = make(problem, size.n_particles, scheme)
        except ImportError:
            absent.add(name.split()[0])
            continue
        runs = max(1, size.n_runs // SHARE) if name == "particles" else size.n_runs
        z = _score(rival(runs, 1), ours)
        if not abs(z) < LIMIT:
            raise ArithmeticError(
                f"{name}, {size.label}, {scheme}: log Z is {z:.1f} standard errors off"
            )
        steps = size.horizon * size.n_particles * runs
        rivals[name] = Contestant(partial(rival, runs, 2), steps)
    rivals = _fastest_jax(rivals)
    mine = Contestant(partial(smc.run, problem, size.n_runs, rng=1, n_threads=1), size.steps)
    seconds = race({"ours": mine, **rivals}, rounds)
    rows: list[Row] = [
        {"size": size.label, "scheme": scheme, "rival": name, "speed": speed(seconds[name]),
         "gain": ratio(seconds[name], seconds["ours"])}
        for name in rivals
    ]  # fmt: skip
    return rows, absent


@contextmanager
def _one_core() -> Iterator[None]:
    """Keep this thread, and those that it starts, on one core where the system offers that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _score(theirs: np.ndarray, ours: np.ndarray) -> float:
    """Difference of the means of log W^ in standard errors, which ours tell."""
    error = float(ours.std()) * np.sqrt(1 / theirs.size + 1 / ours.size)
    return float((theirs.mean() - ours.mean()) / error)


def _fastest_jax(rivals: dict[str, Contestant]) -> dict[str, Contestant]:
    variants = {name: each for name, each in rivals.items() if name.startswith("jax")}
    if not variants:
        return rivals
    once: dict[str, Any] = {name: t[0] for name, t in race(variants, 1).items()}
    slow = set(variants) - {min(once, key=once.__getitem__)}
    return {name: each for name, each in rivals.items() if name not in slow}
