r"""Largest coalescence ratios: the mean weight of conditional SMC, bounded by one product.

With rho_{k,t} of `simulator.exact.second_moments`, R_k = max_t rho_{k,t} is a function of the
edge into level k. The sum over subsets that makes m(y) is then at most a product,

    m(y) <= prod_k (1 + (R_k(y) - 1)/N),

so that a mean over y ~ pi* takes one backward pass over edges and no paths:

    E_{pi*}[1 - prod_k (1 + (R_k - 1)_+/N)^-1] = l_0(root),   l_H = 0,
    l_{k-1}(x) = sum_{x'} pi*(x'|x) (a + l_k(x'))/(1 + a),    a = (R_k(x,x') - 1)_+/N.

Without the factors 1 - 1/N of m(y) from level 2 on, where offspring are only known to be negatively
correlated, R_k takes the place of (R_k - 1)_+ for k >= 2 (`at_most`).

SMC: k = 1..H, t >= k. SMC by rejection: k = 1..H-1, t > k, and R_k looks at the child alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.exact.second_moments import WeightedEdges, check_work, weighted_edges
from simulator.problem.problem import Problem
from simulator.typing import Floats

__all__ = ["Coalescence", "coalescence", "expected_shortfall"]

LARGEST = 690.0  # logs of ratios beyond it leave the range of floats; 1/(1 + a) is zero there


@dataclass(frozen=True)
class Coalescence:
    """What the ratios rho_{k,t} of an edge are over all t.

    Attributes
    ----------
    edges : WeightedEdges
        The edges, with the kernel of pi* on alive paths.
    log_largest : (E,) array
        log R_k, the logarithm of max_t rho_{k,t}; -inf on edges that add nothing.
    log_falls : (E,) array
        log of sum_t (rho_{k,t} - rho_{k,t+1})_+.
    """

    edges: WeightedEdges
    log_largest: Floats
    log_falls: Floats


def coalescence(problem: Problem, *, rejection: bool = False) -> Coalescence:
    """Compute the largest ratio of every edge, and by how much the ratios fall in t.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM; some path must be alive.
    rejection : bool, optional
        Whether it is SMC by rejection.

    Returns
    -------
    Coalescence

    Raises
    ------
    TooLargeError
        If the horizon is so long that O(H^2) values a state would take minutes.

    Examples
    --------
    With a perfect PRM R_k = V*(x_k)/V*(x_{k-1}), whatever t is.

    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> np.exp(coalescence(problem).log_largest).round(12).tolist()
    [0.5, 1.5]
    """
    from simulator.exact.coalescence_kernel import look_ahead

    check_work(problem, 0)
    edges, model = weighted_edges(problem), problem.model
    largest, falls = look_ahead(
        model.n_actions, model.state_start, edges.target, edges.log_weighted, int(rejection)
    )
    into = edges.target
    if rejection:
        inner = into < model.state_start[-2]
        return Coalescence(
            edges, np.where(inner, largest[into], -np.inf), np.where(inner, falls[into], -np.inf)
        )
    return Coalescence(edges, edges.log_ratio + largest[into], edges.log_ratio + falls[into])


def expected_shortfall(
    problem: Problem, n_particles: int, *, rejection: bool = False, at_most: bool = False
) -> float:
    """E_{pi*}[1 - prod_k (1 + (R_k - 1)_+/N)^-1]; lost paths count as 1.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    n_particles : int
        N.
    rejection : bool, optional
        Whether it is SMC by rejection.
    at_most : bool, optional
        Of SMC: whether offspring are only known to be negatively correlated; then R_k takes the
        place of (R_k - 1)_+ from level 2 on.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    TooLargeError
        If the horizon is so long that O(H^2) values a state would take minutes.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> round(expected_shortfall(problem, 2), 12)  # 3/4 of 1 - 1/(1 + 1/4)
    0.15
    """
    fb, model = problem.forward_backward, problem.model
    if fb.log_z_alive == -np.inf:
        return 1.0
    found = coalescence(problem, rejection=rejection)
    excess = np.expm1(np.clip(found.log_largest, 0.0, LARGEST)) / n_particles
    if at_most:
        later = slice(model.n_actions, None)  # edges that do not leave the root
        excess[later] = np.exp(np.minimum(found.log_largest[later], LARGEST)) / n_particles
    short = (excess / (1 + excess)).reshape(-1, model.n_actions)
    kept = (1 / (1 + excess)).reshape(-1, model.n_actions)
    posterior = np.exp(found.edges.log_posterior).reshape(-1, model.n_actions)
    target = found.edges.target.reshape(-1, model.n_actions)
    start = model.state_start
    loss = np.zeros(int(start[-1]))
    for h in range(problem.horizon - 1, -1, -1):
        at = slice(int(start[h]), int(start[h + 1]))
        loss[at] = (posterior[at] * (short[at] + kept[at] * loss[target[at]])).sum(axis=1)
    return float(min(1.0, fb.lost_mass + (1 - fb.lost_mass) * loss[0]))
