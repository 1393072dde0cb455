"""VGB over the protocol: a walk on the tree of prefixes, which are remembered."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.language_models.engine.cloud import Cloud
from simulator.language_models.engine.dispatch import engine
from simulator.language_models.engine.independent import step_ratios
from simulator.language_models.engine.smc import to_runs
from simulator.language_models.problem import LanguageModelProblem
from simulator.language_models.protocol import chosen
from simulator.samplers.backtracking import Backtracking
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.xoshiro import Xoshiro

__all__: list[str] = []

Floats = npt.NDArray[np.float64]
Path = tuple[int, ...]


@engine.register
def _backtracking(
    sampler: Backtracking, problem: LanguageModelProblem, rngs: list[Xoshiro]
) -> Runs:
    return concatenate([_walk(sampler, problem, rng) for rng in rngs])


class _Tree:
    """Clouds of one particle, one a prefix; each asks for its children once and is billed often."""

    def __init__(self, problem: LanguageModelProblem, rng: Xoshiro) -> None:
        self.rng = rng
        self.clouds: dict[Path, Cloud] = {(): Cloud(problem, [rng], 1)}
        self.tables: dict[Path, tuple[Floats, Floats]] = {}

    def move(self, x: Path) -> int:
        """Draw a token, or V for "parent"."""
        below = np.cumsum(self._moves(x)[1])
        return int(np.searchsorted(below, self.rng.uniform(), side="right"))

    def _moves(self, x: Path) -> tuple[Floats, Floats]:
        if x not in self.tables:
            table = self.clouds[x].session.next_logprobs()
            q = step_ratios(self.clouds[x], table)[0]
            self.tables[x] = table, q / (1 + q.sum())
        return self.tables[x]

    def child(self, x: Path, a: int) -> Path:
        """Go to a child."""
        y = (*x, a)
        if y not in self.clouds:
            cloud = self.clouds[x].fork(1)
            token = np.array([a])
            cloud.put(token, chosen(self._moves(x)[0], token))
            cloud.value()
            self.clouds[y] = cloud
        return y


def _walk(sampler: Backtracking, problem: LanguageModelProblem, rng: Xoshiro) -> Runs:
    tree, visits = _Tree(problem, rng), sampler.stop == "visits"
    least = sampler.least(problem)  # type: ignore[arg-type]  # it asks for the horizon only
    x: Path | None = None if visits else ()  # None is above the root
    entered, steps, returns, leaves = int(not visits), 0, 0, 0
    picked: Path | None = None
    while True:
        at_leaf = x is not None and bool(tree.clouds[x].ended[0])
        if visits:
            if returns == least:
                break
        elif steps >= least and (at_leaf or sampler.stop != "leaf"):
            picked = x if at_leaf else None
            break
        if steps == sampler.max_steps:
            picked = None
            break
        steps += 1
        if x is None:
            x, entered = (), entered + 1
        elif at_leaf:
            x = x[:-1]
        elif (a := tree.move(x)) < problem.lm.n_tokens:
            x = tree.child(x, a)
            if not tree.clouds[x].ended[0]:
                entered += 1
            else:
                leaves += 1
                if visits and rng.uniform() * leaves < 1:
                    picked = x
        elif x == ():
            x, returns = None, returns + 1
        else:
            x = x[:-1]
    log_w = None
    if visits:
        n = math.log(sampler.n_particles)
        found = picked is not None
        root = tree.clouds[()].log_root
        log_w = np.array([math.log(leaves) + root - n if found else -math.inf])
    cloud = tree.clouds[()] if picked is None else tree.clouds[picked]
    runs = to_runs(cloud, np.array([-1 if picked is None else 0]), log_w)
    # as in the tables: each visit of a prefix from above asks for all its children
    runs.model_calls[:] = entered
    runs.prm_evaluations[:] = entered * problem.lm.n_tokens
    return runs
