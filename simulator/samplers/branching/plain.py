"""The kernels of SMC-IND and VGB once more, in plain Python: the same draws, equal output."""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.branching.moves import step_ratios
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["run_plain"]

Path = tuple[int, ...]


def run_plain(
    problem: Problem,
    sampler: SMCIndependent | Backtracking,
    n_runs: int,
    rng: RngLike,
    *,
    first_block: int = 0,
) -> Runs:
    """Draw the runs that ``sampler.run`` draws, with their tokens.

    Parameters
    ----------
    first_block : int, optional
        As in `SMCIndependent.run`.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> sampler = SMCIndependent(3)
    >>> a, b = run_plain(reference(2), sampler, 5, 1), sampler.run(reference(2), 5, rng=1)
    >>> bool((a.states == b.states).all())
    True
    """
    runs = []
    for words in run_seeds(rng, n_runs, first_block):
        tree = Prefixes(problem, Xoshiro(words.tolist()))
        if isinstance(sampler, SMCIndependent):
            runs.append(_branch(tree, sampler))
        else:
            runs.append(_walk(tree, sampler))
    return concatenate(runs)


class Prefixes:
    """Draws moves at prefixes, which are tuples of tokens."""

    def __init__(self, problem: Problem, rng: Xoshiro) -> None:
        self.problem, self.rng = problem, rng
        self.horizon, self.n_actions = problem.horizon, problem.model.n_actions
        self.ratios = step_ratios(problem)

    def state(self, x: Path) -> int:
        """Return the state of a prefix."""
        s = 0
        for h, a in enumerate(x):
            s = int(self.problem.model.next_state[h][s, a])
        return s

    def move(self, x: Path) -> int:
        """Draw a token, or A for "parent"."""
        q = self.ratios[self.problem.model.state_start[len(x)] + self.state(x)]
        below = np.cumsum(q / (1 + q.sum()))
        return int(np.searchsorted(below, self.rng.uniform(), side="right"))


def _branch(tree: Prefixes, sampler: SMCIndependent) -> Runs:
    particles: list[Path] = [()] * sampler.n_particles
    expanded, made = 0, 0
    for _ in range(tree.horizon):
        children: list[Path] = []
        for x in particles:
            expanded += 1
            while (a := tree.move(x)) < tree.n_actions:
                if made == sampler.max_particles:
                    return _result(tree, None, expanded, -math.inf)
                children.append((*x, a))
                made += 1
        particles = children
    if not particles:
        return _result(tree, None, expanded, -math.inf)
    k = len(particles)
    log_w = math.log(k) + (float(tree.problem.log_prm_flat[0]) - math.log(sampler.n_particles))
    chosen = particles[min(int(tree.rng.uniform() * k), k - 1)]
    return _result(tree, chosen, expanded, log_w)


def _walk(tree: Prefixes, sampler: Backtracking) -> Runs:
    visits, horizon = sampler.stop == "visits", tree.horizon
    least = sampler.least(tree.problem)
    hopeless = np.isneginf(tree.problem.forward_backward.log_z_alive)
    waits = sampler.stop == "leaf" and not hopeless
    x: Path | None = None if visits else ()  # None is s
    entered, steps, returns, leaves = int(not visits), 0, 0, 0
    chosen: Path | None = None
    while True:
        at_leaf = x is not None and len(x) == horizon
        if visits:
            if returns == least:
                break
        elif steps >= least and (at_leaf or not waits):
            chosen = x if at_leaf else None
            break
        if steps == sampler.max_steps:
            chosen = None
            break
        steps += 1
        if x is None:
            x = ()
            entered += 1
        elif at_leaf:
            x = x[:-1]
        elif (a := tree.move(x)) < tree.n_actions:
            x = (*x, a)
            if len(x) < horizon:
                entered += 1
            else:
                leaves += 1
                if visits and tree.rng.uniform() * leaves < 1:
                    chosen = x
        elif x == ():
            x = None
            returns += 1
        else:
            x = x[:-1]
    log_w = None
    if visits:
        log_w = -math.inf
        if chosen is not None:
            root = float(tree.problem.log_prm_flat[0])
            log_w = math.log(leaves) + (root - math.log(sampler.n_particles))
    return _result(tree, chosen, entered, log_w)


def _result(tree: Prefixes, chosen: Path | None, expanded: int, log_w: float | None) -> Runs:
    path = np.full(tree.horizon, -1) if chosen is None else np.array(chosen)
    return Runs(
        states=np.array([-1 if chosen is None else tree.state(chosen)]),
        log_w=None if log_w is None else np.array([log_w]),
        failed=np.array([chosen is None]),
        prm_evaluations=np.array([tree.n_actions * expanded]),
        model_calls=np.array([expanded]),
        tokens=path.astype(np.int32)[None],
    )
