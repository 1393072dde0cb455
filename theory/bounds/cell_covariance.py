"""Bound Q: both factors of the covariance that is the error of quasi-SMC; of order 1/N^2."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, EVEN_CELLS, KEEPS_MASS
from theory.bounds.cell_variation import PATHS, limits_of
from theory.statement import bound

__all__ = ["cell_covariance"]


@bound(
    id="Q",
    title="covariance of the cloud's weight and its normaliser",
    rate="1/N^2",
    reference="new: order 1/N^2 for prefixes; sequential quasi-Monte Carlo: see arXiv 1402.4039",
    formula="(1/2) (sqrt(v_H) E_{pi*}[sqrt(q)] + v_H), q = sum_h (1 + v_{h-1})/(4 N^2 eta_h^2)",
    latex=r"$\frac{1}{2} \left(\sqrt{v_H}\,\mathbb{E}_{\pi^*}[\sqrt{q}] + v_H\right)$, "
    r"$q = \frac{1}{4 N^2} \sum_h \frac{1 + v_{h-1}}{\eta_h^2}$, "
    r"$\eta_h$ the mean mass of the cell on the path, $v_h$ of Q4",
    assumptions=(EVEN_CELLS, DRAWN, KEEPS_MASS),
)
def cell_covariance(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) (sqrt(v_H) E_{pi*}[sqrt(q(y))] + v_H), v_h as in bound Q4.

    With D = W^_H/Z - 1 and L(y) = (W^_H/Z) nu^_H(y), of mean pi*(y): the output's law minus pi* is
    E[nu^_H(y) - L(y)] = -E[L(y) D] + E[nu^_H(y) D^2]. The standard deviation of L(y) is at most
    pi*(y) sqrt(q(y)), q(y) = sum_h (1 + v_{h-1})/(4 N^2 eta_h(y)^2) with eta_h(y) the mean mass of
    the cell on the path, as a cell gets floor or ceil of N times its mass.

    Guarantee: upper bound, of order 1/N^2; it begins to bite at N about 1/min eta_h.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        Quasi-SMC by pivotal, systematic or threshold sampling, or one that declares this.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If there are too many paths.
    """
    v, n = limits_of(problem, sampler), sampler.n_particles
    tree = problem if is_path_tree(problem) else unfold(problem, PATHS).problem
    fb, model = tree.forward_backward, tree.model
    inverse = np.zeros(1)  # sum_h (1 + v_{h-1})/eta_h^2 of each prefix
    for h in range(tree.horizon):
        at = slice(int(model.state_start[h]), int(model.state_start[h + 1]))
        log_prefix = fb.log_forward_alive[at] + tree.log_prm[h] - fb.log_z_hat[h]
        row, token = np.nonzero((model.probs[h] > 0) & np.isfinite(log_prefix)[:, None])
        log_eta = log_prefix[row] + np.log(model.probs[h][row, token])
        after = np.zeros(int(model.n_states[h + 1]))
        with np.errstate(over="ignore"):
            after[model.next_state[h][row, token]] = inverse[row] + (1 + v[h]) * np.exp(
                -2 * log_eta
            )
        inverse = after
    target = tree.target[-1]
    hit = target > 0
    spread = float(target[hit] @ np.sqrt(inverse[hit])) / (2 * n)
    return float((np.sqrt(v[-1]) * spread + v[-1]) / 2)
