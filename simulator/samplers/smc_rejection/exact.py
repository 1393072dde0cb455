r"""Exact law of the clouds of SMC by rejection (arXiv 2603.07887, algorithm 2), and its cost.

Given the cloud of a level, the N particles of the next one are independent draws from
mu ∝ sum over parents x of pi_ref(.|x) V^(.)/V^(x). The clouds are followed as multisets,
particles without a child of positive V^ among them; multinomial SMC on
`simulator.problem.transforms.fully_adapted` would drop those, its weights being those of the step
ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.cloud_sets import SetLaw, Sets
from simulator.exact.outcomes import Outcomes
from simulator.problem.forward_backward import log_steps
from simulator.problem.problem import Problem
from simulator.problem.transforms import one_step_value
from simulator.resampling.compositions import compositions, multisets
from simulator.typing import Floats, Ints

__all__ = ["RejectionLevel", "expected_proposals", "last_sets", "log_step_means", "rejection_chain"]


LIMIT = 3e7  # cloud transitions
CHUNK = 1 << 21


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
    ahead = one_step_value(problem)
    here = problem.log_prm_flat[: ahead.size]
    alive = np.isfinite(here)
    return np.where(alive, ahead - np.where(alive, here, 0.0), -np.inf)


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
    for cloud in _chain(problem, n_particles, limit):
        if cloud.level < problem.horizon:
            yield cloud


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
    e, start = problem.forward_backward.edges, problem.model.state_start
    step = e.log_prob + log_steps(e, problem.log_prm_flat, np.isfinite(problem.log_prm_flat))
    states, probability = np.zeros((1, n), dtype=np.int64), np.ones(1)
    for h in range(problem.horizon + 1):
        yield RejectionLevel(h, states, probability)
        if h == problem.horizon:
            return
        run = slice(int(e.start[h]), int(e.start[h + 1]))
        rows, columns = e.source[run] - start[h], e.target[run] - start[h + 1]
        top = step[run].max()
        size = int(start[h + 1] - start[h]), int(start[h + 2] - start[h + 1])
        move = np.zeros(size)
        if np.isfinite(top):
            np.add.at(move, (rows, columns), np.exp(step[run] - top))
        parents, place = np.unique(states, return_inverse=True)
        counts = np.zeros((len(states), parents.size))
        np.add.at(counts, (np.arange(len(states))[:, None], place.reshape(states.shape)), 1.0)
        mu = counts @ move[parents]
        kinds = np.flatnonzero(mu.any(axis=0))
        total = mu.sum(axis=1)
        live = total > 0
        work = multisets(kinds.size, n) * int(live.sum())
        if work > limit:
            raise TooLargeError(
                f"clouds of SMC by rejection: {work:.3g} transitions, the limit is {limit:.3g}"
            )
        if kinds.size == 0:
            states, probability = states[:0], probability[:0]
            continue
        table = compositions(int(kinds.size), n)
        mu = mu[np.ix_(live, kinds)] / total[live, None]
        # e^-1000 is 0 and 0 times -1000 is 0: no kind of probability 0 is ever drawn
        log_mu = np.log(mu, out=np.full_like(mu, -1000.0), where=mu > 0)
        after = np.zeros(len(table.coefficient))
        rows_at_once = max(1, CHUNK // len(after))
        for first in range(0, len(mu), rows_at_once):
            part = slice(first, first + rows_at_once)
            chance = np.exp(log_mu[part] @ table.counts.T)
            after += probability[live][part] @ chance
        after *= table.coefficient
        seen = after > 0
        states, probability = kinds[table.sequence[seen]], after[seen]


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
