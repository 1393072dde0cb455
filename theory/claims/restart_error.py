r"""3.6: SMC with restart errs exponentially little in N, after a bounded number of restarts.

Problem: any with finite C_inf. Algorithm: SMC with restart, B = 2 C_inf V^(root). Guarantee:
**shape** of arXiv 2603.07887v1, 3.6, which has D_TV <= delta from
N = Omega(H C_inf^4 C_act^2 log(C_inf H/delta)) on, with O(C_inf^2 log(1/delta)) restarts and
constants that are not given. Checked instead, with a = P(a run is accepted):

* D_TV <= Z/(B a) - 1. Proof: with e_y = E[(W/B - 1)_+ 1{Y=y}], e their sum, C.2 gives
  a = Z/B - e and law(y) = (pi*(y) Z/B - e_y)/a, so D_TV = sum_y |pi*(y) e - e_y|/(2a) <= e/a.
  Only weights above B count, and those are rare: B >= 2Z.
* B/Z <= 1/a <= (B/Z)/(1 - (Z/B)(1+v)/4), v = Var(W^_H)/Z^2, since w - w^2/4 <= min(w, 1) <= w;
  as 2 <= B/Z <= 2 C_inf^2 the mean number of runs is at most 16 C_inf^2/(7 - v) if v < 7.
* log error falls on a straight line in N, while N times the error of plain SMC stays put.

Assumptions: C_inf finite, no lost mass.

>>> print(restart_error.check().status)
holds
"""

from __future__ import annotations

import math

import numpy as np

from simulator.exact.second_moments import relative_variance
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.problem import Problem
from simulator.samplers.base import Sampler
from simulator.samplers.restart.smc_restart import SMCRestart
from simulator.samplers.smc.sampler import SMC
from theory.claim import Evidence, Row, claim, row, weigh
from theory.criteria import criteria

__all__ = ["instances", "restart_error", "restarted", "straight"]

# an error of order 1/N has r^2 = .974 on N = 2..6 and shrinks by 5/6 at the end
STRAIGHT, SHRINKS, STAYS = 0.99, 0.6, 0.75
ROUNDING = 1e-11


def restarted(n: int) -> Sampler:
    """Return the sampler that the claim speaks of.

    Parameters
    ----------
    n : int
        N.
    """
    return SMCRestart(n)


def instances(thorough: bool) -> list[Problem]:
    """Return trees on which weights above B are possible."""
    more = [two_branch(4), random_tree(horizon=3, seed=2, prm="exact")] if thorough else []
    trees = [random_tree(horizon=3, seed=s, sigma=0.2) for s in (0, 1)]
    return [reference(3), two_branch(3), *trees, random_tree(horizon=3, prm="exact"), *more]


def straight(sizes: list[int], errors: list[float]) -> tuple[float, float]:
    """Fit log error = b - c N to the errors that are more than rounding.

    Parameters
    ----------
    sizes : list of int
        N.

    Returns
    -------
    rate, fit : float
        c, and the squared correlation.

    Examples
    --------
    >>> [round(x, 6) for x in straight([1, 2, 3], [0.1, 0.01, 0.001])]
    [2.302585, 1.0]
    """
    told = np.array(errors) > ROUNDING
    x, y = np.array(sizes, dtype=float)[told], np.log(np.array(errors)[told])
    slope = np.polyfit(x, y, 1)[0]
    return -float(slope), float(np.corrcoef(x, y)[0, 1] ** 2)


@claim(
    id="3.6",
    title="SMC with restart errs exponentially little",
    reference="arXiv 2603.07887v1, 3.6; D_TV <= Z/(B a) - 1 and the number of runs proved here",
    kind="shape",
    statement=(
        "the accepted law has D_TV <= Z/(B a) - 1, B = 2 C_inf V^(root), a = P(accepted), which "
        "decays exponentially in N; mean number of runs 1/a <= 16 C_inf^2/(7 - v)"
    ),
    latex=r"the accepted law has $D_{\text{TV}} \le \frac{Z}{B a} - 1$, "
    r"$B = 2 C_\infty \hat{V}(\text{root})$, $a = \mathbb{P}(\text{accepted})$, "
    r"which decays exponentially in $N$; "
    r"mean number of runs $\frac{1}{a} \le \frac{16 C_\infty^2}{7 - v}$, "
    r"$v = \text{Var}(\hat{W}_H) / Z^2$",
)
def restart_error(thorough: bool) -> Evidence:
    """Fit the exact error at N = 2..6 and compare the acceptance with its limits."""
    rows: list[Row] = []
    rates = []
    sizes = list(range(2, 8 if thorough else 7))
    for problem in instances(thorough):
        smc = [SMC(n).exact_law(problem).tv for n in sizes]
        errors = []
        for n in sizes:
            sampler = restarted(n)
            law = sampler.exact_law(problem)
            errors.append(law.tv)
            a = law.acceptance
            if a is None:
                continue
            z_over_b = math.exp(problem.log_z - SMCRestart(n).log_bound(problem))
            v = relative_variance(problem, n)
            c2 = criteria(problem).prm_accuracy ** 2
            most = 1 / z_over_b / (1 - z_over_b * (1 + v) / 4)
            rows += [
                row(problem.name, f"error, N = {n}", law.tv, "<=", z_over_b / a - 1),
                row(problem.name, f"mean number of runs, N = {n}", 1 / a, ">=", 1 / z_over_b),
                row(problem.name, f"mean number of runs, N = {n}", 1 / a, "<=", most),
                row(problem.name, f"its limit, N = {n}", most, "<=", 16 * c2 / (7 - v)),
            ]
        rate, fit = straight(sizes, errors)
        rates.append(rate)
        steps = np.divide(errors[1:], errors[:-1])
        rows += [
            row(problem.name, "r^2 of log error on N", fit, ">=", STRAIGHT),
            row(problem.name, "largest error(N+1)/error(N)", float(steps.max()), "<=", SHRINKS),
            row(problem.name, "error(N+1)/error(N) of plain SMC, last N", smc[-1] / smc[-2], ">=",
                STAYS),
        ]  # fmt: skip
    return weigh(
        rows,
        f"Each particle more divides the error by {math.exp(min(rates)):.2g} to "
        f"{math.exp(max(rates)):.2g}; plain SMC gains a factor near (N+1)/N only.",
    )
