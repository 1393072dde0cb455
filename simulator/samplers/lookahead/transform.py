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
    """Values of log G that a state of one level can have."""

    log_g: list[Floats]
    probability: list[Floats]


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
    levels = [_Outcomes([problem.log_prm[0]], [np.ones(1)])]
    levels += [_rollouts(problem, h, depth, rollouts) for h in range(1, horizon + 1)]
    width = max(g.size for level in levels for g in level.log_g)
    probs, moves, edges = [], [], []
    for h in range(horizon):
        after = levels[h + 1]
        owner = np.repeat(np.arange(int(model.n_states[h])), [g.size for g in levels[h].log_g])
        if owner.size * float(a * width) > MOST:
            raise TooLargeError(
                f"exact law: {owner.size} states and {a * width} moves of one level, "
                f"the limit is {MOST:.3g} entries"
            )
        first = np.cumsum([0] + [g.size for g in after.log_g])
        chance = np.zeros((int(model.n_states[h + 1]), width))
        to = np.zeros(chance.shape, dtype=np.int64)
        for s, p in enumerate(after.probability):
            chance[s, : p.size] = p
            to[s, : p.size] = first[s] + np.arange(p.size)
        child = model.next_state[h][owner]
        shape = (owner.size, a * width)
        probs.append((model.probs[h][owner][:, :, None] * chance[child]).reshape(shape))
        moves.append(to[child].reshape(shape))
        edges.append(_edges(problem, h, owner, width))
    return Problem.from_log(
        TabularModel(probs, moves, n_terminal=int(model.n_states[-1])),
        problem.log_reward,
        np.concatenate([g for level in levels for g in level.log_g]),
        edge_reward=edges if problem.has_edge_reward else None,
        name=problem.name,
    )


def _edges(problem: Problem, h: int, owner: Ints, width: int) -> Floats | None:
    given = None if problem.edge_reward is None else problem.edge_reward[h]
    return None if given is None else np.repeat(np.asarray(given)[owner], width, axis=1)


def _rollouts(problem: Problem, h: int, depth: int, rollouts: int) -> _Outcomes:
    """Law of log G at the states of level h."""
    last = min(h + depth, problem.horizon)
    law = [_merged(np.array([x]), np.ones(1)) for x in problem.log_prm[last]]
    edges, model = problem.forward_backward.edges, problem.model
    for g in range(last - 1, h - 1, -1):
        block = slice(int(edges.start[g]), int(edges.start[g + 1]))
        shape = (-1, model.n_actions)
        prob = np.exp(edges.log_prob[block]).reshape(shape)
        factor = edges.log_factor[block].reshape(shape)
        law = [
            _merged(
                np.concatenate([law[c][0] + f for c, f in zip(to, log_f, strict=True)]),
                np.concatenate([law[c][1] * q for c, q in zip(to, p, strict=True)]),
            )
            for to, p, log_f in zip(model.next_state[g], prob, factor, strict=True)
        ]
    if last > h:
        law = [_mean(*one, rollouts) for one in law]
    return _Outcomes([x for x, _ in law], [p for _, p in law])


def _mean(x: Floats, p: Floats, m: int) -> tuple[Floats, Floats]:
    """Law of log of the mean of m independent values e^x."""
    total = x, p
    for _ in range(m - 1):
        if total[0].size * float(x.size) > MOST:
            raise TooLargeError(f"exact law: too many outcomes of {m} rollouts")
        total = _merged(np.logaddexp(total[0][:, None], x).ravel(), (total[1][:, None] * p).ravel())
    return total[0] - np.log(m), total[1]


def _merged(x: Floats, p: Floats) -> tuple[Floats, Floats]:
    """Add up the probabilities of values that are equal up to rounding; drop impossible ones."""
    x, p = x[p > 0], p[p > 0]
    _, first, where = np.unique(np.round(x, DIGITS), return_index=True, return_inverse=True)
    return x[first], np.bincount(where, p).astype(np.float64)
