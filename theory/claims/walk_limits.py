r"""VGB: given that it is at a leaf the walk forgets the errors of its PRM; the first leaf does not.

Problem: any without lost mass. Algorithm: VGB (arXiv 2510.03149), whose guarantee has constants
that are not given; the qualitative statement is checked. Guarantee: **exact** for the stationary
law, which given a leaf is pi* whatever V^ is (the walk is reversible and the edge above a leaf y
has conductance pi_ref(y) r(y)); **shape** for the law at time T, which given a leaf tends to pi* at
a geometric rate. The law of the first leaf after T does not: for an imperfect PRM its limit is
∝ pi*(y) E_y[steps until the next leaf], averaged over both parities of T. With V^ = V* it is pi*
from any time on.

>>> print(walk_limits.check().status)
holds
"""

from __future__ import annotations

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.backtracking.exact import walk_on
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.typing import Floats
from theory.claim import Evidence, Row, claim, row, weigh
from theory.claims.alrs_drift import slanted

__all__ = ["at_leaf", "given_leaf", "walk_limits"]

SHORT, LONG = 4, 60  # round trips of 2(H+1) steps


def given_leaf(problem: Problem) -> tuple[Floats, float]:
    """Return the stationary law given a leaf, and how far it is from being stationary.

    Returns
    -------
    law : (L,) array
    residual : float

    Examples
    --------
    >>> law, residual = given_leaf(reference(1))
    >>> law.round(6).tolist(), residual < 1e-15
    ([0.333333, 0.666667], True)
    """
    walk = walk_on(unfold(problem).problem)
    mass = walk.stationary
    law = mass[walk.leaves]
    return law / law.sum(), float(np.abs(walk.transition.T @ mass - mass).max())


def at_leaf(problem: Problem, n: int) -> float:
    """Return D_TV to pi* of the place after n round trips, given that it is a leaf.

    Examples
    --------
    >>> round(at_leaf(reference(3), 1), 4), at_leaf(reference(3), 100) < 1e-6
    (0.1578, True)
    """
    law = Backtracking(n, "steps").exact_law(problem)
    return float(np.maximum(law.target - law.law / law.law.sum(), 0).sum())


@claim(
    id="VGB",
    title="VGB forgets the errors of its PRM, given that it is at a leaf",
    reference="arXiv 2510.03149; the stationary law by reversibility",
    kind="shape",
    statement=(
        "the stationary law of VGB given a leaf is pi* whatever V^ is, and the law at time T given "
        "a leaf tends to it; that of the first leaf after T does not unless V^ = V*"
    ),
    latex=r"the stationary law of VGB given a leaf is $\pi^*$ whatever $\hat{V}$ is, and the law "
    r"at time $T$ given a leaf tends to it; that of the first leaf after $T$ does not unless "
    r"$\hat{V} = V^*$",
)
def walk_limits(thorough: bool) -> Evidence:
    """Compare the stationary law and the laws at two times with pi*."""
    rows: list[Row] = []
    wrong = [random_tree(horizon=3, seed=s) for s in range(20 if thorough else 3)]
    for problem in [reference(3), *wrong]:
        law, residual = given_leaf(problem)
        gap = float(np.abs(law - unfold(problem).problem.target[-1]).max())
        soon, late = (at_leaf(problem, n) for n in (SHORT, LONG))
        first = [Backtracking(n).exact_law(problem).tv for n in (SHORT, LONG)]
        name = problem.name
        rows += [
            row(name, "stationary law, residual", residual, "=", 0),
            row(name, "stationary law given a leaf against pi*", gap, "=", 0),
            row(name, f"error at time T given a leaf, {LONG} against {SHORT} round trips", late,
                "<=", soon / 10),
            row(name, f"error of the first leaf, {LONG} round trips", first[1], ">", 1e-3),
            row(name, "error of the first leaf against that at T given a leaf", first[1], ">",
                10 * late),
        ]  # fmt: skip
    for problem in [p.with_prm("exact") for p in wrong]:
        for n in (1, SHORT):
            error = Backtracking(n).exact_law(problem).tv
            rows.append(row(f"{problem.name}, V^ = V*", f"first leaf, N = {n}", error, "=", 0))
    far = slanted(8, 0.5)
    rows.append(
        row(far.name, "VGB given a leaf against ALRS", at_leaf(far, LONG), "<=",
            ActionLevelRejection().exact_law(far).tv / 10)
    )  # fmt: skip
    worst = max(r["left"] for r in rows if "at time T" in r["quantity"])
    least = min(r["left"] for r in rows if r["quantity"].startswith("error of the first leaf,"))
    return weigh(
        rows,
        f"Given a leaf the error after {LONG} round trips is at most {worst:.1e}, that of the "
        f"first leaf at least {least:.1e}.",
    )
