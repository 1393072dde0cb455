"""Bound K3: one-step chi-squares of pairs and the PRM's inconsistency, of order 1/N."""

from __future__ import annotations

import numpy as np

from simulator.exact.coalescence import coalescence
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, PATH_WEIGHT
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["coalescence_chi_square"]


@bound(
    id="K3",
    title="one-step chi-square of pairs and inconsistency of V^, order 1/N",
    rate="1/N",
    reference="bound K with each term replaced by its largest value at its chi-square",
    formula="(1/N) sum_k [(c_k + sqrt(c_k(1+c_k)))/2 + sum_t E_{pi*}(rho_{k,t} - rho_{k,t+1})_+]",
    latex=r"$\frac{1}{N} \sum_k \left(\frac{c_k + \sqrt{c_k (1 + c_k)}}{2} "
    r"+ \sum_{t=k}^{H-1} \mathbb{E}_{\pi^*}[(\rho_{k,t} - \rho_{k,t+1})_+]\right)$, "
    r"$c_k = \chi^2(\pi^*_k \Vert \eta_k)$ of pairs",
    assumptions=(PATH_WEIGHT, DRAWN, KEEPS_MASS),
)
def coalescence_chi_square(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV by chi-squares and by how far V^ is from being a value function, over N.

    D_TV <= (1/N) sum_k [(c_k + sqrt(c_k(1+c_k)))/2 + sum_{t=k}^{H-1} E_{pi*}(rho_{k,t} -
    rho_{k,t+1})_+], c_k the chi-square of pairs of bound S1. rho_{k,H} has mean 1 + c_k under
    pi*, and R_k is at most rho_{k,H} plus the falls of rho_{k,t} in t, which are 0 where V^ is
    V* at any scale of each level.

    Guarantee: upper bound, at least K. Chi-squares alone, without the falls, bound nothing of
    order 1/N.

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
        The bound on D_TV; from 1 on it says nothing.

    Raises
    ------
    TooLargeError
        If the horizon is so long that the recursion would take minutes.
    """
    found = coalescence(problem)
    source = problem.forward_backward.edges.source
    with np.errstate(divide="ignore", over="ignore"):
        log_mass = np.log(problem.forward_backward.alive_target_marginal)[source]
        log_mass = np.where(np.isfinite(found.edges.log_posterior), log_mass, -np.inf)
        falls = np.exp(log_mass + found.edges.log_posterior + found.log_falls).sum()
        c = criteria(problem).proposal_chi2
        steps = (c + np.sqrt(c) * np.sqrt(1 + c)) / 2
    return float(steps.sum() + falls) / sampler.n_particles
