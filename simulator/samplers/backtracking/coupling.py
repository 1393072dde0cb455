r"""The coupling of VGB and SMC-IND, [E.1] of arXiv 2603.07887: both visit the same prefixes.

Every prefix owns an endless list of moves, "child a" or "parent", independent of all other
lists. VGB reads the next move of the list of the prefix it is at. A particle of SMC-IND reads
moves of its prefix up to the next "parent"; each move before is a child. Whatever the order in
which the particles of a prefix read, together they read as many "parent" as there are
particles; and VGB, run from s until its N-th return to s (that is its (N+1)-st visit, the start
being the first), comes back from a prefix as often as it enters it. So level by level both
enter each prefix equally often.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np

from simulator.checks import check_int
from simulator.errors import TooLargeError
from simulator.problem.problem import Problem
from simulator.samplers.branching.moves import step_ratios
from simulator.streams.seeds import seed_sequence
from simulator.typing import RngLike

__all__ = ["Coupled", "couple", "coupling_table"]

Path = tuple[int, ...]
BLOCK = 8  # moves drawn at once


@dataclass(frozen=True)
class Coupled:
    """One coupled run.

    Attributes
    ----------
    walk, particles : Counter
        How often VGB entered each prefix from its parent, and how many particles SMC-IND had
        there; the root counts entries from s.
    steps : int
        Of VGB.
    """

    walk: Counter[Path]
    particles: Counter[Path]
    steps: int


class _Moves:
    """The lists: each is drawn from its own generator, so reading one does not touch another."""

    def __init__(self, problem: Problem, rng: RngLike) -> None:
        self.problem, self.root = problem, seed_sequence(rng)
        self.ratios = step_ratios(problem)
        self.lists: dict[Path, list[int]] = {}
        self.sources: dict[Path, tuple[np.random.Generator, np.ndarray]] = {}

    def get(self, x: Path, i: int) -> int:
        """Move i of the list of x: a token, or A for "parent"."""
        moves = self.lists.setdefault(x, [])
        while len(moves) <= i:
            generator, below = self._source(x)
            moves += np.searchsorted(below, generator.random(BLOCK), side="right").tolist()
        return moves[i]

    def _source(self, x: Path) -> tuple[np.random.Generator, np.ndarray]:
        if x not in self.sources:
            state = 0
            for h, a in enumerate(x):
                state = int(self.problem.model.next_state[h][state, a])
            q = self.ratios[self.problem.model.state_start[len(x)] + state]
            key = np.random.SeedSequence(
                self.root.entropy, spawn_key=(*self.root.spawn_key, len(x), *x)
            )
            self.sources[x] = np.random.default_rng(key), np.cumsum(q / (1 + q.sum()))
        return self.sources[x]


def couple(problem: Problem, n_particles: int, rng: RngLike, max_steps: int = 1_000_000) -> Coupled:
    """Run VGB until its N-th return to s, and SMC-IND with N particles, on the same moves.

    Parameters
    ----------
    n_particles : int
        N >= 1.
    max_steps : int, optional
        Most steps of VGB.

    Returns
    -------
    Coupled
        With ``walk == particles``.

    Raises
    ------
    TooLargeError
        If the walk takes more steps.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> run = couple(reference(2), 3, rng=1)
    >>> run.walk == run.particles, run.walk[()], run.steps == 2 * run.walk.total()
    (True, 3, True)
    """
    check_int("n_particles", n_particles, 1)
    check_int("max_steps", max_steps, 1)
    moves = _Moves(problem, rng)
    walk, steps = _walk(moves, n_particles, max_steps)
    return Coupled(walk, _branch(moves, n_particles), steps)


def _walk(moves: _Moves, n_particles: int, max_steps: int) -> tuple[Counter[Path], int]:
    horizon, parent = moves.problem.horizon, moves.problem.model.n_actions
    read: defaultdict[Path, int] = defaultdict(int)
    entered: Counter[Path] = Counter()
    x: Path | None = None  # s
    steps, returns = 0, 0
    while returns < n_particles:
        if steps == max_steps:
            raise TooLargeError(f"coupling: the walk takes more than {max_steps} steps")
        steps += 1
        if x is None:
            x = ()
            entered[x] += 1
            continue
        a = parent
        if len(x) < horizon:
            a = moves.get(x, read[x])
            read[x] += 1
        if a < parent:
            x = (*x, a)
            entered[x] += 1
        elif x == ():
            x = None
            returns += 1
        else:
            x = _parent(x)
    return entered, steps


def _parent(x: Path) -> Path:
    """Where "parent" leads from below the root."""
    return x[:-1]


def _branch(moves: _Moves, n_particles: int) -> Counter[Path]:
    horizon, parent = moves.problem.horizon, moves.problem.model.n_actions
    read: defaultdict[Path, int] = defaultdict(int)
    everything: Counter[Path] = Counter()
    particles: list[Path] = [()] * n_particles
    for level in range(horizon + 1):
        everything.update(particles)
        if level == horizon:
            break
        children = []
        for x in particles:
            while True:
                a = moves.get(x, read[x])
                read[x] += 1
                if a == parent:
                    break
                children.append((*x, a))
        particles = children
    return everything


def coupling_table(
    problem: Problem, n_particles: int, n_runs: int, rng: RngLike
) -> list[dict[str, int | bool]]:
    """Tabulate coupled runs.

    Returns
    -------
    list of dict
        Of each run: run, steps (of VGB), visits (of all prefixes), prefixes (different ones),
        leaves (visits of leaves) and equal (whether both visited the same multiset).

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> rows = coupling_table(reference(2), 3, 50, rng=1)
    >>> all(row["equal"] for row in rows), sorted(rows[0])
    (True, ['equal', 'leaves', 'prefixes', 'run', 'steps', 'visits'])
    """
    check_int("n_runs", n_runs, 1)
    root, rows = seed_sequence(rng), []
    for r in range(n_runs):
        key = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, r))
        run = couple(problem, n_particles, key)
        leaves = sum(k for x, k in run.walk.items() if len(x) == problem.horizon)
        rows.append(
            {
                "run": r,
                "steps": run.steps,
                "visits": run.walk.total(),
                "prefixes": len(run.walk),
                "leaves": leaves,
                "equal": run.walk == run.particles,
            }
        )
    return rows
