"""Filters on the hidden-label instances: who falls for the trap and who does not."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.hidden_labels import hidden_bits, hidden_labels
from simulator.problem.problem import Problem
from simulator.problem.target import target_paths
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.lookahead.transform import looked_ahead
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.samplers.time_sharing.sampler import TimeSharing
from simulator.typing import Bools
from theory.instances.hidden_labels import event_probability, myopic_limit
from theory.instances.label_event import Runnable, count_hits, in_event
from theory.instances.myopic_game import best_event_probability

__all__ = [
    "DEEP",
    "DEEP_PARTICLES",
    "SHOWN_RUNS",
    "SIMPLE",
    "deep",
    "good_labels",
    "simple",
]


SEED, CONFIDENCE = 0, 0.99
SIMPLE = ((16,), (12,), 0.75)  # M, t and theta of one level
DEEP = ((42, 68), (27, 43), 0.5)  # of two levels: 5,848 tokens
SHOWN_RUNS, DEEP_RUNS = 6, 60
MOST_RUNS, MOST_PARTICLE_RUNS = 2000, 16_000
DEEP_PARTICLES = (1, 2, 3, 4, 8, 16, 32, 64, 128)

# name, whether myopic, problem that it runs on, filter with N particles
Entry = tuple[str, bool, Callable[[Problem], Problem], Callable[[int], Runnable]]
ENTRIES: tuple[Entry, ...] = (
    ("SMC", True, lambda p: p, SMC),
    ("SMC-RS", True, lambda p: p, SMCRejection),
    ("lookahead SMC", False, lambda p: p, lambda n: Lookahead(n, depth=1, rollouts=0)),
    ("lookahead SMC-RS", False, lambda p: looked_ahead(p, 1), SMCRejection),
)


def instance(setting: tuple[tuple[int, ...], tuple[int, ...], float]) -> Problem:
    """Return the problem of a setting.

    Parameters
    ----------
    setting : tuple
        `SIMPLE` or `DEEP`.
    """
    return _instance(setting[0], setting[2])


@lru_cache(maxsize=4)
def _instance(counts: tuple[int, ...], theta: float) -> Problem:
    return hidden_labels(counts, theta, SEED)


@lru_cache(maxsize=64)
def good_labels(n_particles: int, seed: int) -> dict[str, Bools]:
    """Return which labels of a few outputs are good, on the instance of one level.

    Parameters
    ----------
    n_particles : int
        N.

    Returns
    -------
    dict of str to (6, 16) bool array
        Sampler, or "target", to outputs by labels.

    Examples
    --------
    >>> sorted(good_labels(2, 1)), good_labels(2, 1)["SMC"].shape
    (['SMC', 'SMC-RS', 'lookahead SMC', 'lookahead SMC-RS', 'target'], (6, 16))
    """
    problem = instance(SIMPLE)
    paths = {"target": target_paths(problem, SHOWN_RUNS, seed)}
    for name, _, rewrite, make in ENTRIES:
        runs = make(n_particles).run(rewrite(problem), SHOWN_RUNS, rng=seed, keep=("tokens",))
        assert runs.tokens is not None
        paths[name] = runs.tokens
    bits = hidden_bits(problem.horizon, SEED)
    return {name: (y == bits)[:, ::2] for name, y in paths.items()}


@lru_cache(maxsize=64)
def simple(n_particles: int) -> list[dict[str, object]]:
    """Return how often each sampler ends in E_1, from 2000 runs or fewer, with 99% limits.

    Parameters
    ----------
    n_particles : int
        N.
    """
    counts, thresholds, theta = SIMPLE
    problem = instance(SIMPLE)
    rows: list[dict[str, object]] = [
        {"Sampler": "target", "Myopic": "–", "P(E)": event_probability(counts, thresholds, theta),
         "99% limits": "exact", "Theorem allows": None}
    ]  # fmt: skip
    allowed = myopic_limit(counts, thresholds, n_particles)
    n_runs = min(MOST_RUNS, MOST_PARTICLE_RUNS // n_particles)
    for name, myopic, rewrite, make in ENTRIES:
        runs = make(n_particles).run(rewrite(problem), n_runs, rng=1, keep=("tokens",))
        assert runs.tokens is not None
        hits = int(in_event(problem, runs.tokens, thresholds).sum())
        rows.append(
            {"Sampler": name, "Myopic": myopic, "P(E)": hits / n_runs,
             "99% limits": _limits(hits, n_runs), "Theorem allows": allowed if myopic else None}
        )  # fmt: skip
    return rows


@lru_cache(maxsize=32)
def deep(n_particles: int) -> list[dict[str, object]]:
    """Return how often filters end in E_2, on 5,848 tokens, from 60 runs.

    Parameters
    ----------
    n_particles : int
        N.
    """
    counts, thresholds, theta = DEEP
    problem = instance(DEEP)
    allowed = myopic_limit(counts, thresholds, n_particles)
    rows: list[dict[str, object]] = [
        {"Sampler": "target", "P(E)": event_probability(counts, thresholds, theta),
         "99% limits": "exact", "Theorem allows": None}
    ]  # fmt: skip
    if n_particles <= 3:  # from three on it is 1
        rows.append(
            {"Sampler": "best of all myopic filters",
             "P(E)": best_event_probability(counts, thresholds, n_particles),
             "99% limits": "exact", "Theorem allows": allowed}
        )  # fmt: skip
    filters: dict[str, Runnable] = {
        "SMC": SMC(n_particles),
        "time-sharing of labels": TimeSharing(n_particles),
    }
    for name, filter_ in filters.items():
        hits = count_hits(problem, filter_, thresholds, DEEP_RUNS, 1)
        rows.append(
            {"Sampler": name, "P(E)": hits / DEEP_RUNS, "99% limits": _limits(hits, DEEP_RUNS),
             "Theorem allows": allowed}
        )  # fmt: skip
    return rows


def _limits(hits: int, n_runs: int) -> str:
    low, high = clopper_pearson(hits, n_runs, 1 - CONFIDENCE)
    return f"{low:.2f} to {high:.2f}"
