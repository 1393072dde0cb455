r"""Lookahead SMC as plain SMC on rewritten problems, for its exact laws.

A particle of level h is weighted by G(x_h)/G(x_{h-1}), G the mean of V^ over m descendants k
levels ahead. A particle carries its G, so (x_h, G) is the state of a plain particle filter
whose PRM reads G: the weights of a lineage multiply to r/V^(root) whatever the rollouts were
(a pseudo-marginal argument: Andrieu and Roberts, Ann. Stat. 37, 2009), and all that is
known of SMC holds on the extended states. The limit m = infinity is a PRM of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator.errors import TooLargeError
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.transforms import _cached
from simulator.typing import Floats, Ints

__all__ = ["extended", "looked_ahead"]


DIGITS = 12  # means that agree to so many digits are one
MOST = 5e6  # entries of one stage's table of extended states


class _Outcomes(NamedTuple):
    """Values of log G that the states of one level can have.

    Attributes
    ----------
    first : (S_h + 1,) int array
        Those of state s are ``first[s]:first[s + 1]``.
    log_g, probability : arrays
    """

    first: Ints
    log_g: Floats
    probability: Floats


def looked_ahead(problem: Problem, depth: int) -> Problem:
    """Replace V^(x_h) by E_ref[V^(x_t) | x_h], t = min(h + depth, H); V^(root) stays.

    Parameters
    ----------
    depth : int
        k >= 0.

    Examples
    --------
    A PRM that is one step late shows at the next level what it knows.

    >>> from simulator.problem.families.delayed import delayed
    >>> problem = delayed()
    >>> ahead = looked_ahead(problem, 1)
    >>> bool(np.allclose(ahead.log_prm_flat, problem.log_value_flat))
    True
    """
    return _cached(problem, f"looked ahead {depth}", lambda: _look(problem, depth))


def _look(problem: Problem, depth: int) -> Problem:
    e, a = problem.forward_backward.edges, problem.model.n_actions
    level = np.repeat(np.arange(problem.horizon + 1), problem.model.n_states)
    log_g = problem.log_prm_flat.copy()
    for k in range(1, min(depth, problem.horizon) + 1):
        term = e.log_prob + e.log_factor + log_g[e.target]
        up = np.logaddexp.reduce(term.reshape(-1, a), axis=1)
        moved = level[: up.size] <= problem.horizon - k
        log_g[: up.size][moved] = up[moved]
    log_g[0] = problem.log_prm_flat[0]
    return Problem.from_log(
        problem.model, problem.log_reward, log_g, edge_reward=problem.edge_reward,
        name=problem.name,
    )  # fmt: skip


def extended(problem: Problem, depth: int, rollouts: int) -> Problem:
    """Write the states (x_h, G) of lookahead SMC as a problem with V^(x_h, G) = G.

    A token is a token of `problem` together with what the rollouts from its child give; the
    terminal states, their rewards and Z are those of `problem`.

    Parameters
    ----------
    depth, rollouts : int
        k >= 0 and m >= 1.

    Raises
    ------
    TooLargeError
        If there are too many extended states.

    Examples
    --------
    >>> from simulator.problem.families.reference import reference
    >>> extended(reference(2), 1, 2).model.n_states.tolist()
    [1, 6, 4]
    """
    model, a, horizon = problem.model, problem.model.n_actions, problem.horizon
    levels = [_certain(problem.log_prm[0])]
    levels += [_rollouts(problem, h, depth, rollouts) for h in range(1, horizon + 1)]
    width = max(int(np.diff(level.first).max()) for level in levels)
    probs, moves, edges = [], [], []
    for h in range(horizon):
        after = levels[h + 1]
        owner = np.repeat(np.arange(int(model.n_states[h])), np.diff(levels[h].first))
        if owner.size * float(a * width) > MOST:
            raise TooLargeError(
                f"exact law: {owner.size} states and {a * width} moves of one level, "
                f"the limit is {MOST:.3g} entries"
            )
        chance = np.zeros((int(model.n_states[h + 1]), width))
        to = np.zeros(chance.shape, dtype=np.int64)
        row, column = _unrolled(after.first)
        chance[row, column] = after.probability
        to[row, column] = np.arange(row.size)
        child = model.next_state[h][owner]
        shape = (owner.size, a * width)
        probs.append((model.probs[h][owner][:, :, None] * chance[child]).reshape(shape))
        moves.append(to[child].reshape(shape))
        edges.append(_edges(problem, h, owner, width))
    return Problem.from_log(
        TabularModel(probs, moves, n_terminal=int(model.n_states[-1])),
        problem.log_reward,
        np.concatenate([level.log_g for level in levels]),
        edge_reward=edges if problem.has_edge_reward else None,
        name=problem.name,
    )


def _edges(problem: Problem, h: int, owner: Ints, width: int) -> Floats | None:
    given = None if problem.edge_reward is None else problem.edge_reward[h]
    return None if given is None else np.repeat(np.asarray(given)[owner], width, axis=1)


def _rollouts(problem: Problem, h: int, depth: int, rollouts: int) -> _Outcomes:
    """Law of log G at the states of level h."""
    last = min(h + depth, problem.horizon)
    law = _certain(problem.log_prm[last])
    edges, model = problem.forward_backward.edges, problem.model
    for g in range(last - 1, h - 1, -1):
        block = slice(int(edges.start[g]), int(edges.start[g + 1]))
        child = model.next_state[g].ravel()
        edge, entry = _joined(law.first, child)
        law = _merged(
            edge // model.n_actions,
            law.log_g[entry] + edges.log_factor[block][edge],
            law.probability[entry] * np.exp(edges.log_prob[block])[edge],
            int(model.n_states[g]),
        )
    return _mean(law, rollouts) if last > h else law


def _certain(log_g: Floats) -> _Outcomes:
    """One value a state."""
    return _Outcomes(np.arange(log_g.size + 1), log_g, np.ones(log_g.size))


def _unrolled(first: Ints) -> tuple[Ints, Ints]:
    """Owner of each entry, and its place among the entries of that owner."""
    size = np.diff(first)
    owner = np.repeat(np.arange(size.size), size)
    return owner, np.arange(owner.size) - first[owner]


def _joined(first: Ints, owner: Ints) -> tuple[Ints, Ints]:
    """All pairs of an index of `owner` and an entry of that owner."""
    index, place = _unrolled(np.concatenate([[0], np.cumsum(np.diff(first)[owner])]))
    return index, first[owner[index]] + place


def _mean(law: _Outcomes, m: int) -> _Outcomes:
    """Law of log of the mean of m independent values e^x."""
    total, size = law, np.diff(law.first)
    for _ in range(m - 1):
        if float(np.diff(total.first) @ size) > MOST:
            raise TooLargeError(f"exact law: too many outcomes of {m} rollouts")
        owner, _ = _unrolled(total.first)
        one, other = _joined(law.first, owner)
        total = _merged(
            owner[one],
            np.logaddexp(total.log_g[one], law.log_g[other]),
            total.probability[one] * law.probability[other],
            size.size,
        )
    return total._replace(log_g=total.log_g - np.log(m))


def _merged(owner: Ints, x: Floats, p: Floats, n_owners: int) -> _Outcomes:
    """Add up the chances of values that are equal up to rounding; drop impossible ones."""
    owner, x, p = owner[p > 0], x[p > 0], p[p > 0]
    rounded = np.round(x, DIGITS)
    order = np.lexsort((rounded, owner))
    owner, x, p, rounded = owner[order], x[order], p[order], rounded[order]
    new = np.ones(owner.size, dtype=np.bool_)
    new[1:] = (owner[1:] != owner[:-1]) | (rounded[1:] != rounded[:-1])
    chance = np.bincount(np.cumsum(new) - 1, p).astype(np.float64)
    first = np.searchsorted(owner[new], np.arange(n_owners + 1))
    return _Outcomes(first, x[new], chance)
