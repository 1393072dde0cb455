"""Beam search over continuations that are drawn, where there are too many to look at all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.samplers.baselines.beam_kernel import top
from simulator.samplers.runs import Runs
from simulator.samplers.smc.text import to_runs
from simulator.streams.plain import Xoshiro
from simulator.text.particles import TextParticles
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Ints

__all__ = ["run_drawn_beam"]


def run_drawn_beam(
    n_particles: int, draws: int, problem: LanguageModelProblem, rngs: list[Xoshiro]
) -> Runs:
    """Do one search a generator.

    Parameters
    ----------
    n_particles : int
        Number of prefixes N.
    draws : int
        M, continuations drawn of each prefix.
    problem : LanguageModelProblem
        What is searched.
    rngs : list of Xoshiro
        The generator of each run.
    """
    beam = TextParticles(problem, rngs, 1)
    copies = n_particles * draws  # of the root; later N prefixes have M each
    calls, evaluations = np.zeros_like(beam.calls), np.zeros_like(beam.evaluations)
    for _ in range(problem.horizon):
        drawn = beam.fork(copies)
        drawn.step()
        drawn.value()
        drawn.given_up |= np.isneginf(drawn.log_v).all(axis=1)
        calls, evaluations = calls + drawn.calls, evaluations + drawn.evaluations
        drawn.resize(_best(drawn, n_particles))
        beam, copies = drawn, draws
    beam.calls, beam.evaluations = calls, evaluations
    picked = np.where(beam.given_up, -1, 0)
    return replace(to_runs(beam, picked, None), ess=None, genealogy=None)


def _best(cloud: TextParticles, n: int) -> Ints:
    """Particles of the n best distinct texts of each run, the best first; fewer are repeated."""
    paths = cloud.paths.reshape(*cloud.shape, -1)
    out = np.zeros((cloud.shape[0], n), dtype=np.int64)
    for r in np.flatnonzero(~cloud.given_up):
        firsts = np.sort(np.unique(paths[r], axis=0, return_index=True)[1])
        score = cloud.log_v[r, firsts]
        kept = top(score, n)
        out[r] = np.resize(firsts[kept[np.argsort(-score[kept], kind="stable")]], n)
    return out
