"""What is remembered of outputs that shall be told from pi*: counts, in flat memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from simulator.measure.walk_kernel import walk
from simulator.problem.problem import Problem
from simulator.problem.target import target_kernel
from simulator.samplers.runs import Runs
from simulator.typing import Floats, Ints

__all__ = ["Ruler", "Tally", "edge_scores"]


@dataclass(frozen=True, eq=False)
class Ruler:
    """A score of paths, and the marks between which they are counted.

    Attributes
    ----------
    score : (n_edges,) array
        What each edge of the shared tables adds to the score of a path.
    marks : (M,) array
        Increasing.
    """

    score: Floats
    marks: Floats


@dataclass(eq=False)
class Tally:
    """Counts over outputs.

    Attributes
    ----------
    problem : Problem
    ruler : Ruler
    has_tokens : bool
        If false, only terminal states are seen.
    n, failed : int
        Number of runs, and how many failed.
    visits : (n_states,) int array
        Outputs through each state, in flat order.
    edges : (n_edges,) int array
        Uses of each edge of the shared tables.
    counts : (A, H+1) int array
        Outputs with k tokens a.
    bins : (M+1,) int array
        Outputs with a score above mark k-1 and at most mark k.
    """

    problem: Problem
    ruler: Ruler
    has_tokens: bool
    n: int
    failed: int
    visits: Ints
    edges: Ints
    counts: Ints
    bins: Ints

    @classmethod
    def empty(cls, problem: Problem, has_tokens: bool, ruler: Ruler | None = None) -> Tally:
        """Start a tally."""
        n_edges = problem.tables.log_prob.size
        if ruler is None:
            ruler = Ruler(np.zeros(n_edges), np.zeros(0))
        sizes = (
            int(problem.model.state_start[-1]), n_edges,
            (problem.model.n_actions, problem.horizon + 1), ruler.marks.size + 1,
        )  # fmt: skip
        counts = [np.zeros(size, dtype=np.int64) for size in sizes]
        return cls(problem, ruler, has_tokens, 0, 0, *counts)

    def add(self, runs: Runs) -> None:
        """Count the outputs of runs."""
        if self.has_tokens:
            assert runs.tokens is not None
            self.add_paths(runs.tokens)
            return
        ok = runs.states[~runs.failed]
        last = self.visits[int(self.problem.model.state_start[-2]) :]
        last += np.bincount(ok, minlength=last.size)
        self.n += len(runs)
        self.failed += len(runs) - ok.size

    def add_paths(self, tokens: npt.NDArray[np.int32]) -> Floats:
        """Count token paths.

        Parameters
        ----------
        tokens : (R, H) int array
            -1 for failed runs.

        Returns
        -------
        (R,) array
            Their scores; nan for failed runs.
        """
        t, scores = self.problem.tables, np.empty(len(tokens))
        walk(
            tokens, t.n_actions, t.state_start, t.table_start, t.next_state, self.ruler.score,
            self.visits, self.edges, self.counts, scores,
        )  # fmt: skip
        seen = scores[~np.isnan(scores)]
        at = np.searchsorted(self.ruler.marks, seen, side="left")
        self.bins += np.bincount(at, minlength=self.bins.size)
        self.n += len(tokens)
        self.failed += len(tokens) - seen.size
        return scores

    def __add__(self, other: Tally) -> Tally:
        """Add the counts; bins are those of the second, whose ruler it takes."""
        return replace(
            other,
            n=self.n + other.n,
            failed=self.failed + other.failed,
            visits=self.visits + other.visits,
            edges=self.edges + other.edges,
            counts=self.counts + other.counts,
        )


def edge_scores(tally: Tally) -> Floats:
    r"""Learn log(nu/pi*) as a sum over the edges of a path.

    An edge of a table that several levels share gets the log of how often the outputs took
    it over how often they would have if they had left the states that they visited with the
    kernel of pi*, both increased by one: one number for all these levels.

    Returns
    -------
    (n_edges,) array
        Finite, of the shared tables.
    """
    problem, kernel = tally.problem, target_kernel(tally.problem)
    a, t = problem.model.n_actions, problem.tables
    inner = int(t.state_start[-2])
    expected = (tally.visits[:inner, None] * kernel).ravel()
    size = np.diff(t.state_start[:-1]) * a
    # position in the shared tables of each edge in flat order
    at = np.arange(inner * a) + np.repeat(t.table_start - t.state_start[:-2] * a, size)
    total = np.bincount(at, expected, tally.edges.size)
    return np.asarray(np.log(tally.edges + 1.0) - np.log(total + 1.0))
