"""Bound S-RS: statement 3.8 with half the constant."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, KEEPS_MASS, NO_RESTART, REJECTION
from theory.bounds.rejection_chi_square import rejection_chi_square
from theory.statement import bound

__all__ = ["rejection_chi_square_half"]


@bound(
    id="S-RS",
    title="SMC-RS: chi-square of every level, half the constant",
    rate="N^-1/2",
    reference="sharper form of arXiv 2603.07887v1, 3.8",
    formula="(1/(2 sqrt N)) sum_{h<H} sqrt(chi2_h)",
    latex=r"$\frac{1}{2 \sqrt{N}} \sum_{h<H} \sqrt{\chi^2_h}$",
    assumptions=(REJECTION, DRAWN, NO_RESTART, KEEPS_MASS),
)
def rejection_chi_square_half(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV <= (1/(2 sqrt N)) sum_{h=1}^{H-1} sqrt(chi2(pi*_h ‖ pi^_h)).

    As in bound S1: M_h = W^_h mean(V*/V^) over the cloud is a martingale from Z to W^_H. Given
    the past, M_h - M_{h-1} is W^_h times a centred mean of N independent terms
    V*(x_h)/V^(x_h), x_h ~ mu_h; average its variance with E[W sqrt(D)] <= sqrt(E[W] E[W D]).

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
    return rejection_chi_square(problem, sampler) / 2
