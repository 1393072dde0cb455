"""Lookahead SMC on a language model: values are those of continuations."""

from __future__ import annotations

import numpy as np

from simulator.errors import InputError
from simulator.samplers.runs import Runs
from simulator.samplers.smc.text import TextFilter, run_filter, run_smc
from simulator.streams.plain import Xoshiro
from simulator.text.particles import TextParticles
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats

__all__ = ["run_lookahead"]


def run_lookahead(
    filter_: TextFilter,
    problem: LanguageModelProblem,
    rngs: list[Xoshiro],
    depth: int,
    rollouts: int,
) -> Runs:
    """Do one run a generator; see `Sampler.on_text`.

    Parameters
    ----------
    filter_ : SMC
        The particle filter whose weights are replaced.
    problem : LanguageModelProblem
        What is sampled.
    rngs : list of Xoshiro
        The generator of each run.
    depth, rollouts : int
        As in `Lookahead`.
    """
    if depth == 0:
        return run_smc(filter_, problem, rngs)
    if rollouts == 0 and depth > 1:
        raise InputError(
            "rollouts: all continuations of a language model are too many, k = 1 apart"
        )

    def value(cloud: TextParticles, h: int) -> Floats:
        if h == problem.horizon:
            return cloud.value()
        ahead = _children(cloud) if rollouts == 0 else _rollouts(cloud, depth, rollouts, h)
        cloud.record(ahead)
        return ahead

    return run_filter(filter_, problem, rngs, value)


def _rollouts(cloud: TextParticles, depth: int, rollouts: int, h: int) -> Floats:
    """log of the mean of V^ over the ends of independent continuations."""
    further = cloud.fork(rollouts)
    for _ in range(min(depth, cloud.problem.horizon - h)):
        further.step()
    log_v = further.value().reshape(*cloud.shape, rollouts)
    cloud.calls += further.calls
    cloud.evaluations += further.evaluations
    return np.asarray(np.logaddexp.reduce(log_v, axis=2) - np.log(rollouts))


def _children(cloud: TextParticles) -> Floats:
    """log E_ref[V^(child) | x]; a text that has ended keeps its value."""
    table = cloud.session.next_logprobs()
    log_s = np.logaddexp.reduce(table + cloud.children(table), axis=1).reshape(cloud.shape)
    ended = cloud.ended.reshape(cloud.shape)
    cloud.calls += (~ended).sum(axis=1)
    return np.where(ended, cloud.value(counted=False), log_s) if ended.any() else log_s
