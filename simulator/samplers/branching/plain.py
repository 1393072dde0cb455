"""The kernel of SMC-IND once more, in plain Python: the same draws, equal output.

Each quantity that could be got wrong is a function of its own, as in the plain twin of SMC.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.branching.moves import step_ratios
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.runs import Runs, concatenate
from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.typing import Floats, RngLike

__all__ = ["Path", "Prefixes", "log_mass", "one_run", "run_plain"]

Path = tuple[int, ...]


def run_plain(
    problem: Problem, sampler: SMCIndependent, n_runs: int, rng: RngLike, *, first_block: int = 0
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
    seeds = run_seeds(rng, n_runs, first_block)
    return concatenate(
        [_branch(Prefixes(problem, Xoshiro(words.tolist())), sampler) for words in seeds]
    )


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
        below = np.cumsum(_chances(q))
        return int(np.searchsorted(below, self.rng.uniform(), side="right"))


def _chances(q: Floats) -> Floats:
    """Chances of the tokens; what is left to 1 is that of "parent"."""
    return q / (1 + q.sum())


class _Cost:
    """How many prefixes were made, and how many expanded: those that cost."""

    def __init__(self) -> None:
        self.made, self.expanded = 0, 0

    def expand(self) -> None:
        """Count a prefix that asks for its children."""
        self.expanded += 1

    def make(self) -> None:
        """Count a prefix that becomes a particle."""
        self.made += 1


def _branch(tree: Prefixes, sampler: SMCIndependent) -> Runs:
    particles: list[Path] = [()] * sampler.n_particles
    cost = _Cost()
    for _ in range(tree.horizon):
        children: list[Path] = []
        for x in particles:
            cost.expand()
            for a in _offspring(tree, x, sampler.max_particles - cost.made):
                if cost.made == sampler.max_particles:
                    return one_run(tree, None, cost.expanded, -math.inf)
                children.append((*x, a))
                cost.make()
        particles = children
    if not particles:
        return one_run(tree, None, cost.expanded, -math.inf)
    k = len(particles)
    log_w = log_mass(tree.problem, k, sampler.n_particles)
    return one_run(tree, particles[_draw(k, tree.rng.uniform())], cost.expanded, log_w)


def _offspring(tree: Prefixes, x: Path, room: int) -> list[int]:
    """Draw the tokens of the children of a particle; no more than one beyond the room for them."""
    tokens: list[int] = []
    while len(tokens) <= room and (a := tree.move(x)) < tree.n_actions:
        tokens.append(a)
    return tokens


def _draw(k: int, u: float) -> int:
    """Draw one of k particles, all alike."""
    return min(int(u * k), k - 1)


def log_mass(problem: Problem, k: int, n_particles: int) -> float:
    """Return log W^ of N particles at the root that end in k leaves."""
    return math.log(k) + (_log_root(problem) - math.log(n_particles))


def _log_root(problem: Problem) -> float:
    """log V^(root)."""
    return float(problem.log_prm_flat[0])


def one_run(tree: Prefixes, chosen: Path | None, expanded: int, log_w: float | None) -> Runs:
    """Make the result of a run of its output, None if it failed."""
    path = np.full(tree.horizon, -1) if chosen is None else np.array(chosen)
    return Runs(
        states=np.array([-1 if chosen is None else tree.state(chosen)]),
        log_w=None if log_w is None else np.array([log_w]),
        failed=np.array([chosen is None]),
        prm_evaluations=np.array([tree.n_actions * expanded]),
        model_calls=np.array([expanded]),
        tokens=path.astype(np.int32)[None],
    )
