"""Bound X: with chi-square accuracy alone, 1/sqrt(N) and H^2 particles are right up to a log."""

from __future__ import annotations

from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from theory.assumptions import (
    DRAWN,
    NO_MORE_PARTICLES,
    NO_RESTART,
    UNBIASED_LEVELS,
    argument,
    of_family,
)
from theory.instances.dips import event_gap
from theory.statement import bound

__all__ = ["dips_event"]


@bound(
    id="X",
    title="dips of V^: a rare branch dies out at small chi-square",
    rate="none up to the instance's N",
    reference="new; no counterpart found in print",
    formula="max_{b<=B} 1 - (1-q)^b - b (5/8)^j, q = 1/sqrt(13 N)",
    latex=r"$\max_{b \le B} \left(1 - (1 - q)^b - b \left(\tfrac{5}{8}\right)^j\right)$, "
    r"$q = \frac{1}{\sqrt{13 N}}$, $B$ blocks of $j$ dips",
    assumptions=(of_family("dips"), NO_MORE_PARTICLES, UNBIASED_LEVELS, DRAWN, NO_RESTART),
    kind="lower",
)
def dips_event(problem: Problem, sampler: Sampler) -> float:
    r"""Bound D_TV >= 1 - (1-q)^b - b (5/8)^j for all b <= B, with B blocks of j dips.

    In the proof's number of dips this is at least (3/8) min(B, floor(1/q)) q, although C_act <= 2
    and chi2_h <= 13/8: so S1, 3.2 and 3.8 have the right rate in N, and N of order H^2 is needed
    up to a logarithm squared. See `theory.instances.dips.event_gaps` for the proof.

    Guarantee: lower bound (new here).

    Parameters
    ----------
    problem : Problem
        An instance of the family "dips".
    sampler : Sampler
        SMC with any unbiased resampling at every level, or SMC by rejection without restart, with
        at most as many particles as the instance is made for.

    Returns
    -------
    float
        The lower bound on D_TV; 0 where it says nothing.

    Examples
    --------
    >>> from simulator.problem.families.dips import dips
    >>> from simulator.samplers.smc.sampler import SMC
    >>> print(f"{dips_event(dips(32, blocks=20), SMC(32)):.4f}")
    0.5204
    """
    blocks, j = int(argument(problem, "blocks")), int(argument(problem, "dips"))
    return event_gap(int(argument(problem, "particles")), blocks, j)
