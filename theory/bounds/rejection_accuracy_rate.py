"""Bound F-RS: SMC by rejection, rate 1/N and linear in H at once."""

from __future__ import annotations

import numpy as np

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, FINITE_ACCURACY, KEEPS_MASS, NO_RESTART, REJECTION
from theory.bounds.accuracy_rate import one_step
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["rejection_accuracy_rate"]


@bound(
    id="F-RS",
    title="SMC-RS: L-infinity accuracy, H/N",
    reference="new; bound T-RS with each term replaced by its largest value",
    formula="((H-1)/N) sqrt((B-1)(5B-4)), B = C_inf^2",
    assumptions=(REJECTION, DRAWN, NO_RESTART, FINITE_ACCURACY, KEEPS_MASS),
)
def rejection_accuracy_rate(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= ((H-1)/N) sqrt((B-1)(5B-4)), B = C_inf^2, which is 0 if V^ = V*.

    One term of bound T-RS is at most sqrt((D-1)(w_max + 4(D-1)))/N, where w = u/E[u] are the
    normalised weights u = V*/V^ at the child and D = E[w^2]; both D and w_max are at most B.
    The last level has V^ = V* and adds nothing.

    Guarantee: upper bound.

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
    with np.errstate(over="ignore"):
        b = np.square(criteria(problem).prm_accuracy)
    return (problem.horizon - 1) * float(one_step(np.array([b]))[0]) / sampler.n_particles
