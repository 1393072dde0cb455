"""Bound D.3: SMC by rejection and the coverage profile."""

from __future__ import annotations

import math

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NO_RESTART, REJECTION
from theory.criteria import criteria
from theory.profiles import tails
from theory.statement import bound

__all__ = ["rejection_coverage_profile"]


@bound(
    id="D.3",
    title="SMC-RS: coverage profile, best threshold M",
    rate="N^-1/2 and a tail",
    reference="arXiv 2603.07887v1, D.3",
    formula="inf_{M>=1} H sqrt(M/N) + sum_{h<H} Cov_M(h)",
    latex=r"$\inf_{M \ge 1} \left(H \sqrt{\frac{M}{N}} + \sum_{h<H} \text{Cov}_M(h)\right)$",
    assumptions=(REJECTION, DRAWN, NO_RESTART),
)
def rejection_coverage_profile(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= H sqrt(M/N) + sum_{h<H} Cov_M(h), the infimum over M >= 1.

    Guarantee: upper bound of SMC by rejection, arXiv 2603.07887v1, statement D.3; true also
    when mass is lost.

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
        The bound on D_TV; from 1 on it says nothing.
    """
    log_ratio, mass, lost = criteria(problem).coverage_atoms
    root, tail = tails(log_ratio, mass)
    scale = problem.horizon / math.sqrt(sampler.n_particles)
    return float((scale * root + tail).min() + lost)
