"""SMC-RS, by rejection and by enumeration of the children; ALRS is its case N = 1."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from simulator.errors import InputError, TooLargeError
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.runs import Runs
from simulator.samplers.smc.text import pick_weighted, to_runs, weights_of
from simulator.streams.plain import Xoshiro
from simulator.text.drawing import WAIT
from simulator.text.particles import TextParticles, log_mean, ratio
from simulator.text.problem import LanguageModelProblem
from simulator.typing import Floats, Ints

__all__ = ["run_smc_rejection"]

SLACK = 1e-9  # an acceptance probability this little above 1 is one by rounding


def run_smc_rejection(
    problem: LanguageModelProblem,
    rngs: list[Xoshiro],
    n_particles: int,
    method: str,
    eta: float | str,
    max_proposals: int,
) -> Runs:
    """Do one run a generator; see `SMCRejection.on_text`."""
    cloud = TextParticles(problem, rngs, n_particles)
    genealogy = np.full((len(rngs), problem.horizon, n_particles), -1, dtype=np.int32)
    log_w: Floats | None = None
    if method == "rejection":
        _by_rejection(cloud, genealogy, eta, max_proposals)
    else:
        log_w = _by_enumeration(cloud, genealogy)
    picked = pick_weighted(cloud, np.ones(cloud.shape))
    equal = np.where(genealogy < 0, -np.inf, 0.0)
    return to_runs(cloud, picked, log_w, genealogy=genealogy, log_weights=equal)


def _by_enumeration(cloud: TextParticles, genealogy: npt.NDArray[np.int32]) -> Floats:
    """Resample by S(x)/V^(x), S(x) = E_ref[V^(child)|x], then draw tokens ∝ pi_ref V^."""
    n_runs, n = cloud.shape
    log_w = np.full(n_runs, cloud.log_root)
    for h in range(cloud.problem.horizon):
        table = cloud.session.next_logprobs()
        joint = table + cloud.children(table)
        log_s = np.logaddexp.reduce(joint, axis=1)
        law = joint - np.where(np.isneginf(log_s), 0.0, log_s)[:, None]
        ahead = np.where(cloud.ended, cloud.log_v.ravel(), log_s).reshape(cloud.shape)
        step = ratio(ahead, cloud.log_v)
        cloud.given_up |= np.isneginf(step).all(axis=1)
        live = ~cloud.given_up
        log_w[live] += log_mean(step[live])
        ancestors = np.tile(np.arange(n), (n_runs, 1))
        if h > 0:
            weights = weights_of(step)
            for r in np.flatnonzero(live):
                ancestors[r] = SCHEMES["multinomial"].plain(weights[r], cloud.rngs[r])
            genealogy[live, h] = ancestors[live]
        else:
            genealogy[live, h] = 0
        cloud.reorder(ancestors)
        cloud.step(law=law[(ancestors + n * np.arange(n_runs)[:, None]).ravel()])
        cloud.value(counted=False)
    return log_w


def _by_rejection(
    cloud: TextParticles, genealogy: npt.NDArray[np.int32], eta: float | str, max_proposals: int
) -> None:
    """Propose for all particles that wait until each has been accepted."""
    if isinstance(eta, str):
        raise InputError("eta: C^_act of a language model is not known, so a number is needed")
    if cloud.problem.delimiters:
        raise InputError("delimiters: SMC-RS by rejection moves by single tokens")
    log_eta = math.log(eta)
    n = cloud.shape[1]
    for h in range(cloud.problem.horizon):
        parents = np.zeros(cloud.shape, dtype=np.int64)
        tokens = np.zeros(cloud.shape, dtype=np.int64)
        log_probs = np.zeros(cloud.shape)
        waiting = np.ones(cloud.shape, dtype=np.bool_)
        for _ in range(max_proposals):
            run, place = np.nonzero(waiting)
            i = np.array([int(cloud.rngs[r].uniform() * n) for r in run])
            rows = run * n + i
            uniforms = np.array([cloud.rngs[r].uniform() for r in run])
            drawn = cloud.session.draw(rows, uniforms)
            a = np.where(cloud.ended[rows], WAIT, drawn.tokens)
            log_p = np.where(cloud.ended[rows], 0.0, drawn.log_probs)
            gain = _values(cloud, rows, a, log_p, h) - cloud.log_v.ravel()[rows] - log_eta
            if (gain > SLACK).any():
                least = math.exp(float(gain.max()) + log_eta)
                raise InputError(
                    f"eta: {eta:g} is below a ratio V^(child)/V^(parent) = {least:.6g}"
                )
            np.add.at(cloud.calls, run[a >= 0], 1)
            np.add.at(cloud.evaluations, run[a >= 0], 1)
            u = np.array([cloud.rngs[r].uniform() for r in run])
            kept = u < np.exp(gain)
            new = run[kept], place[kept]
            parents[new], tokens[new], log_probs[new] = i[kept], a[kept], log_p[kept]
            waiting[new] = False
            if not waiting.any():
                break
        else:
            raise TooLargeError(f"max_proposals: none of {max_proposals} was accepted")
        genealogy[:, h] = parents if h > 0 else 0
        cloud.reorder(parents)
        cloud.put(tokens.ravel(), log_probs.ravel())
        cloud.value(counted=False)


def _values(cloud: TextParticles, rows: Ints, tokens: Ints, log_probs: Floats, h: int) -> Floats:
    """log V^ of proposed children."""
    prm_session = cloud.prm.fork(rows)
    prm_session.extend(tokens, log_probs)
    closed = cloud.closed[rows] | cloud.problem.closes(tokens)
    final = closed | cloud.ended[rows] | (h + 1 == cloud.problem.horizon)
    values = prm_session.log_values(np.arange(rows.size), final)
    if cloud.problem.force_end:
        values[final & ~closed] = -np.inf
    return values
