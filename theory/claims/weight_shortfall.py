r"""C.3: the error is at most the mean shortfall of the weight, and when that is E|W - Z|/(2Z).

Problem: any. Algorithm: every properly weighted sampler. Guarantee: **upper** bound
D_TV <= E[(1 - W^_H/Z)_+], arXiv 2603.07887v1, C.3; the second form E|W^_H - Z|/(2Z) is equal to
it iff E[W^_H] = Z. Assumptions: none for the first form; with lost mass (V^ = 0 where V* > 0)
E[W^_H] < Z, and the second form can lie below the error.

The mean E|W - Z| is computed here without the enumeration of clouds: W^_H of N particles without
resampling is the mean of N independent r(y), y ~ pi_ref, on paths that V^ lets live.

>>> print(mean_shortfall.check().status)
holds
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.base import Sampler
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["half_gap", "lossy", "mean_shortfall"]

SAMPLERS: tuple[Sampler, ...] = (
    SMC(3), SMC(3, "systematic"), SMC(3, ess_threshold=0.5), SMC(3, proposal="optimal"),
    SMCRejection(3), Lookahead(2), SMCIndependent(3), Backtracking(3, "visits"),
)  # fmt: skip


def lossy() -> Problem:
    """Return a tree on which V^ = 0 at a prefix that pi* visits; E[W^_H] = Z/2.

    Examples
    --------
    >>> lossy().lost_states
    [(1, 1)]
    """
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    reward = [1.0, 2.0, 2.0, 1.0]
    return Problem(model, reward, [[1.0], [1.0, 0.0], reward], name="lossy")


def half_gap(problem: Problem, n: int) -> float:
    """Return E|W - Z|/(2Z) for N particles without resampling, by listing their outcomes.

    Parameters
    ----------
    n : int
        N.

    Examples
    --------
    >>> round(half_gap(lossy(), 1), 6)
    0.333333
    """
    tree = unfold(problem).problem
    chance, alive = np.ones(1), np.ones(1, dtype=bool)
    for h, p in enumerate(tree.model.probs):
        parent, token = np.nonzero(p)
        child = tree.model.next_state[h][parent, token]
        there, live = np.zeros(tree.prm[h + 1].size), np.zeros(tree.prm[h + 1].size, dtype=bool)
        there[child], live[child] = chance[parent] * p[parent, token], alive[parent]
        chance, alive = there, live & (tree.prm[h + 1] > 0)
    w = np.where(alive, tree.reward, 0.0) / math.exp(tree.log_z)
    mean = reduce(np.add.outer, [w] * n) / n
    return float((reduce(np.multiply.outer, [chance] * n) * np.abs(mean - 1)).sum() / 2)


@claim(
    id="C.3",
    title="the error is at most the mean shortfall of the weight",
    reference="arXiv 2603.07887v1, C.3",
    kind="upper",
    statement="D_TV <= E[(1 - W^_H/Z)_+], always; this is E|W^_H - Z|/(2Z) iff E[W^_H] = Z",
    latex=r"$D_{\text{TV}} \le \mathbb{E}[(1 - \hat{W}_H / Z)_+]$, always; "
    r"this is $\mathbb{E}|\hat{W}_H - Z| / (2Z)$ iff $\mathbb{E}[\hat{W}_H] = Z$",
)
def mean_shortfall(thorough: bool) -> Evidence:
    """Compare exact errors with exact shortfalls, and the shortfall with E|W - Z|/(2Z)."""
    trees = [random_tree(horizon=3, seed=s, zero_rewards=0.3) for s in range(20 if thorough else 2)]
    rows: list[Row] = []
    for problem in [reference(3), lossy(), *trees]:
        for sampler in SAMPLERS:
            law = sampler.exact_law(problem, shortfall=True)
            assert law.shortfall is not None
            rows.append(row(problem.name, f"error of {sampler}", law.tv, "<=", law.shortfall))
        for n in (1, 2):
            law = SMC(n, ess_threshold=0.0).exact_law(problem, shortfall=True)
            assert law.shortfall is not None
            assert law.mean_w_over_z is not None
            relation = "=" if math.isclose(law.mean_w_over_z, 1.0) else "<"
            text = f"E|W - Z|/(2Z), N = {n}, E[W]/Z = {law.mean_w_over_z:.3g}"
            rows.append(row(problem.name, text, half_gap(problem, n), relation, law.shortfall))
    lost = lossy()
    error = SMC(1).exact_law(lost).tv
    rows.append(row(lost.name, "E|W - Z|/(2Z) against the error", half_gap(lost, 1), "<", error))
    worst = max(r["left"] / r["right"] for r in rows if r["relation"] == "<=")
    return weigh(
        rows,
        f"The error is at most {worst:.3f} of the shortfall; E|W - Z|/(2Z) is the shortfall where "
        "E[W] = Z, and smaller, even below the error, where mass is lost.",
    )
