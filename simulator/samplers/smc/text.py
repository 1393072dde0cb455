"""SMC on texts (arXiv 2603.07887, algorithm 1); `simulator.samplers.smc.sampler` has the rest.

It draws from each run's stream in the order in which the kernel does: a uniform a particle and
level, those of the resampling scheme, one for the output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from simulator.exact.cloud import ParticleFilter
from simulator.resampling.schemes import scheme_for
from simulator.resampling.when import Rule
from simulator.samplers.runs import Runs
from simulator.streams.plain import Xoshiro
from simulator.text.particles import TextParticles, log_mean, ratio
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats, Ints

__all__ = [
    "pick_best", "pick_weighted", "run_filter", "run_smc", "to_runs", "value_by", "weights_of",
]  # fmt: skip

TIE = 1e-9


class TextFilter(ParticleFilter, Protocol):
    """What the filter needs to know of a sampler: the options of `SMC`."""

    @property
    def proposal(self) -> str:
        """Law of the next token."""
        ...


def run_smc(sampler: TextFilter, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    """Do one run a generator; see `Sampler.on_text`."""
    return run_filter(sampler, problem, rngs, value_by(sampler))


def value_by(sampler: TextFilter) -> Callable[[TextParticles, int], Floats]:
    """Return how SMC asks for V^: for free where its proposal has asked for that of all children.

    Parameters
    ----------
    sampler : SMC
        Or anything with its options.
    """
    counted = sampler.proposal != "optimal"
    return lambda cloud, h: cloud.value(counted=counted)


def run_filter(
    sampler: TextFilter,
    problem: LanguageModelProblem,
    rngs: list[Xoshiro],
    value: Callable[[TextParticles, int], Floats],
    *,
    cloud: TextParticles | None = None,
    resample: Callable[[Floats, Xoshiro], Ints] | None = None,
) -> Runs:
    """Do one run a generator of a particle filter with any values.

    Parameters
    ----------
    sampler : SMC
        Or anything with its options.
    value : callable
        TextParticles and its level to the (R, N) log values, which it also records.
    cloud : TextParticles, optional
        N roots a run; by default they are made.
    resample : callable, optional
        Weights of a run and its generator to N ancestors; by default the scheme of the sampler.
    """
    if cloud is None:
        cloud = TextParticles(problem, rngs, sampler.n_particles)
    n_runs, n = cloud.shape
    if resample is None:
        resample = scheme_for(sampler.resampling, n).plain
    rule = Rule(sampler.resample_when, sampler.ess_threshold)
    log_w = np.full(n_runs, cloud.log_root)
    acc = np.zeros(cloud.shape)  # log weights since the last resampling
    before = cloud.log_v
    ess = np.zeros((n_runs, problem.horizon))
    genealogy = np.full((n_runs, problem.horizon, n), -1, dtype=np.int32)
    ancestors = np.zeros(cloud.shape, dtype=np.int64)
    log_weights = np.full(genealogy.shape, -np.inf)
    for h in range(problem.horizon):
        live = ~cloud.given_up
        genealogy[live, h] = ancestors[live]
        cloud.step(sampler.proposal)
        acc = acc + ratio(cloud.log_ref, cloud.log_q)
        last = h == problem.horizon - 1
        due = (h + 1) % sampler.block == 0
        if due or last:
            acc = acc + ratio(value(cloud, h + 1), before)
            before = cloud.log_v
        cloud.given_up |= np.isneginf(acc).all(axis=1)
        weights = weights_of(acc)
        live = ~cloud.given_up
        log_weights[live, h] = acc[live]
        ess[live, h] = effective_size(weights[live])
        chosen = live.copy()
        if not last:
            chosen[live] = due and rule.resamples(weights[live])
        log_w[chosen] += log_mean(acc[chosen])
        ancestors = np.tile(np.arange(n), (n_runs, 1))
        if not last and chosen.any():
            for r in np.flatnonzero(chosen):
                ancestors[r] = resample(weights[r], cloud.rngs[int(r)])
            cloud.reorder(ancestors)
            acc[chosen], before = 0.0, cloud.log_v
    pick = pick_best if sampler.select == "best" else pick_weighted
    picked = pick(cloud, weights)
    return to_runs(cloud, picked, log_w, ess=ess, genealogy=genealogy, log_weights=log_weights)


def weights_of(log_weights: Floats) -> Floats:
    """Scale the weights of each run to a largest one of 1; all 0 where they are all 0.

    Parameters
    ----------
    log_weights : (R, N) array

    Returns
    -------
    (R, N) array
    """
    top = log_weights.max(axis=1, keepdims=True)
    return np.exp(log_weights - np.where(np.isneginf(top), 0.0, top))


def effective_size(weights: Floats) -> Floats:
    """(sum w)^2 / sum w^2 of each run.

    Parameters
    ----------
    weights : (R, N) array

    Returns
    -------
    (R,) array
    """
    return np.asarray(weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1))


def pick_weighted(cloud: TextParticles, weights: Floats) -> Ints:
    """Draw one particle a run in proportion to the weights, -1 where all are 0.

    Parameters
    ----------
    weights : (R, N) array

    Returns
    -------
    (R,) int array
    """
    out = np.full(cloud.shape[0], -1)
    for r in np.flatnonzero(weights.any(axis=1) & ~cloud.given_up):
        u, live = cloud.rngs[int(r)].uniform(), weights[r] > 0
        sums = np.cumsum(weights[r])
        beyond = np.flatnonzero((sums > u * sums[-1]) & live)
        out[r] = beyond[0] if beyond.size else np.flatnonzero(live)[-1]
    return out


def pick_best(cloud: TextParticles, weights: Floats) -> Ints:
    """Take the particle of highest V^ of those of positive weight, ties uniformly.

    Parameters
    ----------
    weights : (R, N) array

    Returns
    -------
    (R,) int array
    """
    out = np.full(cloud.shape[0], -1)
    for r in np.flatnonzero(weights.any(axis=1) & ~cloud.given_up):
        u, live = cloud.rngs[int(r)].uniform(), weights[r] > 0
        score = cloud.log_v[r]
        ties = np.flatnonzero(live & (score >= score[live].max() - TIE))
        out[r] = ties[min(int(u * ties.size), ties.size - 1)]
    return out


def to_runs(
    cloud: TextParticles,
    picked: Ints,
    log_w: Floats | None,
    *,
    ess: Floats | None = None,
    genealogy: npt.NDArray[np.int32] | None = None,
    log_weights: Floats | None = None,
) -> Runs:
    """Write down what the picked particles are.

    Parameters
    ----------
    picked : (R,) int array
        -1 for a failed run.
    log_w : (R,) array or None
    ess, genealogy : arrays or None
    """
    failed = picked < 0
    tokens = cloud.tokens(picked)
    states = np.full(picked.size, -1)
    if not failed.all():
        states[~failed] = cloud.problem.states(tokens[~failed])
    return Runs(
        states=states,
        log_w=None if log_w is None else np.where(failed, -np.inf, log_w),
        failed=failed,
        prm_evaluations=cloud.evaluations,
        model_calls=cloud.calls,
        tokens=tokens,
        ess=ess,
        genealogy=genealogy,
        cloud_log_weights=log_weights,
        cloud_tokens=None if log_weights is None else cloud.all_tokens(),
    )
