"""Bound K: the largest coalescence ratio of every edge, on average along pi*; of order 1/N."""

from __future__ import annotations

from simulator.exact.coalescence import expected_shortfall
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, PATH_WEIGHT
from theory.statement import bound

__all__ = ["largest_coalescence"]


@bound(
    id="K",
    title="largest coalescence ratio, edge by edge along pi*",
    rate="1/N",
    reference="bound J with its path weight m(y) bounded by a product",
    formula="E_{pi*}[1 - prod_k (1 + (R_k-1)_+/N)^-1], R_k = max_{t>=k} rho_{k,t}",
    latex=r"$\mathbb{E}_{\pi^*}\left[1 - \prod_k \left(1 + \frac{(R_k - 1)_+}{N}\right)^{-1}"
    r"\right]$, $R_k = \max_{t \ge k} \rho_{k,t}$",
    assumptions=(PATH_WEIGHT, DRAWN),
)
def largest_coalescence(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[1 - prod_{k=1}^H (1 + (R_k-1)_+/N)^-1] by one backward pass.

    rho_{k,t} is that of bound J, R_k = max over t = k..H of rho_{k,t} a function of the edge, and
    m(y) <= prod_k (1 + (R_k-1)/N). It takes edges where J takes paths, and is at most
    (1/N) sum_k E_{pi*}[(R_k-1)_+]. With lost mass: lost + (1 - lost) times the bound on alive
    paths. Where V^ = V*, R_k = V*(x_k)/V*(x_{k-1}).

    Guarantee: upper bound, at least J; attained by some trees.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC with multinomial resampling at every level, with any unbiased one if V^ = V*, or one
        that declares such a law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If the horizon is so long that the recursion would take minutes.
    """
    return expected_shortfall(problem, sampler.n_particles)
