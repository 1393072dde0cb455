r"""Exact law of the clouds of SMC by rejection (arXiv 2603.07887, algorithm 2), and its cost.

Given the cloud of a level, the N particles of the next one are independent draws from
mu ∝ sum over parents x of pi_ref(.|x) V^(.)/V^(x). The clouds are followed as multisets,
particles without a child of positive V^ among them; multinomial SMC on
`simulator.problem.transforms.fully_adapted` would drop those, its weights being those of the step
ahead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.cloud_sets import SetLaw, Sets
from simulator.exact.cloud_steps import Clouds, Pool, Work, mixtures
from simulator.exact.outcomes import Outcomes
from simulator.exact.particle_types import Step, Types
from simulator.exact.replay import replay
from simulator.problem.forward_backward import log_steps
from simulator.problem.problem import Problem
from simulator.problem.tables import read_only
from simulator.problem.transforms import one_step_value
from simulator.resampling.compositions import multisets
from simulator.typing import Floats, Ints

__all__ = ["RejectionLevel", "expected_proposals", "last_sets", "log_step_means", "rejection_chain"]


LIMIT = 3e7  # cloud transitions
_MEANS: WeakKeyDictionary[Problem, Floats] = WeakKeyDictionary()


class RejectionLevel(NamedTuple):
    """Law of the cloud of one level.

    Attributes
    ----------
    level : int
        h, from 0 to H-1.
    states : (C, N) int array
        Rows of the level.
    probability : (C,) array
        P(cloud); sums to P(no failure before this cloud is drawn).
    """

    level: int
    states: Ints
    probability: Floats


def log_step_means(problem: Problem) -> Floats:
    """log E_ref[V^(x_{h+1}) | x] / V^(x) of the states before the last level.

    Returns
    -------
    (n_inner,) array
        In flat order; -inf where V^(x) = 0 or V^ = 0 at all children.
    """
    found = _MEANS.get(problem)
    if found is None:
        ahead = one_step_value(problem)
        here = problem.log_prm_flat[: ahead.size]
        alive = np.isfinite(here)
        means = np.where(alive, ahead - np.where(alive, here, 0.0), -np.inf)
        found = _MEANS[problem] = read_only(means)
    return found


def rejection_chain(
    problem: Problem, n_particles: int, *, limit: float = LIMIT
) -> Iterator[RejectionLevel]:
    """Enumerate the law of the cloud level by level.

    Parameters
    ----------
    n_particles : int
        N.
    limit : float
        Largest number of cloud transitions of one level.

    Yields
    ------
    RejectionLevel
        Levels 0, ..., H-1.

    Raises
    ------
    TooLargeError
        If a level has more transitions.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    >>> problem = Problem(tree, [1.0, 1.0, 3.0, 3.0], "exact")
    >>> for cloud in rejection_chain(problem, 2):
    ...     print(cloud.states.tolist(), cloud.probability.round(12).tolist())
    [[0, 0]] [1.0]
    [[0, 0], [0, 1], [1, 1]] [0.0625, 0.375, 0.5625]
    """
    levels = islice(_chain(problem, n_particles, limit), problem.horizon)
    known = replay(problem, ("rejection", n_particles, limit), levels, lambda at: at.states.size)
    yield from known


def last_sets(out: Outcomes, n_particles: int, *, limit: float = LIMIT) -> SetLaw:
    """Compute the law of the set of outcomes that the last cloud shows.

    Parameters
    ----------
    out : Outcomes
        Made with ``one_reward=False``.
    n_particles : int
        N.
    limit : float
        As in `rejection_chain`.

    Raises
    ------
    TooLargeError
        If a level has more transitions.
    """
    sets = Sets(n_particles, out.outcome)
    *_, last = _chain(out.tree, n_particles, limit)
    sets.add(last.states, last.probability)
    return sets.law()


def _chain(problem: Problem, n: int, limit: float) -> Iterator[RejectionLevel]:
    """Enumerate the clouds of levels 0..H."""
    e = problem.forward_backward.edges
    log_move = e.log_prob + log_steps(e, problem.log_prm_flat, np.isfinite(problem.log_prm_flat))
    states, probability = np.zeros((1, n), dtype=np.int64), np.ones(1)
    for h in range(problem.horizon):
        step, mean = _moves(problem, log_move, h)
        live = mean[states].any(axis=1)
        size = multisets(_reached(step, states[live]), n) * int(live.sum())
        if size > limit:
            raise TooLargeError(
                f"clouds of SMC by rejection: {size:.3g} transitions, the limit is {limit:.3g}"
            )
        yield RejectionLevel(h, states, probability)
        parents = Clouds(states[live], np.broadcast_to(probability[live], (3, int(live.sum()))))
        types = Types(np.arange(mean.size), mean)
        pool = Pool(n, False)
        for mixture in mixtures(parents, types, step, Work(math.inf)):
            pool.add_children(parents, mixture, step.types.weight)
        clouds = pool.all()
        states, probability = clouds.rows.astype(np.int64), clouds.moments[0]
    yield RejectionLevel(problem.horizon, states, probability)


def _moves(problem: Problem, log_move: Floats, h: int) -> tuple[Step, Floats]:
    """Tabulate how states of level h move, and E_ref[V^(child)|x]/V^(x) up to a constant.

    Each state of level h+1 is a kind of its own, whatever its V^ does next.
    """
    e, start = problem.forward_backward.edges, problem.model.state_start
    run = slice(int(e.start[h]), int(e.start[h + 1]))
    here, there = int(start[h + 1] - start[h]), int(start[h + 2] - start[h + 1])
    top = log_move[run].max()
    move = np.exp(log_move[run] - top) if np.isfinite(top) else np.zeros(run.stop - run.start)
    key = ((e.source[run] - start[h]) * there + e.target[run] - start[h + 1])[move > 0]
    key, where = np.unique(key, return_inverse=True)
    parent, child = np.divmod(key, there)
    mass = np.bincount(where, move[move > 0], key.size)
    mean = np.bincount(parent, mass, here).astype(np.float64)
    first = np.concatenate([[0], np.cumsum(np.bincount(parent, minlength=here))])
    kinds, same = Types(np.arange(there + 1), np.ones(there + 1)), np.arange(here)
    return Step(h, kinds, same, same, first, child, mass / mean[parent]), mean


def _reached(step: Step, states: Ints) -> int:
    """Count the states of the next level that children of these clouds can be in."""
    return int(np.unique(step.child[step.expand(np.unique(states))[1]]).size)


def expected_proposals(
    problem: Problem, n_particles: int, log_eta: float, *, limit: float = LIMIT
) -> Floats:
    r"""Mean number of proposals of each level: E[N eta/W_h], failed runs counting 0.

    Given the last cloud a proposal is accepted with probability W_h/eta, so that each of the
    N particles takes a geometric number of them (theory of arXiv 2603.07887, algorithm 2).

    Parameters
    ----------
    n_particles : int
        N.
    limit : float
        As in `rejection_chain`.

    Returns
    -------
    (H,) array
        Of levels 1..H.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> expected_proposals(problem, 4, np.log(1.5)).tolist()
    [6.0]
    """
    ratio, start = log_step_means(problem), problem.model.state_start
    out = np.zeros(problem.horizon)
    for cloud in rejection_chain(problem, n_particles, limit=limit):
        each = ratio[int(start[cloud.level]) + cloud.states]
        log_mean = np.logaddexp.reduce(each, axis=1) - np.log(n_particles)
        live = np.isfinite(log_mean)
        out[cloud.level] = cloud.probability[live] @ np.exp(log_eta - log_mean[live])
    return n_particles * out
