r"""D.5: DMC with restart errs exponentially little in N, the faster the better the PRM.

Problem: any with C_inf = 1 + eps. Algorithm: DMC with restart and Z~ = J Z. Guarantee: **shape**
of arXiv 2603.07887v1, D.5, N = Omega(H C_inf^2 eps^2 log(J H/delta)) with constants that are not
given. Checked: the error is at most Z/(Z~ a) - 1, a = P(a run is accepted) (proof as for 3.6); it
is 0 at eps = 0 for every N; it grows with eps; log error falls in N at a rate that drops as eps
grows.

Assumptions: C_inf finite, and a margin J > 1 between Z~ and Z, which is needed: at Z~ = Z half of
the weights are above Z~, however large N is, and the error is of order 1/N (checked too).

>>> print(dmc_error.check().status)
holds
"""

from __future__ import annotations

import math

import numpy as np

from simulator.exact.law import ExactLaw
from simulator.problem.families.random_tree import random_tree
from simulator.problem.problem import Problem
from simulator.samplers.restart.diffusion_monte_carlo import DiffusionMonteCarlo
from theory.claim import Evidence, Row, claim, row, weigh
from theory.claims.restart_error import straight

__all__ = ["accepted", "dmc_error", "wobble"]

MARGIN = 1.5
STRAIGHT = 0.95


def wobble(problem: Problem, eps: float) -> Problem:
    """Multiply V* by 1 + eps or its inverse, child by child, between the root and the leaves.

    Parameters
    ----------
    eps : float
        C_inf - 1.

    Examples
    --------
    >>> from theory.criteria import criteria
    >>> round(criteria(wobble(random_tree(horizon=3), 0.5)).prm_accuracy, 12)
    1.5
    """
    up = 1 + eps
    inner = [v * np.where(np.arange(v.size) % 2 == 1, up, 1 / up) for v in problem.value[1:-1]]
    return problem.with_prm([problem.value[0], *inner, problem.reward])


def accepted(problem: Problem, n: int, margin: float) -> ExactLaw:
    """Return the law of DMC with Z~ = J Z.

    Parameters
    ----------
    n : int
        N.
    margin : float
        J.
    """
    z = math.exp(problem.log_z)
    return DiffusionMonteCarlo(n, z_bound=margin * z).exact_law(problem)


@claim(
    id="D.5",
    title="DMC with restart errs exponentially little, the less the better the PRM",
    reference="arXiv 2603.07887v1, D.5; D_TV <= Z/(Z~ a) - 1 and the need of a margin shown here",
    kind="shape",
    statement=(
        "with Z~ = J Z, J > 1, D_TV <= Z/(Z~ a) - 1 decays exponentially in N, at a rate that "
        "falls as eps = C_inf - 1 grows, and is 0 at eps = 0; with Z~ = Z it is of order 1/N"
    ),
    latex=r"with $\tilde{Z} = J Z$, $J > 1$, "
    r"$D_{\text{TV}} \le \frac{Z}{\tilde{Z} a} - 1$ decays exponentially in $N$, "
    r"at a rate that falls as $\varepsilon = C_\infty - 1$ grows, and is 0 at "
    r"$\varepsilon = 0$; with $\tilde{Z} = Z$ it is of order $1/N$",
)
def dmc_error(thorough: bool) -> Evidence:
    """Fit the exact error at N = 1..6 for several eps."""
    rows: list[Row] = []
    rates: list[float] = []
    sizes = list(range(1, 8 if thorough else 7))
    for seed in (1, 2) if thorough else (1,):
        tree, last, rates = random_tree(horizon=3, seed=seed, prm="exact"), 0.0, []
        for n in (1, 3):
            text = f"error at eps = 0, N = {n}"
            rows.append(row(tree.name, text, accepted(tree, n, MARGIN).tv, "=", 0))
        for eps in (0.3, 0.5, 1.0):
            problem, errors = wobble(tree, eps), []
            for n in sizes:
                law = accepted(problem, n, MARGIN)
                assert law.acceptance is not None
                errors.append(law.tv)
                text = f"error, eps = {eps:g}, N = {n}"
                rows.append(row(tree.name, text, law.tv, "<=", 1 / MARGIN / law.acceptance - 1))
            rate, fit = straight(sizes, errors)
            text = f"r^2 of log error on N, eps = {eps:g}"
            rows.append(row(tree.name, text, fit, ">=", STRAIGHT))
            text = f"error at N = {sizes[-1]}, eps = {eps:g}, against the eps before"
            rows.append(row(tree.name, text, errors[-1], ">", last))
            if rates:
                text = f"rate at eps = {eps:g}, against the eps before"
                rows.append(row(tree.name, text, rate, "<", rates[-1]))
            rates.append(rate)
            last = errors[-1]
    small = wobble(random_tree(horizon=2, seed=1, prm="exact"), 0.5)
    half, whole = (n * accepted(small, n, 1.0).tv for n in (16, 32))
    text = "2N error(2N)/(N error(N)) at Z~ = Z, N = 16"
    rows.append(row(small.name, text, whole / half, ">=", 0.8))
    return weigh(
        rows,
        "With Z~ = 1.5 Z each particle more divides the error by "
        + ", ".join(f"{math.exp(r):.2f}" for r in rates)
        + " at eps = 0.3, 0.5, 1; with Z~ = Z N times the error stays put, so a margin is needed.",
    )
