r"""One-step errors of the tilted cloud along runs: an upper limit of the error of order 1/N.

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
from collections.abc import Iterator

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.quadrature import self_normalised_mean
from simulator.exact.slot_means import SlotMean
from simulator.measure.step_errors import CloudMean, step_errors
from simulator.measure.stream import CELLS, Runnable, chunks
from simulator.problem.problem import Problem
from simulator.resampling.when import Rule
from simulator.samplers.facts import facts_of
from simulator.samplers.runs import Runs
from simulator.typing import Floats, RngLike

__all__ = ["plain_problem", "runs_within_reach", "stepwise_samples", "stepwise_sums"]

WORK = 1 << 19  # pairs (parent state, action) of all runs and levels: some seconds
FEWEST = 64  # runs
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
        if stopped.all():
            break
        live = np.flatnonzero(~stopped) if stopped.any() else slice(None)
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
