"""The kernel of VGB once more, in plain Python: the same draws, equal output.

Each quantity that could be got wrong is a function of its own, as in the plain twin of SMC.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.branching.plain import Path, Prefixes, log_mass, one_run
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import RngLike

__all__ = ["run_plain"]


def run_plain(
    problem: Problem, sampler: Backtracking, n_runs: int, rng: RngLike, *, first_block: int = 0
) -> Runs:
    """Draw the runs that ``sampler.run`` draws, with their tokens.

    Parameters
    ----------
    first_block : int, optional
        As in `Backtracking.run`.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> sampler = Backtracking(3)
    >>> a, b = run_plain(reference(2), sampler, 5, 1), sampler.run(reference(2), 5, rng=1)
    >>> bool((a.states == b.states).all())
    True
    """
    seeds = run_seeds(rng, n_runs, first_block)
    return concatenate(
        [_walk(Prefixes(problem, Xoshiro(words.tolist())), sampler) for words in seeds]
    )


def _walk(tree: Prefixes, sampler: Backtracking) -> Runs:
    visits, horizon = sampler.stop == "visits", tree.horizon
    least = sampler.least(tree.problem)
    hopeless = np.isneginf(tree.problem.forward_backward.log_z_alive)
    waits = sampler.stop == "leaf" and not hopeless
    x = _start(sampler.stop)  # None is s
    entered, steps, returns, leaves = int(not visits), 0, 0, 0
    chosen: Path | None = None
    while True:
        at_leaf = x is not None and len(x) == horizon
        if visits:
            if _is_done(returns, least):
                break
        elif _is_due(steps, least) and (at_leaf or not waits):
            chosen = x if at_leaf else None
            break
        if steps == sampler.max_steps:
            chosen = None
            break
        steps += 1
        before, x = x, _step(tree, x)
        entered += _pays(before, x, horizon)
        if x is None:
            returns += 1
        elif len(x) == horizon:
            leaves += 1
            if visits and _takes(leaves, tree.rng.uniform()):
                chosen = x
    log_w = None
    if visits:
        log_w = -math.inf
        if chosen is not None:
            log_w = log_mass(tree.problem, leaves, sampler.n_particles)
    return one_run(tree, chosen, entered, log_w)


def _start(stop: str) -> Path | None:
    """Where the walk starts: at s if it counts its visits, else at the root."""
    return None if stop == "visits" else ()


def _step(tree: Prefixes, x: Path | None) -> Path | None:
    """One step from x: s leads to the root, a leaf to its parent."""
    if x is None:
        return ()
    if len(x) < tree.horizon and (a := tree.move(x)) < tree.n_actions:
        return (*x, a)
    return _parent(x)


def _parent(x: Path) -> Path | None:
    """Return the parent of a prefix; s is that of the root."""
    return x[:-1] if x else None


def _pays(x: Path | None, y: Path | None, horizon: int) -> bool:
    """Whether the step from x to y costs: y is entered from its parent, and is no leaf."""
    if y is None or len(y) == horizon:
        return False
    return x is None or len(x) < len(y)


def _is_due(steps: int, least: int) -> bool:
    """Whether the walk has done its steps."""
    return steps >= least


def _is_done(returns: int, least: int) -> bool:
    """Whether the walk has come back to s as often as it should."""
    return returns == least


def _takes(leaves: int, u: float) -> bool:
    """Whether the newest of so many leaves replaces the one that is kept: uniform in the end."""
    return u * leaves < 1
