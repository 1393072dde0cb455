"""Bound IS: the chi-square of the whole sequence, for importance sampling without resampling."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NEVER_RESAMPLED
from theory.bounds.weight_variance import half_root
from theory.criteria import criteria
from theory.statement import bound

__all__ = ["sis_chi_square"]


@bound(
    id="IS",
    title="chi-square of the whole sequence",
    rate="N^-1/2",
    reference="classical",
    formula="(1/2) sqrt(chi2(pi* ‖ pi_ref)/N)",
    latex=r"$\frac{1}{2} \sqrt{\frac{\chi^2(\pi^* \Vert \pi_{\text{ref}})}{N}}$",
    assumptions=(NEVER_RESAMPLED, DRAWN),
)
def sis_chi_square(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/2) sqrt(chi2(pi* ‖ pi_ref)/N).

    W^_H is the mean of N independent rewards, so chi2(pi* ‖ pi_ref)/N is its relative
    variance, and D_TV <= E|W^_H - Z|/(2Z) (arXiv 2603.07887v1, C.3) with Cauchy-Schwarz.
    V^ cancels: the statement holds whatever it is, lost mass included.

    Guarantee: upper bound.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref and reward; V^ plays no part.
    sampler : Sampler
        SIS, or one that declares its law.

    Returns
    -------
    float
        The bound on D_TV; from 1 on it says nothing.
    """
    return half_root(criteria(problem).sequence_chi2 / sampler.n_particles, problem.horizon)
