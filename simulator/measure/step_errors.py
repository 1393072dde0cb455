r"""One-step errors of the tilted cloud, a cloud at a time.

nu~_h ∝ nu^_h V*/V^. Given the past, nu~_h is self-normalised importance sampling for
nu~_{h-1} pi*; its error is t_h = D_TV(E[nu~_h | past], nu~_{h-1} pi*).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.slot_means import SlotMean
from simulator.measure.kept_steps import kept_errors
from simulator.problem.problem import Problem
from simulator.resampling.when import Rule
from simulator.typing import Floats, Ints

__all__ = ["CloudMean", "step_errors"]

# E[nu~ | past] of (q, u, N) for independent pairs, or of a scheme that is made of slots
CloudMean: TypeAlias = Callable[[Floats, Floats, int], Floats] | SlotMean

SPAN = 600.0  # log range of the weights of a level: beyond it they underflow


def step_errors(
    problem: Problem,
    level: int,
    states: Ints,
    weights: Floats,
    n: int,
    *,
    rejection: bool = False,
    mean: CloudMean = self_normalised_mean,
    rule: Rule | None = None,
) -> Floats:
    """Return D_TV(E[nu~_h | past], nu~_{h-1} pi*) for each cloud of level h-1.

    The pairs (parent, child) are independent draws from q = nu^_{h-1} ⊗ pi_ref, and nu~_h
    weights them by u = V*(child)/V^(parent), or 0 where V^(child) = 0. On paths, u is a
    function of the child, so the sign of q u/E[u] - E[nu~_h] is one of u, and the
    distance of the laws of paths is a sum over (parent state, action).

    By rejection the pairs are drawn from mu ∝ q V^(child)/V^(parent) instead, and weighted by
    V*(child)/V^(child).

    Parameters
    ----------
    level : int
        h, from 1 to H.
    states : (C, N) int array
        Rows of level h-1; anything where the weight is zero.
    weights : (C, N) array
        Unnormalised, >= 0. Rows of zeros (failure) have error 0: failure is absorbing.
    n : int
        Number of particles of level h.
    rejection : bool, optional
        Whether it is SMC by rejection.
    mean : callable or SlotMean, optional
        (q, u, N) to E[nu~_h | past], or to a floor of it: then what comes out is no less than
        the one-step error. A `SlotMean` makes it SMC with that resampling scheme. The pairs are
        then told apart by the place of the parent, as what a pair keeps may depend on it.
    rule : Rule, optional
        If given, clouds of which it says so are kept and not resampled; what comes out for them is
        no less than their one-step error, see `simulator.measure.kept_steps`.

    Returns
    -------
    (C,) array
    """
    if rule is not None:
        kept = np.zeros(len(states), dtype=np.bool_)
        live = weights.any(axis=1)
        kept[live] = ~rule.resamples(weights[live])
        out = np.empty(len(states))
        out[kept] = kept_errors(problem, level, states[kept], weights[kept])
        out[~kept] = step_errors(problem, level, states[~kept], weights[~kept], n, mean=mean)
        return out
    e, a = problem.forward_backward.edges, problem.model.n_actions
    run = slice(int(e.start[level - 1]), int(e.start[level]))
    parent = problem.log_prm_flat[e.source[run]]
    live_parent = np.isfinite(parent)
    prm, value = problem.log_prm_flat[e.target[run]], problem.log_value_flat[e.target[run]]
    lost = np.isneginf(prm)
    base = np.where(live_parent, e.log_factor[run] - np.where(live_parent, parent, 0.0), -np.inf)
    log_u = (base + value)[np.isfinite(base + value)]
    if log_u.size and np.ptp(log_u) > SPAN:
        raise TooLargeError(f"level {level}: V*(child)/V^(parent) spans more than e^{SPAN:g}")
    prob = np.exp(e.log_prob[run]).reshape(-1, a)
    states, placed = np.where(weights > 0, states, 0), isinstance(mean, SlotMean)
    if not placed:
        states, weights = _by_state(states, weights, len(prob))
    total = weights.sum(axis=1, keepdims=True)
    share = weights / np.where(total > 0, total, 1.0)
    same: Ints | slice = slice(None)
    if not placed:
        states, share, same = _distinct(states, share)
    shape = (len(states), states.shape[1] * a)

    def spread(table: np.ndarray) -> np.ndarray:
        return table.reshape(-1, a)[states].reshape(shape)

    q = (share[:, :, None] * prob[states]).reshape(shape)
    u = _exp_rows(spread(base + value), q)
    ideal = _normalised(q * u)
    if rejection:
        q = _normalised(q * _exp_rows(spread(base + prm), q))
        u = _exp_rows(spread(np.where(lost, -np.inf, value - np.where(lost, 0.0, prm))), q)
    else:
        u = np.where(spread(lost), 0.0, u)
    if isinstance(mean, SlotMean):
        reached = mean(share, prob[states], u.reshape(*states.shape, a)).reshape(q.shape)
    else:
        reached = mean(q, u, n)
    return np.asarray(np.maximum(ideal - reached, 0.0).sum(axis=1))[same]


def _exp_rows(log: Floats, q: Floats) -> Floats:
    """Exponentials relative to the largest of each row; 0 where q is."""
    log = np.where(q > 0, log, -np.inf)
    top = log.max(axis=1, keepdims=True)
    return np.asarray(np.exp(log - np.where(np.isfinite(top), top, 0.0)))


def _normalised(x: Floats) -> Floats:
    total = x.sum(axis=1, keepdims=True)
    return np.asarray(x / np.where(total > 0, total, 1.0))


def _by_state(states: Ints, weights: Floats, n_states: int) -> tuple[Ints, Floats]:
    """Add the weights of particles in equal states, if that makes the arrays smaller."""
    if n_states >= states.shape[1]:
        return states, weights
    rows = len(states)
    key = states + n_states * np.arange(rows)[:, None]
    sums = np.bincount(key.ravel(), weights.ravel(), rows * n_states).astype(np.float64)
    sums = sums.reshape(rows, n_states)
    return np.broadcast_to(np.arange(n_states, dtype=np.int64), sums.shape), sums


def _distinct(states: Ints, share: Floats) -> tuple[Ints, Floats, Ints]:
    """Clouds without repetitions, and where to find each of the given ones among them."""
    order = np.argsort(states, axis=1, kind="stable")
    states = np.take_along_axis(states, order, axis=1)
    share = np.take_along_axis(share, order, axis=1)
    rows = np.ascontiguousarray(np.concatenate([states.view(np.float64), share], axis=1))
    _, first, same = np.unique(
        rows.view(f"V{rows.itemsize * rows.shape[1]}")[:, 0], return_index=True, return_inverse=True
    )
    return states[first], share[first], same
