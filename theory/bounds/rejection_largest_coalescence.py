"""Bound K-RS: SMC by rejection, the largest coalescence ratio on average along pi*."""

from __future__ import annotations

from simulator.exact.coalescence import expected_shortfall
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NO_RESTART, REJECTION
from theory.statement import bound

__all__ = ["rejection_largest_coalescence"]


@bound(
    id="K-RS",
    title="SMC-RS: largest coalescence ratio, state by state along pi*",
    rate="1/N",
    reference="bound J with its path weight m(y) bounded by a product",
    formula="E_{pi*}[1 - prod_{k<H} (1 + (R_k-1)_+/N)^-1], R_k = max_{t>k} rho_{k,t}",
    latex=r"$\mathbb{E}_{\pi^*}\left[1 - \prod_{k<H} \left(1 + \frac{(R_k - 1)_+}{N}\right)^{-1}"
    r"\right]$, $R_k = \max_{t > k} \rho_{k,t}$",
    assumptions=(REJECTION, DRAWN, NO_RESTART),
)
def rejection_largest_coalescence(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= E_{pi*}[1 - prod_{k=1}^{H-1} (1 + (R_k-1)_+/N)^-1], 0 if V^ = V*.

    As bound K with the rho_{k,t} of SMC by rejection, t = k+1..H, functions of the state x_k:
    lineages coalesce at levels 1..H-1 only. With lost mass: lost + (1 - lost) times the bound
    on alive paths.

    Guarantee: upper bound, at least J; attained by some trees.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.
    sampler : Sampler
        SMC by rejection without restart (`SMCRejection`, `DiffusionMonteCarlo`,
        `ActionLevelRejection`), or one that declares this law.

    Returns
    -------
    float
        The bound on D_TV, in [0, 1].

    Raises
    ------
    TooLargeError
        If the horizon is so long that the recursion would take minutes.
    """
    return expected_shortfall(problem, sampler.n_particles, rejection=True)
