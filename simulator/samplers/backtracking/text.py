"""VGB on a language model: a walk on the tree of prefixes, which are remembered."""

from __future__ import annotations

import math

import numpy as np

from simulator.samplers.branching.text import step_ratios
from simulator.samplers.runs import Runs
from simulator.samplers.smc.text import to_runs
from simulator.streams.plain import Xoshiro
from simulator.text.drawing import chosen
from simulator.text.particles import TextParticles
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats

__all__ = ["run_one"]

Path = tuple[int, ...]


class _Tree:
    """Clouds of one particle, one a prefix; each asks for its children once and is billed often."""

    def __init__(self, problem: LanguageModelProblem, rng: Xoshiro) -> None:
        self.rng = rng
        self.clouds: dict[Path, TextParticles] = {(): TextParticles(problem, [rng], 1)}
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


def run_one(
    problem: LanguageModelProblem,
    rng: Xoshiro,
    n_particles: int,
    stop: str,
    least: int,
    max_steps: int,
) -> Runs:
    """Do one run.

    Parameters
    ----------
    problem : LanguageModelProblem
        What is sampled.
    rng : Xoshiro
        The generator of the run.
    n_particles, stop, max_steps
        As in `Backtracking`.
    least : int
        Steps, or returns to s for "visits".
    """
    tree, visits = _Tree(problem, rng), stop == "visits"
    x: Path | None = None if visits else ()  # None is above the root
    entered, steps, returns, leaves = int(not visits), 0, 0, 0
    picked: Path | None = None
    while True:
        at_leaf = x is not None and bool(tree.clouds[x].ended[0])
        if visits:
            if returns == least:
                break
        elif steps >= least and (at_leaf or stop != "leaf"):
            picked = x if at_leaf else None
            break
        if steps == max_steps:
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
        n = math.log(n_particles)
        found = picked is not None
        root = tree.clouds[()].log_root
        log_w = np.array([math.log(leaves) + root - n if found else -math.inf])
    cloud = tree.clouds[()] if picked is None else tree.clouds[picked]
    runs = to_runs(cloud, np.array([-1 if picked is None else 0]), log_w)
    # as in the tables: each visit of a prefix from above asks for all its children
    runs.model_calls[:] = entered
    runs.prm_evaluations[:] = entered * problem.lm.n_tokens
    return runs
