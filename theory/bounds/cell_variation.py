"""Bound Q4: total variations of the value functions along the order of the cells of quasi-SMC."""

from __future__ import annotations

import numpy as np

from simulator.exact.cell_variation import variance_limits
from simulator.problem.problem import Problem
from simulator.problem.unfold import is_path_tree, unfold
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from simulator.samplers.quasi.order import prefix_ranks
from simulator.typing import Floats
from theory.assumptions import DRAWN, EVEN_CELLS, KEEPS_MASS
from theory.statement import bound

__all__ = ["cell_variation", "limits_of"]

PATHS = 1e6


def limits_of(problem: Problem, sampler: Sampler) -> Floats:
    """Bound Var(W^_t/Z^_t) at all levels, in the order of the sampler's cells.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        With `Facts.cell_order`.

    Returns
    -------
    (H+1,) array

    Raises
    ------
    TooLargeError
        If the order is one of prefixes, and they are too many.
    """
    order, n = facts_of(sampler, problem).cell_order, sampler.n_particles
    assert order is not None
    if order == "state":
        return variance_limits(problem, n)
    tree = problem if is_path_tree(problem) else unfold(problem, PATHS).problem
    return variance_limits(tree, n, prefix_ranks(problem, tree, order, PATHS))


@bound(
    id="Q4",
    title="variation of the value functions along the order of the cells",
    rate="1/N",
    reference="Koksma's inequality level by level, see Gerber and Chopin, arXiv 1402.4039",
    formula="(1/2) sqrt(v_H), v_t = sum_h (1 + v_{h-1}) V(rho_{h,t})^2/(4 N^2)",
    latex=r"$\frac{1}{2} \sqrt{v_H}$, "
    r"$v_t = \frac{1}{4 N^2} \sum_{h \le t} (1 + v_{h-1})\,\mathcal{V}(\rho_{h,t})^2$, "
    r"$\mathcal{V}$ the total variation along the order of the cells",
    assumptions=(EVEN_CELLS, DRAWN, KEEPS_MASS),
)
def cell_variation(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) sqrt(v_H), v_t >= Var(W^_t/Z^_t) by dynamic programming.

    A sum over the picked cells misses its mean by 1/N times the total variation of the
    summand along the order at most, as each initial part of the cells gets floor or ceil of N times
    its mass; its variance is at most a quarter of the square. The martingale
    W^_h nu^_h(E_ref[V^(x_t)|.]/V^)/Z^_t adds these up.

    Guarantee: upper bound, of order 1/N; bound Q is of order 1/N^2.

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
        If the order is one of prefixes, and they are too many.
    """
    return float(np.sqrt(limits_of(problem, sampler)[-1]) / 2)
