r"""QUASI: what the order of the cells is worth, and how fast quasi-SMC's error falls.

Problem: neutral levels, then L bits that multiply the reward by 1 - t or 1 + t; and small trees.
Algorithm: quasi-SMC. Guarantee: **identities** and an order of magnitude:

* systematic draws in the order of prefixes give all particles the same bits, so that the relative
  variance of W^_H is (1 + t^2)^L - 1 with N = 2^n particles behind n neutral levels, whatever n;
  in the order of states or tokens it is 0;
* N^2 D_TV stays bounded as N grows where N D_TV does for SMC.

The instances are our own; see Gerber and Chopin (arXiv 1402.4039) for sequential quasi-Monte Carlo.

>>> print(cell_order.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.quasi.sampler import QuasiSMC
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["bits_behind_neutral_levels", "cell_order", "copied_variance"]

SIZES = ((1, 1, 1 / 3), (1, 3, 1 / 3), (2, 2, 1 / 3), (2, 3, 1 / 2))  # n, L, t
WORST = 8.0  # N^2 D_TV of what is looked at stays below


def bits_behind_neutral_levels(neutral: int, bits: int, t: float) -> Problem:
    """Return fair tokens of no consequence, then fair bits worth 1 - t and 1 + t.

    Parameters
    ----------
    neutral, bits : int
        Numbers of levels.
    t : float
        In [0, 1).

    Returns
    -------
    Problem
        With a perfect PRM and one state a level.
    """
    horizon = neutral + bits
    gains = [[[1.0, 1.0]]] * neutral + [[[1 - t, 1 + t]]] * bits
    model = TabularModel([[[0.5, 0.5]]] * horizon, [[[0, 0]]] * horizon)
    return Problem(
        model, [1.0], "exact", edge_reward=gains, name=f"{bits} bits behind {neutral} levels"
    )


def copied_variance(bits: int, t: float) -> float:
    """Return (1 + t^2)^L - 1, the relative variance of the product of L bits.

    Parameters
    ----------
    bits : int
        L.
    t : float
        Spread of a bit.

    Returns
    -------
    float
    """
    return float((1 + t * t) ** bits - 1)


@claim(
    id="QUASI",
    title="quasi-SMC in a bad order copies, in a good one its error is of order 1/N^2",
    reference="instances of our own; sequential quasi-Monte Carlo: see arXiv 1402.4039",
    kind="exact",
    statement="relative variance (1 + t^2)^L - 1 by prefixes, 0 by states; N^2 D_TV bounded",
    latex=r"relative variance $(1 + t^2)^L - 1$ by prefixes, 0 by states; "
    r"$N^2 D_{\text{TV}}$ bounded",
)
def cell_order(thorough: bool) -> Evidence:
    """Compare exact laws with the closed forms."""
    rows: list[Row] = []
    for neutral, bits, t in SIZES:
        problem, n = bits_behind_neutral_levels(neutral, bits, t), 2**neutral
        for order in ("lexicographic", "state", "token"):
            found = QuasiSMC(n, "systematic", order).exact_law(problem, "states")
            assert found.relative_variance is not None
            due = copied_variance(bits, t) if order == "lexicographic" else 0.0
            name = f"relative variance, N={n}, order by {order}"
            rows.append(row(problem.name, name, found.relative_variance, "=", due))
    trees = [reference(2), *(random_tree(horizon=2, seed=s) for s in range(8 if thorough else 3))]
    for problem in trees:
        for n in (4, 16, 64):
            error = QuasiSMC(n).exact_law(problem).tv
            rows.append(row(problem.name, f"N^2 D_TV, N={n}", n * n * error, "<=", WORST))
    worst = max(r["left"] for r in rows if r["quantity"].startswith("N^2"))
    copied = np.array([r["left"] for r in rows if r["quantity"].endswith("lexicographic")])
    return weigh(
        rows,
        f"In the order of prefixes the relative variance is {copied.max():.3f} however many "
        f"particles there are; N^2 D_TV is at most {worst:.2f} on small trees.",
    )
