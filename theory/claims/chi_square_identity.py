r"""A.2: the chi-square of a level through the ratio V*/V^, and where the printed form differs.

Problem: any without lost mass. Guarantee: **exact**,
chi2(pi*_h ‖ pi^_h) = (Z^_h/Z) E_{pi*_h}[V*/V^] - 1; arXiv 2603.07887v1, Fact A.2, prints
E_{pi*_h}[V^/V*] for Z^_h/Z. Since E_{pi*_h}[V^/V*] = E_{pi_h}[V^ 1{V* > 0}]/Z the printed form is
never larger, and equal iff V^ = 0 wherever V* = 0. Assumptions: V^ > 0 where V* > 0.

>>> print(chi_square_identity.check().status)
holds
"""

from __future__ import annotations

import math

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from theory.claim import Evidence, Row, claim, row, weigh

__all__ = ["chi_square_identity", "forms", "hopeful"]


def hopeful(problem: Problem) -> Problem:
    """Let V^ be 1/2 wherever V* = 0 below level H."""
    inner = [np.where(v > 0, v, 0.5) for v in problem.prm[:-1]]
    return problem.with_prm([*inner, problem.reward])


def forms(problem: Problem, level: int) -> tuple[float, float, float]:
    """Return chi2 by its definition, the corrected form and the printed one.

    Parameters
    ----------
    problem : Problem
        Without lost mass.
    level : int
        h.

    Returns
    -------
    defined, corrected, printed : float

    Examples
    --------
    >>> [round(x, 6) for x in forms(reference(3), 2)]
    [0.331504, 0.331504, 0.331504]
    """
    tree = unfold(problem).problem
    reach = np.ones(1)
    for h in range(level):
        flat = np.zeros(tree.prm[h + 1].size)
        np.add.at(flat, tree.model.next_state[h], reach[:, None] * tree.model.probs[h])
        reach = flat
    value, prm, z = tree.value[level], tree.prm[level], math.exp(tree.log_z)
    z_hat = float(reach @ prm)
    target, ours = reach * value / z, reach * prm / z_hat
    on = target > 0
    ratio = value[on] / prm[on]
    away = float(((target - ours)[ours > 0] ** 2 / ours[ours > 0]).sum())
    mean = float(target[on] @ ratio)
    return away, z_hat / z * mean - 1, float(target[on] @ (1 / ratio)) * mean - 1


@claim(
    id="A.2",
    title="chi-square of a level through V*/V^",
    reference="arXiv 2603.07887v1, Fact A.2, corrected",
    kind="exact",
    statement=(
        "chi2(pi*_h ‖ pi^_h) = (Z^_h/Z) E_{pi*_h}[V*/V^] - 1; with E_{pi*_h}[V^/V*] for Z^_h/Z, "
        "as printed, it is smaller unless V^ = 0 wherever V* = 0"
    ),
    latex=r"$\chi^2(\pi^*_h \Vert \hat{\pi}_h) "
    r"= \frac{\hat{Z}_h}{Z} \mathbb{E}_{\pi^*_h}[V^*/\hat{V}] - 1$; "
    r"with $\mathbb{E}_{\pi^*_h}[\hat{V}/V^*]$ for $\hat{Z}_h / Z$, as printed, it is smaller "
    r"unless $\hat{V} = 0$ wherever $V^* = 0$",
)
def chi_square_identity(thorough: bool) -> Evidence:
    """Compare the three forms level by level."""
    trees = [random_tree(horizon=4, seed=s, zero_rewards=0.5) for s in range(30 if thorough else 4)]
    rows: list[Row] = []
    for problem in [reference(3), reference(4), *trees, *map(hopeful, trees)]:
        for level in range(1, problem.horizon + 1):
            defined, corrected, printed = forms(problem, level)
            zero = problem.value[level] == 0
            seen = bool((problem.prm[level][zero] > 0).any())
            name, at = problem.name, f"level {level}"
            rows += [
                row(name, f"corrected form, {at}", corrected, "=", defined, 1e-9),
                row(name, f"printed form, {at}", printed, "<" if seen else "=", defined, 1e-9),
            ]
    short = [r for r in rows if r["relation"] == "<"]
    worst = min((1 + r["left"]) / (1 + r["right"]) for r in short)
    return weigh(
        rows,
        f"The corrected form is right on all levels; the printed one is below chi2 on {len(short)} "
        f"levels with V^ > 0 = V*, with 1 + chi2 down to {worst:.2f} of the true one.",
    )
