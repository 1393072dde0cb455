"""SMC-IND over the protocol: every particle has its children by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from simulator.language_models.engine.cloud import Cloud, ratio
from simulator.language_models.engine.dispatch import engine
from simulator.language_models.engine.smc import to_runs
from simulator.language_models.problem import LanguageModelProblem
from simulator.language_models.protocol import WAIT, chosen
from simulator.samplers.runs import Runs, concatenate
from simulator.samplers.smc_independent import SMCIndependent
from simulator.streams.xoshiro import Xoshiro

__all__ = ["step_ratios"]

Floats = npt.NDArray[np.float64]


@engine.register
def _independent(
    sampler: SMCIndependent, problem: LanguageModelProblem, rngs: list[Xoshiro]
) -> Runs:
    return concatenate([_run(sampler, problem, rng) for rng in rngs])


def _run(sampler: SMCIndependent, problem: LanguageModelProblem, rng: Xoshiro) -> Runs:
    cloud, made = Cloud(problem, [rng], sampler.n_particles), 0
    for _ in range(problem.horizon):
        table = cloud.session.next_logprobs()
        cloud.calls += int((~cloud.ended).sum())
        moves = step_ratios(cloud, table)
        rows: list[int] = []
        tokens: list[int] = []
        for i, q in enumerate(moves):
            below = np.cumsum(q / (1 + q.sum()))
            while (a := int(np.searchsorted(below, rng.uniform(), side="right"))) < q.size:
                rows.append(i)
                tokens.append(WAIT if cloud.ended[i] else a)
                if len(rows) + made > sampler.max_particles:
                    return _failed(cloud)
        made += len(rows)
        if not rows:
            return _failed(cloud)
        cloud.resize(np.array(rows))
        column = np.array(tokens)
        cloud.put(column, chosen(table[rows], column))
        cloud.value(counted=False)
    k = cloud.shape[1]
    log_w = np.array([math.log(k) + cloud.log_root - math.log(sampler.n_particles)])
    return _only_tokens(to_runs(cloud, np.array([min(int(rng.uniform() * k), k - 1)]), log_w))


def _failed(cloud: Cloud) -> Runs:
    return _only_tokens(to_runs(cloud, np.array([-1]), np.array([-np.inf])))


def _only_tokens(runs: Runs) -> Runs:
    return replace(runs, ess=None, genealogy=None)


def step_ratios(cloud: Cloud, table: Floats) -> Floats:
    """pi_ref(a|x) V^(x a)/V^(x) of all children; a text that has ended is its own child.

    Parameters
    ----------
    cloud : Cloud
    table : (rows, V) array
        log pi_ref.

    Returns
    -------
    (rows, V) array
    """
    out = np.exp(ratio(table + cloud.children(table), cloud.log_v.ravel()[:, None]))
    out[cloud.ended] = 0.0
    out[cloud.ended, 0] = 1.0
    return out
