"""Bound E: at a fixed horizon chi-square accuracy gives no better rate than N^(-H/(2H-1))."""

from __future__ import annotations

from simulator.problem.families.rare_path import path_probability
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, NO_MORE_PARTICLES, UNGUIDED, argument, of_family
from theory.statement import bound

__all__ = ["rare_path_missed"]


@bound(
    id="E",
    title="a rare path that N particles meet too seldom",
    rate="none up to the instance's N",
    reference="new; a union over particles and levels",
    formula="q (1 - (n/N)^H / 2), q = (2 N)^(-H/(2H-1)), n particles",
    latex=r"$q \left(1 - \frac{1}{2} \left(\frac{n}{N}\right)^H\right)$, "
    r"$q = (2 N)^{-H/(2H-1)}$, $n$ particles",
    assumptions=(of_family("rare-path"), NO_MORE_PARTICLES, UNGUIDED, DRAWN),
    kind="lower",
)
def rare_path_missed(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= q (1 - (n/N)^H/2) >= (1/2) (2 N)^(-H/(2H-1)), with n <= N particles.

    If some particle is at x_{h-1}, at most n move on, each with probability p_h: some particle
    gets to x_H with probability at most prod_h n p_h = (n/N)^H q/2, while pi* asks for q.

    Guarantee: lower bound (new here); chi2 of pairs is at most 2 at every level, so it has the
    rate of E-upper.

    Parameters
    ----------
    problem : Problem
        An instance of the family "rare-path".
    sampler : Sampler
        SMC with any resampling at every level, or SIS, with at most as many particles as the
        instance is made for.

    Returns
    -------
    float
        The lower bound on D_TV.

    Examples
    --------
    >>> from simulator.problem.families.rare_path import rare_path
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{rare_path_missed(rare_path(32, 2), SMC(32)):.6f}")
    0.031250
    """
    particles = int(argument(problem, "particles"))
    q = path_probability(particles, problem.horizon)
    return q * (1 - (sampler.n_particles / particles) ** problem.horizon / 2)
