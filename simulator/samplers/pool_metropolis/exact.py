r"""Exact law of Metropolis-Hastings over pools, by the joint law of a proposal and its W^_H.

An atom is an end with a value of W^_H, which is V^(root) times the mean weights of the pools along
the path. With q(z) the law of proposals and w(z) the weight, a step takes p to

    p(z) sum_z' q(z') (1 - w(z')/w(z))_+ + q(z) sum_z' p(z') min(1, w(z)/w(z')).
"""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.exact.second_moments import weighted_edges
from simulator.problem.problem import Problem
from simulator.resampling.compositions import compositions
from simulator.typing import Floats, Ints

__all__ = ["exact_law", "proposals"]

DIGITS = 11  # logs of weights that agree so far are one
COST = 20.0  # of one pool or atom, in cloud transitions of `simulator.exact.cloud`


def proposals(problem: Problem, n: int, limit: float) -> tuple[Ints, Floats, Floats]:
    """List the atoms of a proposal.

    Parameters
    ----------
    problem : Problem
        Whose terminal states are the ends.
    n : int
        Candidates in a pool, N.
    limit : float
        Largest amount of work; see `Sampler.exact_law`.

    Returns
    -------
    state : (K,) int array
        Terminal state of each atom.
    probability, log_w : (K,) arrays
        Of proposals, and log W^_H. What is missing from the sum is P(W^_H = 0).

    Raises
    ------
    TooLargeError
        If there is more to do than `limit`.
    """
    a = problem.model.n_actions
    log_ratio = weighted_edges(problem).log_ratio.reshape(-1, a)
    table, work = compositions(a, n), 0.0
    atoms = {(0, 0.0): (1.0, 0.0)}  # (state, rounded log W) -> probability, log W
    for h in range(problem.horizon):
        after: dict[tuple[int, float], tuple[float, float]] = {}
        first = int(problem.model.state_start[h])
        for (here, _), (p, log_w) in atoms.items():
            work += COST * len(table.counts) * a
            if work > limit:
                raise TooLargeError(f"exact law: more than {limit:.3g} cloud transitions")
            probs = problem.model.probs[h][here]
            chance = table.coefficient * np.prod(probs**table.counts, axis=1)
            log_gain = log_ratio[first + here]
            top = float(log_gain[probs > 0].max())
            if top == -math.inf:
                continue
            share = table.counts * np.exp(log_gain - top)
            total = share.sum(axis=1)
            for i in np.flatnonzero((chance > 0) & (total > 0)).tolist():
                new = log_w + top + math.log(total[i] / n)
                for token in np.flatnonzero(share[i]).tolist():
                    key = int(problem.model.next_state[h][here, token]), round(new, DIGITS) + 0.0
                    q = p * float(chance[i] * share[i, token] / total[i])
                    after[key] = after.get(key, (0.0, new))[0] + q, new
        atoms = after
    state = np.array([key[0] for key in atoms], dtype=np.int64)
    numbers = np.array(list(atoms.values())).reshape(-1, 2)
    return state, numbers[:, 0], numbers[:, 1] + float(problem.log_prm_flat[0])


def exact_law(problem: Problem, n: int, steps: int, on: str, limit: float) -> ExactLaw:
    """Compute the law after so many steps; see `Sampler.exact_law`.

    Parameters
    ----------
    n, steps : int
        As in `PoolMetropolis`.
    """
    out = outcomes(problem, on, limit, one_reward=False)
    state, q, log_w = proposals(out.tree, n, limit)
    order = np.argsort(log_w, kind="stable")
    state, q, log_w = state[order], q[order], log_w[order]
    if COST * q.size * steps > limit:
        raise TooLargeError(f"exact law: more than {limit:.3g} cloud transitions")
    w = np.exp(log_w - (log_w[-1] if log_w.size else 0.0))
    stays = _left_sum(q) - _left_sum(q * w) / w  # sum over smaller w' of q (1 - w'/w)
    fails = max(0.0, 1 - float(q.sum()))
    stays += fails
    p, failed = q.copy(), fails
    for _ in range(steps):
        gain = _left_sum(p) + p + w * (float((p / w).sum()) - _left_sum(p / w) - p / w)
        p, failed = p * stays + q * (gain + failed), failed * fails
    law = out.gather(np.bincount(state, p, int(out.tree.model.n_states[-1])).astype(np.float64))
    return ExactLaw(
        law=law,
        failure=failed,
        tv=total_variation(out.target, law),
        mean_w_over_z=None,
        relative_variance=None,
        shortfall=None,
        target=out.target,
        weighted=None,
        tokens=out.tokens,
    )


def _left_sum(x: Floats) -> Floats:
    """Sum of what stands before."""
    return np.cumsum(x) - x
