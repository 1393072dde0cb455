"""SMC-IND on a language model: every particle has its children by itself."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from simulator.samplers.runs import Runs
from simulator.samplers.smc.text import to_runs
from simulator.streams.plain import Xoshiro
from simulator.text.drawing import WAIT, chosen
from simulator.text.particles import TextParticles, ratio
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats

__all__ = ["run_one", "step_ratios"]


def run_one(
    problem: LanguageModelProblem, rng: Xoshiro, n_particles: int, max_particles: int
) -> Runs:
    """Do one run.

    Parameters
    ----------
    problem : LanguageModelProblem
        What is sampled.
    rng : Xoshiro
        The generator of the run.
    n_particles, max_particles : int
        As in `SMCIndependent`.
    """
    cloud, made = TextParticles(problem, [rng], n_particles), 0
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
                if len(rows) + made > max_particles:
                    return _failed(cloud)
        made += len(rows)
        if not rows:
            return _failed(cloud)
        cloud.resize(np.array([rows]))
        column = np.array(tokens)
        cloud.put(column, chosen(table[rows], column))
        cloud.value(counted=False)
    k = cloud.shape[1]
    log_w = np.array([math.log(k) + cloud.log_root - math.log(n_particles)])
    return _only_tokens(to_runs(cloud, np.array([min(int(rng.uniform() * k), k - 1)]), log_w))


def _failed(cloud: TextParticles) -> Runs:
    return _only_tokens(to_runs(cloud, np.array([-1]), np.array([-np.inf])))


def _only_tokens(runs: Runs) -> Runs:
    return replace(runs, ess=None, genealogy=None)


def step_ratios(cloud: TextParticles, table: Floats) -> Floats:
    """pi_ref(a|x) V^(x a)/V^(x) of all children; a text that has ended is its own child.

    Parameters
    ----------
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
