r"""A5: on the product instance a sharper PRM is right more often, while chi-square explodes.

Problem: independent bits, V^ = r^lambda level by level. Algorithm: SMC. Guarantee: **exact** laws
of the output and of a hit, monotone in lambda, and limits of the latter; here, the law of the
output as in claim C.9 of arXiv 2603.07887v1. Assumptions: multinomial resampling at every level.

>>> print(accuracy_of_a_sharpened_prm.check().status)
holds
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.samplers.smc.sampler import SMC
from theory.accuracy.sharpened_product import SharpenedProduct
from theory.claim import Evidence, Row, claim, row, weigh
from theory.criteria import criteria

__all__ = ["accuracy_of_a_sharpened_prm"]

POWERS = (0.0, 0.5, 1.0, 1.7, 3.0, 8.0)
LAST = 200.0  # as good as infinite


@claim(
    id="A5",
    title="accuracy rises with the inverse temperature on the product instance",
    reference="the law of the output as in arXiv 2603.07887v1, C.9, and a monotone coupling",
    kind="exact",
    statement="output Ber(p_N(lambda))^H; P(all ones is hit) is a Markov chain, 1/m <= P <= "
    "min(N p0 p_N^(H-1), (1 - (1 - p0)^N)^H); both rise in lambda, chi2 is exponential in h",
    latex=r"output $\text{Ber}(p_N(\lambda))^H$; "
    r"$P = \mathbb{P}(\text{all ones is hit})$ is a Markov chain, "
    r"$\frac{1}{m} \le P \le \min(N p_0 p_N^{H-1}, (1 - (1 - p_0)^N)^H)$; "
    r"both rise in $\lambda$, $\chi^2_h$ is exponential in $h$",
)
def accuracy_of_a_sharpened_prm(thorough: bool) -> Evidence:
    """Compare closed forms with enumerations, and follow them in lambda."""
    rows: list[Row] = []
    sizes = [(2, 2, 0.5), (3, 2, 0.4), (3, 3, 0.3), *([(4, 3, 0.6)] if thorough else [])]
    for horizon, n, base in sizes:
        every = [SharpenedProduct(horizon, n, power, base) for power in (*POWERS, LAST)]
        for at in every:
            problem, name = at.problem(), f"H = {horizon}, N = {n}, lambda = {at.power:g}"
            for k in (1, horizon):
                right = np.arange(horizon + 1) >= k
                exact = exact_accuracy(problem, SMC(n), right)
                rows.append(row(name, f"P({k} ones or more)", at.at_least(k), "=", exact))
            right = np.arange(horizon + 1) == horizon
            exact = exact_accuracy(problem, SMC(n), right, "any")
            low, high = at.hit_limits()
            rows.append(row(name, "P(all ones is hit)", at.hit(), "=", exact))
            rows.append(row(name, "P(all ones is hit)", exact, ">=", low))
            rows.append(row(name, "P(all ones is hit)", exact, "<=", high))
        for a, b in pairwise(every):
            name = f"H = {horizon}, N = {n}, lambda = {b.power:g} against {a.power:g}"
            rows.append(row(name, "accuracy", b.at_least(horizon), ">=", a.at_least(horizon)))
            rows.append(row(name, "P(all ones is hit)", b.hit(), ">=", a.hit()))
        limit = (1 - (1 - base) ** n) ** horizon
        rows.append(row(f"H = {horizon}, N = {n}", "its limit in lambda", every[-1].hit(),
                        "=", limit))  # fmt: skip
        one = SharpenedProduct(horizon, n, 1.0, base).problem()
        for at in every[:-1]:
            found = criteria(one.with_prm([*at.problem().prm[:-1], one.reward])).chi2[horizon - 2]
            name = f"H = {horizon}, lambda = {at.power:g}"
            rows.append(row(name, "chi2 at level H - 1", at.chi2(horizon - 1), "=", found))
    wide = [SharpenedProduct(60, 32, power) for power in (1.0, 3.0)]
    errors, right_ones = [at.tv() for at in wide], [at.at_least(40) for at in wide]
    rows.append(row("H = 60, N = 32", "error, lambda = 3 against 1", errors[1], ">", errors[0]))
    rows.append(row("H = 60, N = 32", "accuracy", right_ones[1], ">", right_ones[0]))
    return weigh(
        rows,
        f"Two thirds of 60 bits are ones with probability {right_ones[0]:.3f} at lambda = 1 and "
        f"{right_ones[1]:.3f} at lambda = 3, while the error goes from {errors[0]:.3f} to "
        f"{errors[1]:.3f}.",
    )
