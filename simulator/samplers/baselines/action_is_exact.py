r"""Exact law of one path whose next token is drawn among N candidates, for any N.

From x the candidates are independent draws from q = pi_ref(.|x), and one is kept in proportion
to its weight w = V^(child)/V^(x): given x, the child is a draw from a self-normalised cloud,
so its law is the integral of `simulator.exact.quadrature`. W^_H is V^(root) times the mean
weights along the path, and with m = E_q[w]

    E[mean(w) 1{c kept}] = q_c w_c,    E[mean(w)^2 1{c kept}] = q_c w_c (w_c + (N-1) m)/N.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import TooLargeError
from simulator.exact.law import ExactLaw, total_variation
from simulator.exact.outcomes import outcomes
from simulator.exact.quadrature import NODES, self_normalised_mean
from simulator.exact.second_moments import weighted_edges
from simulator.problem.problem import Problem
from simulator.samplers.baselines.whole_paths_exact import LIMIT
from simulator.typing import Floats

__all__ = ["one_path_law"]


def one_path_law(problem: Problem, n: int, on: str, limit: float) -> ExactLaw:
    """Compute the law of action-level importance sampling.

    Parameters
    ----------
    n : int
        Number of candidates N.
    on : {"paths", "states"}
    limit : float
        Largest number of values of the integrand.

    Returns
    -------
    ExactLaw
        Without shortfall.

    Raises
    ------
    TooLargeError
        If there are more, or too many paths.

    Examples
    --------
    >>> from simulator.problem.model import TabularModel
    >>> problem = Problem(TabularModel.tree([[[0.5, 0.5]]]), [1.0, 3.0], "exact")
    >>> [one_path_law(problem, n, "paths", 1e6).law.round(6).tolist() for n in (1, 2)]
    [[0.5, 0.5], [0.375, 0.625]]
    """
    out = outcomes(problem, on, min(limit, LIMIT), one_reward=False)
    tree, a = out.tree, out.tree.model.n_actions
    e, survival = (
        tree.forward_backward.edges,
        math.exp(min(tree.forward_backward.log_z_alive - tree.log_z, 0.0)),
    )
    size = float(NODES) * e.source.size
    if size > limit:
        raise TooLargeError(
            f"exact law: about {size:.3g} values of the integrand, the limit is {limit:.3g}"
        )
    log_w = weighted_edges(tree).log_ratio.reshape(-1, a)
    q = np.exp(e.log_prob).reshape(-1, a)
    top = log_w.max(axis=1, keepdims=True)
    kept = self_normalised_mean(q, np.exp(log_w - np.where(np.isfinite(top), top, 0.0)), n)
    w = np.exp(log_w)
    first = q * w
    second = first * (w + (n - 1) * first.sum(axis=1, keepdims=True)) / n
    law, weighted = (out.gather(_last(tree, step)) for step in (kept, first))
    square = float(_last(tree, second).sum())
    return ExactLaw(
        law=law,
        failure=max(0.0, 1 - float(law.sum())),
        tv=total_variation(out.target, law),
        mean_w_over_z=float(weighted.sum()) * survival,
        relative_variance=max(square - 1, 0.0) if survival > 0 else math.inf,
        shortfall=None,
        target=out.target,
        weighted=weighted * survival,
        tokens=out.tokens,
    )


def _last(problem: Problem, step: Floats) -> Floats:
    """Multiply along the edges of all paths and add up at the terminal states."""
    e, start = problem.forward_backward.edges, problem.model.state_start
    flat, mass = step.ravel(), np.ones(1)
    for h in range(problem.horizon):
        run = slice(int(e.start[h]), int(e.start[h + 1]))
        moved = mass[e.source[run] - start[h]] * flat[run]
        size = int(problem.model.n_states[h + 1])
        mass = np.bincount(e.target[run] - start[h + 1], moved, size).astype(np.float64)
    return mass
