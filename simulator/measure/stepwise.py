r"""One-step errors of the tilted cloud: an upper limit of the error of order 1/N.

nu~_h ∝ nu^_h V*/V^. Given the past, nu~_h is self-normalised importance sampling for
nu~_{h-1} pi*, and the kernel pi* contracts D_TV, so that for any resampling scheme

    D_TV <= E[sum_h t_h],   t_h = D_TV(E[nu~_h | past], nu~_{h-1} pi*) in [0, 1].

Once the sum has passed 1 it need not be added up further. Let tau be the first h with
t_1 + ... + t_h > 1, and f a function with values in [0, 1]. M_h = nu~_h pi*^{H-h} f moves by at
most t_h on average, given the past, and by at most 1 in all levels together; t_h is known one
level ahead, so tau - 1 is a stopping time, and D_TV <= E[sum_{h<tau} t_h + 1{tau <= H}]. This
variable lies in [0, 2] whatever the horizon.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.slot_means import SlotMean
from simulator.measure.kept_steps import kept_errors
from simulator.measure.stream import CELLS, Runnable, chunks
from simulator.problem.problem import Problem
from simulator.resampling.schemes import known_as
from simulator.resampling.when import Rule
from simulator.samplers.facts import facts_of
from simulator.samplers.runs import Runs
from simulator.typing import Floats, Ints, RngLike

__all__ = [
    "CloudMean",
    "largest_excess",
    "largest_steps",
    "plain_problem",
    "runs_within_reach",
    "step_errors",
    "stepwise_samples",
    "stepwise_sums",
]


# E[nu~ | past] of (q, u, N) for independent pairs, or of a scheme that is made of slots
CloudMean: TypeAlias = Callable[[Floats, Floats, int], Floats] | SlotMean

WORK = 1 << 19  # pairs (parent state, action) of all runs and levels: some seconds
FEWEST = 64  # runs
SPAN = 600.0  # log range of the weights of a level: beyond it they underflow
LARGEST_CLOUD = 1 << 25  # particles of all levels of one run
STEPS = 3e5  # levels of all parts, each some tenths of a millisecond whatever it holds
SLOTS = 5e8  # multiplications of slots by parents of all runs and levels: a minute
NODES = 10  # multiplications by an integral take so many times as long as by its floor


def plain_problem(problem: Problem, sampler: object) -> Problem | None:
    """Return the problem on which the sampler is multinomial SMC at every level, if there is one.

    Parameters
    ----------
    sampler : Sampler

    Returns
    -------
    Problem or None
        None for any other sampler, for which nothing here holds.
    """
    facts = facts_of(sampler, problem)
    if not facts.drawn:
        return None
    if facts.family == "smc" and facts.variance == "multinomial":
        return problem
    return facts.rewritten


def runs_within_reach(problem: Problem, sampler: Runnable, n_runs: int) -> int:
    """Say for how many runs the one-step errors can be computed in some seconds.

    Parameters
    ----------
    n_runs : int
        As many as are wanted.

    Returns
    -------
    int
        0 if they do not apply, or are out of reach for a useful number of runs.
    """
    plain = plain_problem(problem, sampler)
    if plain is None:
        return 0
    n = sampler.n_particles
    pairs = np.minimum(plain.model.n_states[:-1], n).sum() * plain.model.n_actions
    if n * plain.horizon > LARGEST_CLOUD:
        return 0
    runs = min(n_runs, int(WORK // pairs))
    return runs if runs >= min(n_runs, FEWEST) else 0


def largest_excess(problem: Problem, *, rejection: bool = False) -> Floats:
    r"""Largest weights of each level relative to their mean, less 1: B_h - 1.

    SMC: B_h is the largest u = V*(child)/V^(parent) of the level over the least V*/V^ of the
    level before, which the mean of u is never below. By rejection, B_h is the largest V*/V^ of
    the level over its least one. Rescaling V^ level by level changes nothing.

    Parameters
    ----------
    problem : Problem
        What is sampled; no use if mass is lost.
    rejection : bool, optional
        Whether it is SMC by rejection, whose last level is exact.

    Returns
    -------
    (H,) array, or (H-1,) by rejection
        inf where V* = 0 at an alive state of whose level the least is taken.
    """
    e, value, prm = problem.forward_backward.edges, problem.log_value_flat, problem.log_prm_flat
    alive = np.isfinite(problem.forward_backward.log_forward_alive) & np.isfinite(prm)
    log_prm = np.where(alive, prm, 0.0)
    ratio = value - log_prm
    start = problem.model.state_start[:-1]
    least = np.minimum.reduceat(np.where(alive, ratio, np.inf), start)
    if rejection:
        most, least = np.maximum.reduceat(np.where(alive, ratio, -np.inf), start)[1:-1], least[1:-1]
    else:
        taken = alive[e.source] & np.isfinite(e.log_prob)
        u = np.where(taken, e.log_factor + value[e.target] - log_prm[e.source], -np.inf)
        most, least = np.maximum.reduceat(u, e.start[:-1]), least[:-1]
    with np.errstate(over="ignore"):
        return np.maximum(np.expm1(most - least), 0.0)


def largest_steps(
    problem: Problem, n: int, *, rejection: bool = False, resampling: str = "multinomial"
) -> Floats:
    r"""Largest values of t_1, t_2, ..., the same for all runs.

    t_h <= (B_h-1)/(N + B_h-1) with B_h - 1 of `largest_excess`, by the floor of
    `simulator.exact.self_normalised_floor`; 1 if pi* meets V^ = 0. Of other schemes with
    negatively correlated offspring t_h <= B_h/(N + B_h), and of those without only t_h <= 1.

    Parameters
    ----------
    n : int
        Number of particles N.
    rejection : bool, optional
        As in `largest_excess`.
    resampling : str, optional
        Scheme of SMC that is resampled at every level.

    Returns
    -------
    (H,) array, or (H-1,) by rejection
        By rejection the last level is exact, whatever is lost before it.
    """
    wanted = problem.forward_backward.log_forward + problem.log_value_flat
    if (np.isneginf(problem.log_prm_flat) & np.isfinite(wanted)).any():  # also if next to nothing
        return np.ones(problem.horizon - rejection)
    scheme = known_as(resampling, n)
    if not scheme.negatively_correlated:
        return np.ones(problem.horizon)
    excess = largest_excess(problem, rejection=rejection) + (scheme.variance != "multinomial")
    return np.asarray(1 - 1 / (1 + excess / n))


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


def stepwise_sums(
    problem: Problem,
    runs: Runs,
    n: int,
    cap: float = np.inf,
    *,
    rejection: bool = False,
    mean: CloudMean = self_normalised_mean,
    rule: Rule | None = None,
) -> Floats:
    """Add up the one-step errors of each run.

    Parameters
    ----------
    problem : Problem
        As `plain_problem` gives it.
    runs : Runs
        With clouds.
    n : int
        Number of particles.
    cap : float, optional
        Before the sum passes it, stop and add 1 instead; 1 gives a variable in [0, 2].
    rejection, mean, rule : optional
        As in `step_errors`.

    Returns
    -------
    (R,) array
    """
    states, logs = runs.cloud_states, runs.cloud_log_weights
    assert states is not None
    assert logs is not None
    one = np.zeros((1, n), dtype=np.int64)
    first = step_errors(problem, 1, one, np.ones((1, n)), n, rejection=rejection, mean=mean)
    out = np.repeat(first, len(runs))
    stopped = out > cap
    out[stopped] = 1.0
    for h in range(2, problem.horizon + 1):
        live = np.flatnonzero(~stopped)
        if live.size == 0:
            break
        w = logs[live, h - 2]
        peak = w.max(axis=1, keepdims=True)
        w = np.exp(w - np.where(np.isfinite(peak), peak, 0.0))
        step = step_errors(
            problem, h, states[live, h - 2], w, n, rejection=rejection, mean=mean, rule=rule
        )
        over = out[live] + step > cap
        out[live] += np.where(over, 1.0, step)
        stopped[live] = over
    return out


def stepwise_samples(
    problem: Problem,
    sampler: Runnable,
    n_runs: int,
    rng: RngLike,
    cap: float = np.inf,
    *,
    rejection: bool = False,
    mean: CloudMean = self_normalised_mean,
    rule: Rule | None = None,
) -> Iterator[Floats]:
    """Draw runs and add up their one-step errors, in flat memory.

    Parameters
    ----------
    sampler : Sampler
        One for which `plain_problem` is not None, SMC by rejection, SMC with this rule, or with a
        `SlotMean` SMC that is resampled at every level by its scheme.
    cap : float, optional
        As in `stepwise_sums`.
    rejection, mean, rule : optional
        As in `step_errors`.

    Yields
    ------
    (R',) array
        Sums of the next R' runs.

    Raises
    ------
    TooLargeError
        If the horizon is so long that this would take minutes: clouds of all levels are kept,
        so that the number of parts grows with the horizon too. With a `SlotMean` also if there
        are so many particles and runs, as the work grows with the square of N.
    """
    own = rejection or rule is not None or isinstance(mean, SlotMean)
    plain = problem if own else plain_problem(problem, sampler)
    assert plain is not None
    cells = sampler.n_particles * plain.horizon
    steps = plain.horizon * math.ceil(n_runs * cells / CELLS)
    if steps > STEPS:
        raise TooLargeError(
            f"one-step errors of {n_runs} runs: {steps:.3g} levels one after another, "
            f"the limit is {STEPS:.3g}"
        )
    n = sampler.n_particles
    if isinstance(mean, SlotMean):
        work = n_runs * plain.horizon * float(n) ** 2 * (1 if mean.jensen else NODES)
        if work > SLOTS:
            raise TooLargeError(
                f"one-step errors of {n_runs} runs, particle by particle under "
                f"{mean.resampling} resampling: {work:.3g} steps, the limit is {SLOTS:.3g}"
            )
    for runs in chunks(problem, sampler, n_runs, rng, keep=("clouds",), cells=cells):
        yield stepwise_sums(plain, runs, n, cap, rejection=rejection, mean=mean, rule=rule)
