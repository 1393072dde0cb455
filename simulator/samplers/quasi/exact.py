r"""Exact law of quasi-SMC by enumerating the Markov chain of its weighted clouds.

Given a cloud, a map from prefixes to weights, the rule's outcomes are listed by
`simulator.samplers.quasi.rules.outcomes`; each leads to one cloud of the next level. P(cloud),
E[W^ 1{cloud}] and E[W^2 1{cloud}] are followed. As the law depends on the order of the cells, it
is followed on the tree of token paths.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.law import ExactLaw, relative_spread, total_variation
from simulator.exact.outcomes import outcomes as list_outcomes
from simulator.problem.problem import Problem
from simulator.samplers.quasi.order import prefix_ranks
from simulator.samplers.quasi.rules import MOST, outcomes
from simulator.typing import Floats, Ints

__all__ = ["exact_law"]

DIGITS = 11  # weights that agree so far are those of one cloud
COST = 100.0  # of one outcome, in cloud transitions of `simulator.exact.cloud`


@dataclass
class Cloud:
    """A weighted cloud with the moments it carries: P, E[W 1] and E[W^2 1], W = W^_h/Z^_h.

    ``w`` is W itself where the joint law is followed, else 1.
    """

    nodes: Ints
    weights: Floats
    moments: Floats
    w: float = 1.0


@dataclass
class Last:
    """Running sums over the last level."""

    law: Floats
    weighted: Floats
    survival: float
    moments: Floats = field(default_factory=lambda: np.zeros(3))
    short: float = 0.0


def exact_law(
    problem: Problem, n: int, rule: str, order: str, on: str, limit: float, *, shortfall: bool
) -> ExactLaw:
    """Compute the law of the output; see `Sampler.exact_law`.

    Parameters
    ----------
    n : int
        Number of particles N.
    rule, order : str
        Names, as in `QuasiSMC`.
    """
    out = list_outcomes(problem, on, limit, one_reward=True, whole_paths=True)
    tree = out.tree
    ranks = prefix_ranks(problem, tree, order, limit)
    survival = math.exp(min(tree.forward_backward.log_z_alive - tree.log_z, 0.0))
    size = int(tree.model.n_states[-1])
    last = Last(np.zeros(size), np.zeros(size), survival)
    clouds = [Cloud(np.zeros(1, dtype=np.int64), np.ones(1), np.ones(3))]
    work = 0.0
    for h in range(tree.horizon):
        after: dict[tuple[bytes, bytes, float], Cloud] = {}
        gain = _gains(tree, h)
        for cloud in clouds:
            source, token = np.nonzero(tree.model.probs[h][cloud.nodes] > 0)
            child = tree.model.next_state[h][cloud.nodes[source], token]
            place = np.argsort(ranks[h + 1][child], kind="stable")
            source, token, child = source[place], token[place], child[place]
            q = cloud.weights[source] * tree.model.probs[h][cloud.nodes[source], token]
            probability, mass = outcomes(rule, q, n, min(MOST, limit / COST))
            work += COST * probability.size
            if work > limit:
                raise TooLargeError(f"exact law: more than {limit:.3g} cloud transitions")
            weight = mass * gain[cloud.nodes[source], token]
            mean = weight.sum(axis=1)
            live = mean > 0
            step = probability[live] * mean[live] ** np.arange(3)[:, None]
            moments = cloud.moments[:, None] * step
            share = weight[live] / mean[live, None]
            w = cloud.w * mean[live]
            if h == tree.horizon - 1:
                _gather(last, child, share, moments, w if shortfall else None)
                continue
            for i in range(len(share)):
                _add(after, child, share[i], moments[:, i], float(w[i]) if shortfall else 1.0)
        clouds = list(after.values())
    _, first, second = (float(x) for x in last.moments)
    failure = max(0.0, 1 - float(last.moments[0]))
    law = out.gather(last.law)
    return ExactLaw(
        law=law,
        failure=failure,
        tv=total_variation(out.target, law),
        mean_w_over_z=first * survival,
        relative_variance=relative_spread(first, second),
        shortfall=last.short + failure if shortfall else None,
        target=out.target,
        weighted=out.gather(last.weighted * survival),
        tokens=out.tokens,
    )


def _gains(tree: Problem, h: int) -> Floats:
    """Weights V^(child)/V^(parent) of all edges of a level, divided by Z^_{h+1}/Z^_h."""
    log_z_hat, here = tree.forward_backward.log_z_hat, tree.log_prm[h]
    scale = log_z_hat[h] - log_z_hat[h + 1] if np.isfinite(log_z_hat[h + 1]) else 0.0
    below = np.where(np.isfinite(here), here, np.inf)[:, None]
    return np.exp(tree.log_prm[h + 1][tree.model.next_state[h]] - below + scale)


def _add(
    after: dict[tuple[bytes, bytes, float], Cloud],
    child: Ints,
    share: Floats,
    moments: Floats,
    w: float,
) -> None:
    """Put a cloud to those of its kind."""
    kept = np.flatnonzero(share)
    nodes, weights = child[kept], share[kept]
    rounded = round(math.log(w), DIGITS) + 0.0
    key = nodes.tobytes(), np.round(weights, DIGITS).tobytes(), rounded
    if key in after:
        after[key].moments = after[key].moments + moments
    else:
        after[key] = Cloud(nodes, weights, moments, w)


def _gather(last: Last, child: Ints, share: Floats, moments: Floats, w: Floats | None) -> None:
    """Add the outputs of all clouds that follow from one."""
    last.law[child] += moments[0] @ share
    last.weighted[child] += moments[1] @ share
    last.moments += moments.sum(axis=1)
    if w is not None:
        last.short += float(moments[0] @ np.maximum(1 - w * last.survival, 0))
