"""Lookahead SMC over the protocol: values are those of continuations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError
from simulator.language_models.engine.cloud import Cloud
from simulator.language_models.engine.dispatch import engine
from simulator.language_models.engine.smc import run_filter, run_smc
from simulator.language_models.problem import LanguageModelProblem
from simulator.samplers.lookahead import Lookahead
from simulator.samplers.runs import Runs
from simulator.streams.xoshiro import Xoshiro

__all__: list[str] = []

Floats = npt.NDArray[np.float64]


@engine.register
def _lookahead(sampler: Lookahead, problem: LanguageModelProblem, rngs: list[Xoshiro]) -> Runs:
    if sampler.depth == 0:
        return run_smc(sampler.filter, problem, rngs)
    if sampler.rollouts == 0 and sampler.depth > 1:
        raise InputError(
            "rollouts: all continuations of a language model are too many, k = 1 apart"
        )

    def value(cloud: Cloud, h: int) -> Floats:
        if h == problem.horizon:
            return cloud.value()
        ahead = _children(cloud) if sampler.rollouts == 0 else _rollouts(cloud, sampler, h)
        cloud.record(ahead)
        return ahead

    return run_filter(sampler.filter, problem, rngs, value)


def _rollouts(cloud: Cloud, sampler: Lookahead, h: int) -> Floats:
    """log of the mean of V^ over the ends of independent continuations."""
    further = cloud.fork(sampler.rollouts)
    for _ in range(min(sampler.depth, cloud.problem.horizon - h)):
        further.step()
    log_v = further.value().reshape(*cloud.shape, sampler.rollouts)
    cloud.calls += further.calls
    cloud.evaluations += further.evaluations
    return np.asarray(np.logaddexp.reduce(log_v, axis=2) - np.log(sampler.rollouts))


def _children(cloud: Cloud) -> Floats:
    """log E_ref[V^(child) | x]; a text that has ended keeps its value."""
    table = cloud.session.next_logprobs()
    log_s = np.logaddexp.reduce(table + cloud.children(table), axis=1).reshape(cloud.shape)
    ended = cloud.ended.reshape(cloud.shape)
    cloud.calls += (~ended).sum(axis=1)
    return np.where(ended, cloud.value(counted=False), log_s) if ended.any() else log_s
