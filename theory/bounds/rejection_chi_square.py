"""Bound 3.8: SMC by rejection and the chi-square of every level."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, REJECTION
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["rejection_chi_square"]


@bound(
    id="3.8",
    title="SMC-RS: chi-square of every level",
    rate="N^-1/2",
    reference="arXiv 2603.07887v1, 3.8",
    formula="(1/sqrt N) sum_{h<H} sqrt(chi2_h)",
    latex=r"$\frac{1}{\sqrt{N}} \sum_{h<H} \sqrt{\chi^2_h}$",
    assumptions=(REJECTION, DRAWN, NO_RESTART, KEEPS_MASS),
)
def rejection_chi_square(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/sqrt N) sum_{h=1}^{H-1} sqrt(chi2(pi*_h ‖ pi^_h)) of SMC by rejection.

    No action-level coverage is needed, as no particle is drawn without a look at its V^.

    Guarantee: upper bound, arXiv 2603.07887v1, statement 3.8; twice bound S-RS.

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
    levels = np.sqrt(criteria(problem).chi2[:-1])
    return float(levels.sum() / np.sqrt(sampler.n_particles))
