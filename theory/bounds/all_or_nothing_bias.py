"""Bound LB-M: where densities reach M, an error of order HM/N cannot be avoided."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import DRAWN, MULTINOMIAL, Assumption, argument, of_family
from theory.statement import bound

__all__ = ["all_or_nothing_bias"]

ENOUGH = Assumption(
    "M >= 2 and N >= 2 (M - 1)",
    lambda problem, sampler, facts: 2 <= argument(problem, "ratio") <= 1 + sampler.n_particles / 2,
)


@bound(
    id="LB-M",
    title="bias of order HM/N on the all-or-nothing instance",
    rate="1/N",
    reference="new; drift of the weighted share of a branch, as in two-branch",
    formula="(1/24) (1 - 1/N)^2 (1 - (1 - 2(M-1)/N)^(H-1))",
    latex=r"$\frac{1}{24} \left(1 - \frac{1}{N}\right)^2 "
    r"\left(1 - \left(1 - \frac{2 (M - 1)}{N}\right)^{H-1}\right)$",
    assumptions=(of_family("all-or-nothing"), ENOUGH, MULTINOMIAL, DRAWN),
    kind="lower",
)
def all_or_nothing_bias(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= 1/2 - E nu^_H(b=1) >= (1/24) (1 - 1/N)^2 (1 - (1 - 2(M-1)/N)^(H-1)).

    With K = q N particles in branch 1, t their mean weight less 1 and X the weighted share of
    the branch, X - q - q(1-q) t = -q^2 (1-q) t^2/(1+q t). E t^2 = (M-1)/K and
    E t^3 = (M-1)(M-2)/K^2 give E[t^2/(1+q t)] >= (M-1)/(2K) for N >= M - 2, by the inequality of
    Cauchy and Schwarz; and X(1-X) >= q(1-q)(1+t)(1 - 2 q t). So a level costs the share
    X' (1-X') (M-1)(1 - 1/N)/(2N) or more, and leaves of X' (1-X') a part of at least
    (1 - 1/N)(1 - 2(M-1)/N). Sum over the levels.

    Guarantee: lower bound (new here) on `simulator.problem.families.all_or_nothing`.

    Parameters
    ----------
    problem : Problem
        An instance of the family "all-or-nothing" with M >= 2.
    sampler : Sampler
        SMC with multinomial resampling at every level and N >= 2 (M - 1), or one that declares
        this law.

    Returns
    -------
    float
        The lower bound on D_TV, below 1/24.

    Examples
    --------
    >>> from simulator.problem.families.all_or_nothing import all_or_nothing
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{all_or_nothing_bias(all_or_nothing(64, 4.0), SMC(16)):.6f}")
    0.036621
    """
    n, loss = sampler.n_particles, 2 * (argument(problem, "ratio") - 1) / sampler.n_particles
    return float((1 - 1 / n) ** 2 * (1 - (1 - loss) ** (problem.horizon - 1)) / 24)
