"""Two-branch instance: SMC needs N of order H even with a perfect PRM."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, MULTINOMIAL, Assumption, argument, of_family
from theory.instances.two_branch import lower_bound
from theory.statement import bound

__all__ = ["two_branch_bias"]

HALF = Assumption(
    "s = 1/2 and N >= 5",
    lambda problem, sampler, facts: argument(problem, "s") == 0.5 and sampler.n_particles >= 5,
)


@bound(
    id="two-branch",
    title="bias of order H/N on the two-branch instance",
    rate="1/N",
    reference="new; drift of the weighted share of the noisy branch",
    formula="(1/120) (1 - 1/N)^2 (1 - (1 - 5/N)^(H-1))",
    latex=r"$\frac{1}{120} \left(1 - \frac{1}{N}\right)^2 "
    r"\left(1 - \left(1 - \frac{5}{N}\right)^{H-1}\right)$",
    assumptions=(of_family("two-branch"), HALF, MULTINOMIAL, DRAWN),
    kind="lower",
)
def two_branch_bias(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= 1/2 - E[nu^_H(b=1)] >= (1/120) (1 - 1/N)^2 (1 - (1 - 5/N)^(H-1)).

    The noise of the weights in branch 1 costs it particles; see
    `theory.instances.two_branch.lower_bound` for the proof.

    Guarantee: lower bound on `simulator.problem.families.two_branch` with s = 1/2.

    Parameters
    ----------
    problem : Problem
        An instance of the family "two-branch" with s = 1/2.
    sampler : Sampler
        SMC with multinomial resampling at every level and N >= 5, or one that declares this
        law.

    Returns
    -------
    float
        The lower bound on D_TV, below 1/120.

    Examples
    --------
    >>> from simulator.problem.families.two_branch import two_branch
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{two_branch_bias(two_branch(64), SMC(8)):.6f}")
    0.006380
    """
    return lower_bound(problem.horizon, sampler.n_particles)
