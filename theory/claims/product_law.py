r"""C.9: on the product instance the law of SMC's output is a product of equal coins.

Problem: `simulator.problem.families.product`. Algorithm: SMC with any unbiased scheme at every
level. Guarantee: **exact**, the law is Ber(p_N)^H, p_N = 2 E[A/(N+A)], A ~ Bin(N, 1/2);
arXiv 2603.07887v1, claim C.9, and p_N <= 2/3 - (4/27)/N (used in C.8). Assumptions: V^ = V*,
resampling at every level. The paper's claim C.10 is not registered: its wording was not at hand.

>>> print(product_bits.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.exact.lumped import product_one_probability
from simulator.problem.families.product import product
from simulator.samplers.smc.sampler import SMC
from theory.claim import Evidence, claim, row, weigh

__all__ = ["one_limit", "product_bits"]


def one_limit(n: int) -> float:
    """Return 2/3 - (4/27)/N, an upper limit of p_N.

    Parameters
    ----------
    n : int
        N.

    Examples
    --------
    >>> round(one_limit(1), 4), product_one_probability(1)
    (0.5185, 0.5)
    """
    return 2 / 3 - 4 / 27 / n


@claim(
    id="C.9",
    title="SMC's law on the product instance is a product",
    reference="arXiv 2603.07887v1, claim C.9, and the limit of p_N used in C.8",
    kind="exact",
    statement="law of SMC's output = Ber(p_N)^H, p_N = 2 E[A/(N+A)] <= 2/3 - (4/27)/N",
    latex=r"law of SMC's output $= \text{Ber}(p_N)^H$, "
    r"$p_N = 2\,\mathbb{E}\left[\frac{A}{N + A}\right] \le \frac{2}{3} - \frac{4}{27 N}$",
)
def product_bits(thorough: bool) -> Evidence:
    """Compare the exact law of SMC with the product, and p_N with its limit."""
    rows = []
    for horizon in (1, 2, 3, *([4, 5] if thorough else [])):
        problem = product(horizon)
        for scheme in ("multinomial", "systematic", "stratified", "residual", "ssp", "killing"):
            for n in (1, 2, 3):
                law = SMC(n, scheme).exact_law(problem)
                assert law.tokens is not None
                p = product_one_probability(n)
                want = np.where(law.tokens == 1, p, 1 - p).prod(axis=1)
                gap = float(np.abs(law.law - want).max())
                text = f"largest difference of probabilities, {scheme}, N = {n}"
                rows.append(row(problem.name, text, gap, "=", 0.0))
    sizes = [1, 2, 3, 5, 10, 30, 100, 300, 1000, *([3000, 10_000] if thorough else [])]
    for n in sizes:
        rows.append(row("product", f"p_N, N = {n}", product_one_probability(n), "<=", one_limit(n)))
    gap = (2 / 3 - product_one_probability(sizes[-1])) * sizes[-1]
    return weigh(
        rows,
        f"The laws agree to rounding; N (2/3 - p_N) is {gap:.4f} at N = {sizes[-1]}, "
        f"and 4/27 = {4 / 27:.4f} is its limit.",
    )
