"""Making an instance readable: zeros, ones and simple fractions while its ratio stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.typing import Floats

__all__ = ["reached_only", "simplify"]

DENOMINATORS = (1, 2, 3, 4, 5, 8, 10, 20, 50, 100, 1000)
SAME = 1e-12  # relative difference that is rounding


@dataclass(frozen=True)
class Tables:
    """The numbers of a problem, each of which may be replaced."""

    problem: Problem
    probs: tuple[Floats, ...]
    values: tuple[Floats, ...]  # V^ of levels 0..H-1, then the reward

    def build(self) -> Problem:
        """Return the problem of these numbers."""
        old = self.problem.model
        model = TabularModel(self.probs, old.next_state, n_terminal=int(old.n_states[-1]))
        return Problem(model, self.values[-1], list(self.values), name=self.problem.name)


def simplify(problem: Problem, keeps: Callable[[Problem], bool]) -> Iterator[Problem]:
    """Replace numbers one by one by simpler ones, as long as a condition holds.

    Parameters
    ----------
    problem : Problem
        An instance; one with edge rewards is unfolded into the tree of its paths first.
    keeps : callable
        Whether a problem still shows what the instance shows.

    Yields
    ------
    Problem
        Simpler and simpler ones, all of which `keeps`; perhaps none.

    Examples
    --------
    >>> from simulator.problem.families.random_tree import random_tree
    >>> *_, last = simplify(random_tree(2, 1, seed=1), lambda p: p.reward[1] > p.reward[0])
    >>> last.reward.tolist(), last.model.probs[0].tolist()
    ([0.0, 1.0], [[0.5, 0.5]])
    """
    if problem.has_edge_reward:
        problem = unfold(problem).problem
    last = problem
    now = Tables(problem, problem.model.probs, (*problem.prm[:-1], problem.reward))
    changed = True
    while changed:
        changed = False
        for place in _places(now):
            for tried in _simpler(now, *place):
                try:
                    made = tried.build()
                except InputError:  # no reward is left, or V^(root) = 0
                    continue
                if keeps(made):
                    now, changed, last = tried, True, made
                    yield made
                    break
    small = reached_only(last)
    if small is not None and keeps(small):
        yield small


def reached_only(problem: Problem) -> Problem | None:
    """Leave out the states that pi_ref does not reach.

    Parameters
    ----------
    problem : Problem
        Without edge rewards.

    Returns
    -------
    Problem or None
        None if all are reached.

    Examples
    --------
    >>> wide = Problem(TabularModel.tree([[[1.0, 0.0]], [[0.5, 0.5]] * 2]), [1.0, 2, 3, 4], "exact")
    >>> reached_only(wide).reward.tolist()
    [1.0, 2.0]
    """
    model = problem.model
    reached = [r > 0 for r in model.split(problem.forward_backward.reached.astype(np.float64))]
    if all(r.all() for r in reached):
        return None
    number = [np.where(r, np.cumsum(r) - 1, 0) for r in reached]
    values = [v[r] for v, r in zip(problem.prm, reached, strict=True)]
    small = TabularModel(
        [p[r] for p, r in zip(model.probs, reached, strict=False)],
        [number[h + 1][to[reached[h]]] for h, to in enumerate(model.next_state)],
        n_terminal=values[-1].size,
    )
    return Problem(small, values[-1], values, name=problem.name)


def _places(now: Tables) -> list[tuple[str, int, int]]:
    """Scales of levels, then numbers of V^ and rewards, then rows."""
    sizes = [(h, v.size) for h, v in enumerate(now.values)]
    return [
        *(("scale", h, 0) for h, _ in sizes),
        *(("value", h, s) for h, size in reversed(sizes) for s in range(size)),
        *(("row", h, s) for h, p in enumerate(now.probs) for s in range(len(p))),
    ]


def _simpler(now: Tables, kind: str, h: int, s: int) -> Iterator[Tables]:
    """Replace one of the numbers, by the simplest first."""
    if kind == "row":
        row = now.probs[h][s]
        for simple in _rows(row):
            if np.allclose(simple, row, rtol=SAME, atol=0):
                return
            probs = [p.copy() for p in now.probs]
            probs[h][s] = simple
            yield replace(now, probs=tuple(probs))
        return
    old = now.values[h]
    if kind == "scale":
        if old.max() > 0 and not np.isclose(old.max(), 1, rtol=SAME):
            yield _with_level(now, h, old / old.max())
        return
    for x in _numbers(float(old[s])):
        level = old.copy()
        level[s] = x
        yield _with_level(now, h, level)


def _with_level(now: Tables, h: int, level: Floats) -> Tables:
    return replace(now, values=(*now.values[:h], level, *now.values[h + 1 :]))


def _numbers(x: float) -> Iterator[float]:
    """0, 1, and fractions near x, up to the point where x is as simple."""
    for simple in (0.0, 1.0, *(round(x * d) / d for d in DENOMINATORS)):
        if abs(simple - x) <= SAME * max(abs(x), abs(simple)):
            return
        yield simple


def _rows(row: Floats) -> Iterator[Floats]:
    """One entry alone, equal entries, and multiples of 1/d with the sum kept."""
    yield np.eye(row.size)[int(np.argmax(row))]
    yield (row > 0) / (row > 0).sum()
    for d in DENOMINATORS[1:]:
        parts = np.floor(row * d + 0.5)
        parts[int(np.argmax(row))] += d - parts.sum()
        if parts.min() >= 0:
            yield parts / d
