"""Errors on instances of any size that need neither an enumeration of clouds nor runs."""

from __future__ import annotations

from simulator.interval import Interval
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.assumptions import DRAWN, MULTINOMIAL, REJECTION, argument
from theory.instances.dips import block_law, blocks_error
from theory.instances.surviving_branch import branch_error
from theory.instances.two_branch import exact_limits as two_branch_limits

__all__ = ["exact_limits"]

MOST = 64  # particles on dips, within a second
ROUNDING = 1e-12  # of these sums; so the error is told as two limits, which is no enumeration
LARGEST = 1e9  # N^3 + H N^2 for a surviving branch, a few seconds


def exact_limits(problem: Problem, sampler: Sampler) -> Interval | None:
    """Return limits of the error of SMC that need no runs, on the instances where they are known.

    Parameters
    ----------
    problem : Problem
        Two-branch, dips, rare-path and all-or-nothing instances are known.
    sampler : Sampler
        Multinomial SMC with a drawn output; on dips also SMC by rejection.

    Returns
    -------
    Interval or None
        None for other problems or samplers, or if the size is out of reach.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> print(f"{exact_limits(open_problem('dips:blocks=20,dips=8'), SMC(32)).value:.4f}")
    0.6341
    """
    family = problem.instance.family if problem.instance else None
    facts, n = facts_of(sampler, problem), sampler.n_particles
    multinomial, rejection, drawn = (
        a.holds(problem, sampler, facts) for a in (MULTINOMIAL, REJECTION, DRAWN)
    )
    if not drawn or not (multinomial or (rejection and family == "dips")):
        return None
    if family == "dips" and n <= MOST:
        particles, blocks, j = (int(argument(problem, a)) for a in ("particles", "blocks", "dips"))
        one = block_law(n, particles, j, rejection)
        return _up_to_rounding(blocks_error(one, particles, blocks))
    if family in ("rare-path", "all-or-nothing") and (problem.horizon + n) * n**2 <= LARGEST:
        return _up_to_rounding(branch_error(problem, n))
    return two_branch_limits(problem, sampler)


def _up_to_rounding(error: float) -> Interval:
    return Interval(error, max(error - ROUNDING, 0.0), min(error + ROUNDING, 1.0), 1.0)
