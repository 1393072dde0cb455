"""What exact quantities of a large problem cost: `python -m scripts.bench.large_problem`.

All levels share one random table, whose rows reach tokens at random; rewards are random, and V^ is
V* times noise.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.prms import NoisyPRM
from simulator.problem.problem import Problem
from simulator.runs.spent import peak_memory
from simulator.samplers.smc.sampler import SMC
from theory.criteria import criteria
from theory.laws.first_order import first_order_law

__all__ = ["Stage", "main", "measure"]


class Stage(NamedTuple):
    """What one quantity took.

    Attributes
    ----------
    name : str
    clock, processor : float
        Seconds.
    memory : float
        The most that this process has held until then, in bytes.
    """

    name: str
    clock: float
    processor: float
    memory: float

    def __str__(self) -> str:
        return (
            f"{self.name:28} {self.clock:6.1f} s of clock, {self.processor:6.1f} of processor, "
            f"{self.memory / 1e9:.2f} GB"
        )


def measure(states: int, tokens: int, horizon: int) -> list[Stage]:
    """Make a problem and compute V* and Z, criteria and the first-order law of SMC.

    Parameters
    ----------
    states, tokens, horizon : int
        S, A and H.

    Examples
    --------
    >>> [stage.name for stage in measure(20, 3, 4)]
    ['table', 'V* and Z', 'criteria', 'first-order law']
    """
    rng = np.random.default_rng(1)
    stages: list[Stage] = []

    def timed(name: str, work: Callable[[], object]) -> object:
        clock, processor = time.perf_counter(), time.process_time()
        found = work()
        spent = time.perf_counter() - clock, time.process_time() - processor
        stages.append(Stage(name, *spent, peak_memory() or math.nan))
        return found

    def table() -> TabularModel:
        probs = rng.random((states, tokens))
        probs /= probs.sum(axis=1, keepdims=True)
        children = rng.integers(0, states, (states, tokens))
        first = probs[:1], children[:1]
        rest = [probs] * (horizon - 1), [children] * (horizon - 1)
        return TabularModel([first[0], *rest[0]], [first[1], *rest[1]], n_terminal=states)

    model = timed("table", table)
    assert isinstance(model, TabularModel)
    reward = rng.random(states)
    problem = timed("V* and Z", lambda: Problem(model, reward, NoisyPRM(0.3, seed=2)))
    assert isinstance(problem, Problem)
    timed("criteria", lambda: criteria(problem))
    timed("first-order law", lambda: first_order_law(problem, SMC(2)))
    return stages


def main() -> None:
    """Print what each stage takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--horizon", type=int, default=100)
    stages = measure(**vars(parser.parse_args()))
    for stage in stages:
        print(stage)
    last = stages[-1].memory
    clock, processor = (sum(column) for column in zip(*(s[1:3] for s in stages[1:]), strict=True))
    print(Stage("all but the table", clock, processor, last))


if __name__ == "__main__":
    main()
