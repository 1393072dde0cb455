"""How often samplers end in the event E_n of the hidden-label instances, n levels and N particles.

Blocks from `theory.instances.hidden_labels.block_sizes` with theta = 1/2 and delta = 0.05: pi*
gives E_n at least 0.95, no myopic filter with N <= n particles more than 0.05.
Beside them stands a queue of late labels, "0 levels", with the event that at least t labels are
good, pi*(E) just above 0.95: there a myopic filter with few particles is nearly exact.
The mean over y* is the value at each y* for all but the beam, which breaks ties by token index.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

import numpy as np
from scipy.stats import binom

from scripts.experiments.experiment import Experiment, Rows
from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.hidden_labels import hidden_labels
from simulator.problem.families.late_labels import late_labels
from simulator.problem.problem import Problem
from simulator.samplers.registry import SAMPLERS, make_sampler
from simulator.samplers.time_sharing.sampler import TimeSharing
from theory.instances.hidden_labels import block_sizes, event_probability, myopic_limit
from theory.instances.label_event import Runnable, count_hits
from theory.instances.myopic_game import best_event_probability
from theory.instances.random_holding import good_label_law, queue_refusals

THETA, DELTA, CONFIDENCE = 0.5, 0.05, 0.99
LEVELS = (3, 2, 1)
SIZES = (1, 2, 3, 4, 5, 8, 16, 32, 64, 128, 256)
LEAST_RUNS, FEW_RUNS, MOST_RUNS = 20, 51, 1000  # 51: no hit puts the 99% limit below 0.1
# one y* a run of the beam; its frequency is a mean over them
BEAM_RUNS = {"quick": {1: 1000, 2: 200, 3: 51}, "full": {1: 4000, 2: 600, 3: 51}}
BEST = "best myopic filter (exact)"

# label, registered name, options, most levels, largest N; not registered: left out
KNOWN: tuple[tuple[str, str, dict[str, object], int, int], ...] = (
    ("SMC, multinomial", "smc", {}, 3, 256),
    ("SMC, multinomial at reveals", "smc", {"ess_threshold": 0.9999}, 3, 256),
    ("SMC, stratified", "smc", {"resampling": "stratified"}, 3, 256),
    ("SMC, systematic", "smc", {"resampling": "systematic"}, 3, 256),
    ("SMC, residual", "smc", {"resampling": "residual"}, 3, 256),
    ("SMC, SSP", "smc", {"resampling": "ssp"}, 3, 256),
    ("SMC, killing", "smc", {"resampling": "killing"}, 3, 256),
    ("SMC-RS", "smc-rs", {}, 3, 256),
    ("DMC, no restart", "dmc", {"restart": False}, 3, 256),
    ("beam", "beam", {}, 3, 256),
    ("ALRS", "alrs", {}, 3, 1),
    ("holds both labels", "holding", {"share": 1.0}, 3, 8),
    ("time-sharing", "holding", {}, 3, 8),
    # one level only: the exact mean over a block inside has 2^84 continuations
    ("lookahead to the reveal", "lookahead", {"depth": 1, "rollouts": 0}, 1, 256),
    ("VGB", "vgb", {}, 1, 256),
    ("quasi-SMC", "quasi-smc", {}, 3, 256),
)
# what half a million levels are run with in the quick profile; the rest with N = 3 only
QUICK = ("SMC, multinomial", "SMC, systematic", "SMC-RS", "holds both labels", "time-sharing")
NOT_MYOPIC = ("lookahead", "vgb")
QUEUE = 0  # stands for its number of levels
DELAY, LATE_THETA = 8, 0.125
QUEUED = ("SMC, multinomial", "SMC, systematic", "SMC-RS", "quasi-SMC")
AT_RANDOM = "holds both at random (exact)"
LENGTH = {QUEUE: 1000, 1: 84, 2: 5_848, 3: 409_500}  # H, to set the number of runs; tests compare


@cache
def blocks(levels: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return M_1..M_n and t_1..t_n.

    Parameters
    ----------
    levels : int
        n, or `QUEUE`.

    Returns
    -------
    counts, thresholds : tuple of int
    """
    if levels == QUEUE:
        horizon = LENGTH[QUEUE]
        return (horizon,), (int(binom.ppf(DELTA, horizon, (1 + LATE_THETA) / 2)),)
    return block_sizes(levels, THETA, DELTA, sharp=True)


@lru_cache(maxsize=4)
def instance(levels: int, seed: int) -> Problem:
    """Return the problem; kept, as the longest take longer to make than to run."""
    if levels == QUEUE:
        return late_labels(LENGTH[QUEUE], DELAY, LATE_THETA, seed)
    return hidden_labels(blocks(levels)[0], THETA, seed)


def theory(levels: int, n: int) -> tuple[float, float]:
    """Return pi*(E) and the most that theory lets a myopic filter with n particles have."""
    counts, thresholds = blocks(levels)
    if levels == QUEUE:
        return float(binom.sf(thresholds[0] - 1, counts[0], (1 + LATE_THETA) / 2)), 1.0
    reach = event_probability(counts, thresholds, THETA)
    return reach, myopic_limit(counts, thresholds, n)


def run_cell(
    label: str, name: str, options: dict[str, object], levels: int, n: int, runs: int, seed: int
) -> Rows:
    """One row: frequency of E_n with its 99% interval, and what theory says of it."""
    counts, thresholds = blocks(levels)
    refused = float("nan")
    if name == "at-random":
        queue = counts[0], DELAY, LATE_THETA, n.bit_length() - 1
        hits, runs = 0, 0
        value = low = high = float(good_label_law(*queue)[thresholds[0] :].sum())
        refused = queue_refusals(*queue).any
    elif name == "game":
        hits, runs = 0, 0
        value = low = high = best_event_probability(counts, thresholds, n)
    else:
        sampler = _make(name, n, options)
        parts = runs if name == "beam" else 1  # it has one output for each y*
        hits = sum(
            count_hits(
                instance(levels, i), sampler, thresholds, runs // parts,
                np.random.SeedSequence([seed, i]),
            )
            for i in range(parts)
        )  # fmt: skip
        value = hits / runs
        low, high = clopper_pearson(hits, runs, 1 - CONFIDENCE)
    target, limit = theory(levels, n)
    return [
        {"sampler": label, "myopic": name not in NOT_MYOPIC, "levels": levels, "n": n,
         "horizon": LENGTH[levels], "runs": runs, "hits": hits, "frequency": value, "low": low,
         "high": high, "target": target, "limit": limit, "refused": refused}
    ]  # fmt: skip


def _make(name: str, n: int, options: dict[str, object]) -> Runnable:
    if name == "holding":
        return TimeSharing(n, **options)  # type: ignore[arg-type]
    return make_sampler(name, n, **options)


def cells(profile: str) -> list[Mapping[str, object]]:
    """Return one cell a sampler, n and N; the long ones first."""
    budget = 5e6 if profile == "quick" else 2e9  # particle-steps of a cell
    largest = {1: 256, 2: 256, 3: 5} if profile == "quick" else {1: 256, 2: 256, 3: 64}
    found: list[Mapping[str, object]] = []
    for levels in LEVELS:
        if levels < 3:
            found += [
                {"label": BEST, "name": "game", "options": {}, "levels": levels, "n": n,
                 "runs": 0, "seed": 0}
                for n in SIZES if n <= 5
            ]  # fmt: skip
        for i, (label, name, options, deepest, most) in enumerate(KNOWN):
            if levels > deepest or (name not in SAMPLERS and name != "holding"):
                continue
            few = levels == 3 and profile == "quick" and label not in QUICK
            steps = LENGTH[levels]
            for n in (min(levels, most),) if few else SIZES:
                if n <= min(most, largest[levels]):
                    least = FEW_RUNS if n <= levels else LEAST_RUNS
                    runs = int(np.clip(budget / (n * steps), least, MOST_RUNS))
                    if name == "beam":  # one y* a run
                        runs = BEAM_RUNS[profile][levels] if n <= levels else min(runs, FEW_RUNS)
                    found.append(
                        {"label": label, "name": name, "options": options, "levels": levels,
                         "n": n, "runs": runs, "seed": 100_000 * levels + 1000 * i + n}
                    )  # fmt: skip
    return found + _queue(budget)


def _queue(budget: float) -> list[Mapping[str, object]]:
    """List the cells of the queue; its filter uses a power of two of the particles."""
    found: list[Mapping[str, object]] = [
        {"label": AT_RANDOM, "name": "at-random", "options": {}, "levels": QUEUE, "n": n,
         "runs": 0, "seed": 0}
        for n in SIZES
    ]  # fmt: skip
    for i, (label, name, options, *_) in enumerate(KNOWN):
        found += [
            {"label": label, "name": name, "options": options, "levels": QUEUE, "n": n,
             "runs": int(np.clip(budget / (n * LENGTH[QUEUE]), LEAST_RUNS, MOST_RUNS)),
             "seed": 1000 * i + n}
            for n in SIZES if label in QUEUED
        ]  # fmt: skip
    return found


HARD = Experiment(
    "hard", run_cell, cells,
    seconds=lambda cell: 15.0 if cell["levels"] == 3 and cell["name"] == "beam" else 2.0,
)  # fmt: skip
