"""The simple form of the myopic lower bound."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import FEW, MYOPIC, of_family
from theory.instances.hidden_labels import error_limit
from theory.statement import bound

__all__ = ["hidden_labels_limit"]


@bound(
    id="hidden-labels",
    title="n particles fail on n levels of hidden labels",
    rate="none up to n",
    reference="new; induction over the levels, cf. arXiv 2603.07887v1, F.5",
    formula="pi*(E_n) - delta_{n,N}",
    latex=r"$\pi^*(E_n) - \delta_{n,N}$",
    assumptions=(of_family("hidden-labels"), MYOPIC, FEW),
    kind="lower",
)
def hidden_labels_limit(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= pi*(E_n) - delta_{n,N} for N <= n, on the simple instance.

    See `theory.instances.hidden_labels` for E_n, delta and the proof. One particle more can be
    enough: theta <= 1/n and N = n + 1 (`sufficient_particles`).

    Guarantee: lower bound (new here).

    Parameters
    ----------
    problem : Problem
        An instance of the family "hidden-labels".
    sampler : Sampler
        Any myopic one with at most as many particles as the instance has levels of delay.

    Returns
    -------
    float
        The lower bound on D_TV, a mean over the hidden bits; 0 where it says nothing.

    Examples
    --------
    >>> from simulator.problem.families.hidden_labels import hidden_labels
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{hidden_labels_limit(hidden_labels('16', 0.75), SMC(1)):.4f}")
    0.9209
    """
    return error_limit(problem, sampler.n_particles)
