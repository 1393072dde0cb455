"""Law of the output of multinomial SMC, one level further than clouds can be enumerated.

The clouds of levels 0, ..., H-1 are enumerated. Given the last of them the N pairs (parent,
child) of level H are independent, so that the output is a self-normalised mean: an integral
(`simulator.exact.quadrature`) takes the place of the clouds of level H, of which there are most.
"""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np

from simulator.exact.cloud import CloudLevel, cloud_chain
from simulator.exact.quadrature import self_normalised_mean
from simulator.problem.problem import Problem
from simulator.typing import Floats

__all__ = ["integrated_law"]


def integrated_law(problem: Problem, n_particles: int) -> Floats:
    """Return P(Y_H = x) of SMC that resamples by multinomial draws at every level.

    Its work is that of `exact_law` without the last level; nothing limits it.

    Parameters
    ----------
    problem : Problem
        What is sampled. On a tree terminal states are paths.
    n_particles : int
        N.

    Returns
    -------
    (S_H,) array
        Of the terminal states; sums to 1 less the probability that a run fails.

    Raises
    ------
    TooLargeError
        If weights of the last level differ by more than a factor 1e304.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> tree = open_problem("reference:horizon=2")
    >>> law = integrated_law(tree, 8)
    >>> bool(np.allclose(law, SMC(8).exact_law(tree).law, rtol=0, atol=1e-12))
    True
    """
    smc = SimpleNamespace(
        n_particles=n_particles, resampling="multinomial", ess_threshold=1.0, block=1,
        select="sample", resample_when="ess",
    )  # fmt: skip
    *_, last = cloud_chain(problem, smc, limit=math.inf)
    e, start = problem.forward_backward.edges, problem.model.state_start
    edges = slice(int(e.start[-2]), None)
    parent, child = e.source[edges] - start[-3], e.target[edges] - start[-2]
    q = _shares(last, int(problem.model.n_states[-2]))[:, parent] * np.exp(e.log_prob[edges])
    alive = np.isfinite(problem.log_prm_flat[e.source[edges]])
    log_u = np.full(parent.size, -np.inf)
    log_u[alive] = (
        e.log_factor[edges][alive]
        + problem.log_prm_flat[e.target[edges]][alive]
        - problem.log_prm_flat[e.source[edges]][alive]
    )
    top = max(float(log_u.max()), -1e300)  # finite, also where every run fails
    u = np.broadcast_to(np.exp(log_u - top), q.shape)
    on_edges = last.probability @ self_normalised_mean(q, u, n_particles)
    return np.bincount(child, on_edges, int(problem.model.n_states[-1])).astype(np.float64)


def _shares(cloud: CloudLevel, n_states: int) -> Floats:
    """Return how the weight of each cloud is spread over the states of its level."""
    clouds = len(cloud.states)
    place = np.arange(clouds)[:, None] * n_states + np.maximum(cloud.states, 0)
    weights = np.where(cloud.states < 0, 0.0, cloud.weights)
    spread = np.bincount(place.ravel(), weights.ravel(), clouds * n_states)
    spread = spread.reshape(clouds, n_states)
    return np.asarray(spread / spread.sum(axis=1, keepdims=True))
