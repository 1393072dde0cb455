"""The myopic lower bound: n particles fail at n levels of delay."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import FEW, MYOPIC, of_family
from theory.instances.hidden_labels import error_limit
from theory.statement import bound

__all__ = ["recursive_delay_limit"]


@bound(
    id="3.9",
    title="myopic filters fail on the recursively delayed instance",
    rate="none up to n",
    reference="arXiv 2603.07887v1, 3.9 and F.5, at finite size with the constants proved here",
    formula="pi*(E_n) - delta_{n,N}",
    latex=r"$\pi^*(E_n) - \delta_{n,N}$",
    assumptions=(of_family("recursive-delay"), MYOPIC, FEW),
    kind="lower",
)
def recursive_delay_limit(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= pi*(E_n) - delta_{n,N} for N <= n, on the paper's instance.

    The statement in print is about large H: with H = N^(4n) no myopic filter with
    log H/(4 log log H) particles has D_TV <= 1/3 for all y*. Here the event E_n ("enough copies
    have a good label", `theory.instances.hidden_labels`) gives a number at any size; bits that
    the PRM takes in at once are not counted. Samplers that do not look at the names of tokens
    have the same P(E_n) for all y*, so the mean over y* is the value at each.

    Guarantee: lower bound, arXiv 2603.07887v1, 3.9 and F.5.

    Parameters
    ----------
    problem : Problem
        An instance of the family "recursive-delay".
    sampler : Sampler
        Any myopic one with at most as many particles as the instance has levels of delay.

    Returns
    -------
    float
        The lower bound on D_TV, a mean over y*; 0 where it says nothing.

    Examples
    --------
    >>> from simulator.problem.families.hidden_labels import recursive_delay
    >>> from simulator.samplers.smc.sampler import SMC
    >>> problem = recursive_delay("81/79")
    >>> [round(recursive_delay_limit(problem, SMC(n)), 4) for n in (1, 2)]
    [1.0, 0.9989]
    """
    return error_limit(problem, sampler.n_particles)
