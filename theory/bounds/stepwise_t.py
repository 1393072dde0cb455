"""Bound T: one-step errors of the tilted cloud, summed over the levels; of order 1/N."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from simulator.exact.cloud import cloud_chain
from simulator.exact.quadrature import self_normalised_mean
from simulator.problem import Problem
from simulator.samplers.sampler import Sampler
from simulator.samplers.smc import SMC
from simulator.samplers.streams import RngLike, seed_sequence
from theory.bounds.spread_f import level_steps
from theory.criteria import criteria
from theory.statement import DRAWN, MULTINOMIAL, register

__all__ = ["measured_steps", "step_errors", "stepwise_t", "sum_steps"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS = 1 << 22  # entries of the largest array of particles kept at a time


def step_errors(
    problem: Problem, level: int, states: Ints, weights: Floats, n: int, *, rejection: bool = False
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
    problem : Problem
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

    Returns
    -------
    (C,) array
    """
    e, a = problem.passes.edges, problem.model.n_actions
    run = slice(int(e.start[level - 1]), int(e.start[level]))
    parent = problem.log_prm_flat[e.source[run]]
    live_parent = np.isfinite(parent)
    prm, value = problem.log_prm_flat[e.target[run]], problem.log_value_flat[e.target[run]]
    lost = np.isneginf(prm)
    base = np.where(live_parent, e.log_factor[run] - np.where(live_parent, parent, 0.0), -np.inf)
    prob = np.exp(e.log_prob[run]).reshape(-1, a)
    states, weights = _by_state(np.where(weights > 0, states, 0), weights, len(prob))
    total = weights.sum(axis=1, keepdims=True)
    share = weights / np.where(total > 0, total, 1.0)
    shape = (len(states), -1)

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
    reached = self_normalised_mean(q, u, n)
    return np.asarray(np.maximum(ideal - reached, 0.0).sum(axis=1))


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


def measured_steps(
    problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike, *, rejection: bool = False
) -> Floats:
    """Sum the one-step errors of each of independent runs.

    Parameters
    ----------
    problem : Problem
    sampler : Sampler
    n_runs : int
    rng : int, SeedSequence or Generator
    rejection : bool, optional
        As in `step_errors`.

    Returns
    -------
    (n_runs,) array
    """
    n, horizon = sampler.n_particles, problem.horizon
    out = np.empty(n_runs)
    size = max(1, CELLS // (n * horizon))
    root = seed_sequence(rng)
    for first in range(0, n_runs, size):
        part = slice(first, min(first + size, n_runs))
        runs = sampler.run(problem, part.stop - first, rng=root.spawn(1)[0], keep=("clouds",))
        states, logs = runs.cloud_states, runs.cloud_log_weights
        assert states is not None
        assert logs is not None
        one = np.zeros((len(runs), 1), dtype=np.int64)
        root_weight = np.ones_like(one, dtype=np.float64)
        out[part] = step_errors(problem, 1, one, root_weight, n, rejection=rejection)
        for h in range(2, horizon + 1):
            w = logs[:, h - 2]
            peak = w.max(axis=1, keepdims=True)
            w = np.exp(w - np.where(np.isfinite(peak), peak, 0.0))
            out[part] += step_errors(problem, h, states[:, h - 2], w, n, rejection=rejection)
    return out


def sum_steps(
    problem: Problem,
    n: int,
    clouds: Iterable[tuple[int, Ints, Floats, Floats]],
    *,
    rejection: bool = False,
) -> float:
    """Average the one-step errors over enumerated clouds and sum over the levels.

    Parameters
    ----------
    problem : Problem
    n : int
        Number of particles N.
    clouds : iterable of (level, states, weights, probability)
        Levels 0..H-1.
    rejection : bool, optional
        As in `step_errors`.

    Returns
    -------
    float
    """
    total, size = 0.0, max(1, CELLS // (n * problem.model.n_actions))
    for level, states, weights, probability in clouds:
        for first in range(0, len(probability), size):
            part = slice(first, first + size)
            errors = step_errors(
                problem, level + 1, states[part], weights[part], n, rejection=rejection
            )
            total += float(probability[part] @ errors)
    return total


def _samples(problem: Problem, sampler: Sampler, n_runs: int, rng: RngLike) -> tuple[Floats, float]:
    """Sum the one-step errors of each run; each is at most min(1, its term of F-level)."""
    top = np.ones(problem.horizon)
    if not criteria(problem).loses_mass:
        top = np.minimum(top, level_steps(problem) / sampler.n_particles)
    return measured_steps(problem, sampler, n_runs, rng), float(top.sum())


@register(
    id="T",
    title="one-step errors of the tilted cloud",
    reference="new; self-normalised importance sampling level by level",
    formula="sum_h E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], nu~_h ∝ nu^_h V*/V^",
    assumptions=(MULTINOMIAL, DRAWN),
    measured=True,
    samples=_samples,
)
def stepwise_t(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= sum_{h=1}^H E[D_TV(E[nu~_h | past], nu~_{h-1} pi*)], over all clouds.

    nu~_0 is the root and nu~_H = nu^_H; the kernel pi* contracts D_TV, so the errors of the
    levels add up. The conditional mean needs no sampling: see `simulator.exact.quadrature`.

    Guarantee: upper bound of order 1/N, true with lost mass too; attained by some trees.

    Parameters
    ----------
    problem : Problem
    sampler : SMC

    Returns
    -------
    float

    Raises
    ------
    TooLargeError
        If there are too many clouds; `Bound.estimate` measures it then.
    """
    assert isinstance(sampler, SMC)
    chain = cloud_chain(problem, sampler)
    clouds = ((c.level, c.states, c.weights, c.probability) for c in chain)
    return sum_steps(problem, sampler.n_particles, clouds)
