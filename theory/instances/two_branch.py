"""Two-branch instance: SMC needs N of order H even with a perfect PRM (new here).

Problem: a fair first bit b; branch 0 is quiet, in branch 1 each later bit multiplies V* by
1 + s or 1 - s; V^ = V* (`simulator.problem.families.two_branch`). Algorithm: SMC with
multinomial resampling at every level. Guarantee: **lower** bound on the error, s = 1/2.
"""

from __future__ import annotations

from simulator.errors import InputError
from simulator.exact.two_branch_paths import two_branch_tv
from simulator.interval import Interval
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.assumptions import DRAWN, MULTINOMIAL, argument, of_family

__all__ = ["exact_limits", "lower_bound"]

LARGEST = 1e10  # H N^3, a few seconds


def lower_bound(horizon: int, n_particles: int) -> float:
    r"""Return (1/120) (1 - 1/N)^2 (1 - (1 - 5/N)^(H-1)) <= 1/2 - E[nu^_H(b=1)] <= D_TV, s = 1/2.

    With a share q of the particles in branch 1 and X the weighted share, Jensen's gap gives
    E[X | past] <= X' - (s^2/(N(1+s)))(1 - 1/N) X'(1 - X') and
    E[X(1-X) | past] >= (1 - 1/N)(1 - 2 s^2/(N(1-s)^3)) X'(1 - X'), where X' is the share one
    level before; at the first level E[X(1-X)] = (1 - 1/N)/4. Sum over the levels. Together with
    bound F-star (H/N) the worst-case error for V^ = V* and C_act = 3/2 is of order min(1, H/N).

    Parameters
    ----------
    horizon : int
        H >= 1.
    n_particles : int
        N >= 5.

    Raises
    ------
    InputError
        If H < 1 or N < 5.

    Examples
    --------
    >>> print(f"{lower_bound(64, 8):.6f}")
    0.006380
    """
    if horizon < 1 or n_particles < 5:
        raise InputError(f"two-branch bound: needs H >= 1 and N >= 5, not {horizon}, {n_particles}")
    n = n_particles
    return (1 - 1 / n) ** 2 * (1 - (1 - 5 / n) ** (horizon - 1)) / 120


def exact_limits(problem: Problem, sampler: Sampler) -> Interval | None:
    """Return limits of the error of SMC on a two-branch instance that need no runs.

    Returns
    -------
    Interval or None
        None if the problem is of another family, the sampler is not SMC as in
        arXiv 2603.07887v1, Alg. 1, or the size is out of reach.
    """
    facts, spoken_of = facts_of(sampler, problem), (of_family("two-branch"), MULTINOMIAL, DRAWN)
    if not all(a.holds(problem, sampler, facts) for a in spoken_of):
        return None
    s = argument(problem, "s")
    if s >= 1 or problem.horizon * sampler.n_particles**3 > LARGEST:
        return None
    return two_branch_tv(problem.horizon, sampler.n_particles, s)
