r"""Systematic resampling may have more variance than multinomial resampling, from N = 4 on.

Problem: N weights, N/2 times 1.5/N and then N/2 times .5/N; phi = (1, -1, ..., 3, -3, ...).
Algorithm: systematic resampling. Its one uniform leaves two outcomes, which differ by (1, -1, 1,
-1, ...).
Guarantee: **exact**, Var(sum_j N_j phi_j) = (N/3) N Var_W(phi): 16 against 12 at N = 4. Up to N = 3
the counts have the law of SSP and it cannot happen. It does happen on clouds of SMC: a fair bit, a
PRM that gives one state 1 and the other 1/1000, and a reward for the latter alone make
v = Var(W^_H)/Z^2 larger than under multinomial resampling, while no scheme with less variance does.

>>> print(systematic_variance.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.resampling.offspring import offspring_law
from simulator.samplers.smc.sampler import SMC
from simulator.typing import Floats
from theory.claim import Evidence, claim, row, weigh

__all__ = ["systematic_variance"]

SCHEMES = ("stratified", "residual", "ssp", "killing")
CLOUD = 4  # particles of the instance of SMC


def halves(n: int) -> tuple[Floats, Floats]:
    """Return weights, which sum to 1, and phi."""
    sign = (-1.0) ** np.arange(n)
    heavy = np.arange(n) < n // 2
    return np.where(heavy, 1.5, 0.5) / n, np.where(heavy, sign, 3 * sign)


def variances(scheme: str, weights: Floats, phi: Floats) -> tuple[float, float]:
    """Var(sum_j N_j phi_j), and that of multinomial resampling, N Var_W(phi)."""
    law = offspring_law(scheme, weights)
    chance = np.array([p for p, _ in law])
    sums = np.array([counts for _, counts in law]) @ phi
    spread = weights @ phi**2 - (weights @ phi) ** 2
    return float(chance @ sums**2 - (chance @ sums) ** 2), float(len(phi) * spread)


def misled() -> Problem:
    """Return a fair bit, one side of which looks a thousand times worse and has all the reward."""
    model = TabularModel([[[0.5, 0.5]], [[1.0, 0.0]] * 2], [[[0, 1]], [[0, 0], [1, 1]]])
    return Problem(model, [0.0, 1.0], [[1.0], [1.0, 1e-3], [0.0, 1.0]], name="fair bit")


@claim(
    id="systematic",
    title="systematic resampling may have more variance than multinomial resampling",
    reference="as Douc, Cappe and Moulines (2005) say of one cloud; instances of our own",
    kind="exact",
    statement=(
        "weights 1.5/N and .5/N, N/2 times each: Var(sum N_j phi_j) = (N/3) N Var_W(phi), so that "
        "it exceeds multinomial from N = 4 on; on clouds of SMC too, v = 218.3 > 187.7"
    ),
    latex=r"weights $\frac{1.5}{N}$ and $\frac{.5}{N}$, $\frac{N}{2}$ times each: "
    r"$\text{Var}(\sum_j N_j \varphi_j) = \frac{N}{3} N\,\text{Var}_W(\varphi)$, "
    r"so that it exceeds multinomial from $N = 4$ on; on clouds of SMC too, "
    r"$v = 218.3 > 187.7$",
)
def systematic_variance(thorough: bool) -> Evidence:
    """Compare exact variances of offspring and of weights."""
    rows = []
    for n in (2, 4, 6, 8, *((20, 50) if thorough else ())):
        own, multinomial = variances("systematic", *halves(n))
        rows.append(row(f"halves, N = {n}", "variance", own, "=", n / 3 * multinomial))
    own, multinomial = variances("systematic", *halves(4))
    rows.append(row("halves, N = 4", "variance against multinomial", own, ">", multinomial))
    for name in SCHEMES:
        rows.append(
            row("halves, N = 4", f"variance, {name}",
                variances(name, *halves(4))[0], "<=", multinomial)
        )  # fmt: skip
    problem = misled()
    v = {
        name: SMC(CLOUD, name).exact_law(problem).relative_variance
        for name in ("multinomial", "systematic", *SCHEMES)
    }
    found = {name: float(x) for name, x in v.items() if x is not None}
    limit = found["multinomial"]
    rows.append(row(problem.name, "v, systematic", found["systematic"], ">", limit))
    rows += [row(problem.name, f"v, {name}", found[name], "<=", limit) for name in SCHEMES]
    return weigh(
        rows,
        f"At N = 4 the variance is {own:.0f} against {multinomial:.0f}, and on clouds of SMC "
        f"v = {found['systematic']:.1f} against {limit:.1f}.",
    )
