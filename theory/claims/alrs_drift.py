r"""ALRS: small independent errors of the PRM add up to an error of order eps sqrt(H).

Problem: `slanted`, fair bits without any worth (r = V* = 1) that the PRM likes or dislikes a
little: V^ = 1 + eps after a one, 1 - eps after a zero, 1 at level H. Algorithm: ALRS (SMC-RS with
N = 1). Guarantee: **lower** bound on the worst case, error of order min(1, eps sqrt(H)) at
C_inf = 1/(1 - eps) (arXiv 2510.03149). Here ALRS draws Ber((1+eps)/2) at levels 1..H-1 and a fair
bit at H, so that the error is D_TV(Bin(H-1, (1+eps)/2), Bin(H-1, 1/2)) exactly, and

    0.33 min(1, eps sqrt(H)) <= error <= sqrt(-(H-1) log(1 - eps^2))/2,

the right side by Pinsker's inequality (it is about eps sqrt(H)/2), the left constant measured at
H = 4, ..., 2^10, eps <= 1/2; for large H it tends to 2 Phi(1/2) - 1 = .383 where eps sqrt(H) = 1.

>>> print(alrs_drift.check().status)
holds
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from theory.claim import Evidence, claim, row, weigh

__all__ = ["alrs_drift", "drift", "growth", "slanted"]

LEAST = 0.33


def slanted(horizon: int, eps: float) -> Problem:
    """Return the instance; a state is the last bit.

    Parameters
    ----------
    horizon : int
        H >= 2.
    eps : float
        In [0, 1).

    Examples
    --------
    >>> [v.tolist() for v in slanted(2, 0.25).prm]
    [[1.0], [0.75, 1.25], [1.0, 1.0]]
    """
    fair, bit = [0.5, 0.5], [0, 1]
    model = TabularModel(
        [[fair], *[[fair, fair]] * (horizon - 1)], [[bit], *[[bit, bit]] * (horizon - 1)]
    )
    inner = [[1 - eps, 1 + eps]] * (horizon - 1)
    name = f"slanted:horizon={horizon},eps={eps:g}"
    return Problem(model, [1.0, 1.0], [[1.0], *inner, [1.0, 1.0]], name=name)


def drift(horizon: int, eps: float) -> float:
    """Return D_TV(Bin(H-1, (1+eps)/2), Bin(H-1, 1/2)).

    Examples
    --------
    >>> round(drift(2, 0.25), 12), round(drift(401, 0.05), 4)
    (0.125, 0.3829)
    """
    from scipy.stats import binom

    k = np.arange(horizon)
    pmf = binom.pmf
    gap = pmf(k, horizon - 1, (1 + eps) / 2) - pmf(k, horizon - 1, 0.5)
    return float(np.maximum(gap, 0).sum())


def growth(horizon: int, eps: float) -> float:
    """Return min(1, eps sqrt(H))."""
    return min(1.0, eps * math.sqrt(horizon))


@claim(
    id="ALRS",
    title="errors of the PRM add up to eps sqrt(H) under action-level rejection",
    reference="arXiv 2510.03149; the instance and its constants are computed here",
    kind="lower",
    statement=(
        "with independent factors 1 + eps or 1 - eps on V^ the error of ALRS is between "
        "0.33 min(1, eps sqrt(H)) and sqrt(-(H-1) log(1 - eps^2))/2"
    ),
    latex=r"with independent factors $1 + \varepsilon$ or $1 - \varepsilon$ on $\hat{V}$ the error "
    r"of ALRS is between $0.33 \min(1, \varepsilon \sqrt{H})$ and "
    r"$\frac{1}{2} \sqrt{-(H - 1) \log(1 - \varepsilon^2)}$",
)
def alrs_drift(thorough: bool) -> Evidence:
    """Compare the exact error with the product, and the product with eps sqrt(H)."""
    rows, ratios = [], []
    for eps in (0.02, 0.1, 0.3, 0.5):
        for horizon in (2, 5, 8):
            error = ActionLevelRejection().exact_law(slanted(horizon, eps)).tv
            text = "exact error against the product"
            rows.append(row(f"H = {horizon}, eps = {eps:g}", text, error, "=", drift(horizon, eps)))
        for power in range(2, 17 if thorough else 11):
            horizon = 2**power
            error, name = drift(horizon, eps), f"H = {horizon}, eps = {eps:g}"
            pinsker = math.sqrt(-(horizon - 1) * math.log1p(-(eps**2))) / 2
            rows.append(row(name, "error", error, ">=", LEAST * growth(horizon, eps)))
            rows.append(row(name, "error", error, "<=", pinsker))
            ratios.append(error / growth(horizon, eps))
    return weigh(
        rows,
        f"error/min(1, eps sqrt(H)) is between {min(ratios):.3f} and {max(ratios):.3f} for H from "
        f"4 to {horizon}.",
    )
