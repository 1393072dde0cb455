r"""VGB's rates: how much of its time the walk spends at leaves, and how soon it forgets its start.

Problem: a tree of H levels without lost mass, kappa = C_inf finite. Algorithm: VGB as in
arXiv 2510.03149: lazy, and without the state s above the root that `vgb` has here. With
Z^_h = E_ref[V^(x_h)] and the edge above x of conductance pi_ref(x) V^(x):

* **exact**: P(leaf) = Z / (2 sum_{h=1}^H Z^_h) >= 1/(2 (1 + kappa (H-1))) >= 1/(2 kappa H) in the
  long run, with equality for V^ = kappa V* at inner prefixes, so no constant above 1 fits before
  1/(2 kappa H); see there for 1/(8 kappa H). With s it is Z/(2 sum_{h=0}^H Z^_h).
* **upper**: the spectral gap is at least 1/(2K), K = 2H (1 + 2 kappa^2 (H-1)), by canonical paths:
  the mass below an edge is at most 1 + 2 kappa^2 (H-1) times its conductance. So from the root,
  given a leaf, D_TV <= delta from T = 2K log(2 sqrt(kappa) (1 + kappa (H-1))/delta) on, which is
  of order H^2 kappa^2 log(kappa H/delta); the form there is O~(H^2 kappa^4 log 1/delta).
* **shape**: let kappa only bound the means of V*/V^ and V^/V* under pi*. At that T, given a leaf,
  P_{pi*}[pi*/law > 48 H kappa^2/delta] <= delta, as there; checked, not proved, where V^ is far off
  at one prefix, so that C_inf is a hundred times kappa.

>>> print(walk_shapes.check().status)
holds
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.backtracking.exact import walk_on
from simulator.typing import Floats
from theory.claim import Evidence, Row, claim, row, weigh
from theory.criteria import criteria

__all__ = [
    "LazyWalk", "average_accuracy", "lazy_walk", "least_leaf", "off_at_one_prefix", "relaxation",
    "scaled_inside", "steps", "walk_shapes",
]  # fmt: skip

DELTAS = (0.1, 0.001)
RARE = 48.0


class LazyWalk(NamedTuple):
    """VGB with a state a prefix and a fair coin that lets it stay.

    Attributes
    ----------
    flow : (S, S) array
        Stationary probability of each step; symmetric, sums to 1.
    mass : (S,) array
        The stationary law.
    leaves : slice
        Where the leaves are.
    """

    flow: Floats
    mass: Floats
    leaves: slice

    @property
    def at_leaves(self) -> float:
        """Stationary probability of the leaves."""
        return float(self.mass[self.leaves].sum())

    @property
    def gap(self) -> float:
        """One minus the second eigenvalue."""
        root = np.sqrt(self.mass)
        return float(1 - np.linalg.eigvalsh(self.flow / np.outer(root, root))[-2])

    def given_leaf(self, time: int) -> Floats:
        """Return the law of the place after `time` steps from the root, given a leaf.

        Parameters
        ----------
        time : int
            Number of steps, at least H.

        Returns
        -------
        (L,) array
        """
        step = self.flow / self.mass[:, None]
        law = np.linalg.matrix_power(step, time)[0, self.leaves]
        return np.asarray(law / law.sum())


def lazy_walk(problem: Problem) -> LazyWalk:
    """Take s away from the walk and let it stay half of the time.

    Parameters
    ----------
    problem : Problem
        With V^ > 0 everywhere.

    Examples
    --------
    >>> walk = lazy_walk(reference(1))
    >>> walk.mass.round(4).tolist(), round(walk.at_leaves, 12)
    ([0.5, 0.1667, 0.3333], 0.5)
    """
    walk = walk_on(unfold(problem).problem)
    moves = (walk.stationary[:, None] * walk.transition.toarray())[:-1, :-1]
    mass = moves.sum(axis=1)
    return LazyWalk((moves + np.diag(mass)) / (2 * mass.sum()), mass / mass.sum(), walk.leaves)


def least_leaf(horizon: int, kappa: float) -> float:
    """Return the lower limit of the stationary probability of the leaves.

    Parameters
    ----------
    horizon : int
        H.
    kappa : float
        C_inf.

    Examples
    --------
    >>> least_leaf(5, 1.0)
    0.1
    """
    return 1 / (2 * (1 + kappa * (horizon - 1)))


def relaxation(horizon: int, kappa: float) -> float:
    """Return K.

    Parameters
    ----------
    horizon : int
        H.
    kappa : float
        C_inf.

    Examples
    --------
    >>> relaxation(2, 1.0)
    12.0
    """
    return 2 * horizon * (1 + 2 * kappa**2 * (horizon - 1))


def steps(horizon: int, kappa: float, delta: float) -> int:
    """Return the T from which on the error given a leaf is at most delta.

    Parameters
    ----------
    horizon : int
        H.
    kappa : float
        C_inf.
    delta : float
        In (0, 1).

    Examples
    --------
    >>> steps(2, 1.0, 0.1)
    89
    """
    start = 2 * math.sqrt(kappa) * (1 + kappa * (horizon - 1))
    return math.ceil(2 * relaxation(horizon, kappa) * math.log(start / delta))


def scaled_inside(horizon: int, kappa: float) -> Problem:
    """Return `reference` with V^ = kappa V* at levels 1 to H-1, where P(leaf) is least.

    Parameters
    ----------
    horizon : int
        H >= 1.
    kappa : float
        At least 1.

    Examples
    --------
    >>> scaled_inside(2, 3.0).prm[1] / reference(2).value[1]
    array([3., 3.])
    """
    exact = reference(horizon).with_prm("exact")
    inside = [v * kappa for v in exact.value[1:-1]]
    return exact.with_prm([exact.value[0], *inside, exact.value[-1]])


def off_at_one_prefix(horizon: int) -> Problem:
    """Return `reference` with V^ = V*, but p V* at the prefix of H-1 of least probability p.

    Parameters
    ----------
    horizon : int
        H >= 2.

    Examples
    --------
    >>> bad = off_at_one_prefix(6)
    >>> round(criteria(bad).prm_accuracy), round(average_accuracy(bad), 2)
    (422, 2.0)
    """
    exact = reference(horizon).with_prm("exact")
    prm, rare = [v.copy() for v in exact.value], int(np.argmin(exact.target[-2]))
    prm[-2][rare] *= exact.target[-2][rare]
    return exact.with_prm(prm)


def average_accuracy(problem: Problem) -> float:
    """Return the largest mean, over levels, of V*/V^ and of V^/V* under pi*.

    Parameters
    ----------
    problem : Problem
        With V^ > 0 where V* is.

    Examples
    --------
    >>> average_accuracy(scaled_inside(3, 2.0))
    2.0
    """
    found = []
    for target, value, prm in zip(problem.target, problem.value, problem.prm, strict=True):
        there = target > 0
        share, ratio = target[there], prm[there] / value[there]
        found += [float(share @ ratio), float(share @ (1 / ratio))]
    return max(found)


@claim(
    id="VGB-shape",
    title="VGB is at a leaf once in 2 kappa H steps, and forgets within H^2 kappa^2",
    reference="see arXiv 2510.03149 (second-hand; lazy and without s); constants proved here",
    kind="shape",
    statement=(
        "in the long run P(leaf) >= 1/(2 kappa H), attained; D_TV given a leaf is at most delta "
        "from T = O(H^2 kappa^2 log(kappa H/delta)) on; with kappa on average, coverage holds then"
    ),
    latex=r"in the long run $\mathbb{P}(\text{leaf}) \ge \frac{1}{2 \kappa H}$, attained; "
    r"$D_{\text{TV}}$ given a leaf is at most $\delta$ from "
    r"$T = O(H^2 \kappa^2 \log(\kappa H / \delta))$ on; "
    r"with $\kappa$ on average, coverage holds then",
)
def walk_shapes(thorough: bool) -> Evidence:
    """Compare stationary laws, spectral gaps and laws at T with their limits."""
    rows: list[Row] = []
    trees = [
        random_tree(horizon=h, seed=s) for h in (2, 3, 4) for s in range(20 if thorough else 3)
    ]
    scaled = [scaled_inside(h, kappa) for h in (2, 4, 6) for kappa in (1.0, 1.5, 3.0)]
    slack = []
    for k, problem in enumerate([*trees, *scaled]):
        h, kappa, walk = problem.horizon, criteria(problem).prm_accuracy, lazy_walk(problem)
        name = f"{problem.name}, {k}"
        z_hat = np.exp(problem.forward_backward.log_z_hat - problem.log_z)
        leaf, with_s = walk.at_leaves, walk_on(unfold(problem).problem)
        rows += [
            row(name, "P(leaf)", leaf, "=", 1 / (2 * float(z_hat[1:].sum()))),
            row(name, "P(leaf)", leaf, ">=", least_leaf(h, kappa)),
            row(name, "P(leaf), as in the reference", leaf, ">=", 1 / (8 * kappa * h)),
            row(name, "P(leaf), with s", float(with_s.stationary[with_s.leaves].sum()), "=",
                1 / (2 * float(z_hat.sum()))),
            row(name, "spectral gap", walk.gap, ">=", 1 / (2 * relaxation(h, kappa))),
        ]  # fmt: skip
        if problem in scaled:
            rows.append(row(name, "P(leaf), attained", leaf, "=", least_leaf(h, kappa)))
        target = unfold(problem).problem.target[-1]
        for delta in DELTAS:
            law = walk.given_leaf(steps(h, kappa, delta))
            error = float(np.maximum(target - law, 0).sum())
            rows.append(row(name, f"D_TV given a leaf at T({delta:g})", error, "<=", delta))
        slack.append(walk.gap * 2 * relaxation(h, kappa))
    for h in (4, 6, *((7,) if thorough else ())):
        problem = off_at_one_prefix(h)
        kappa, target = average_accuracy(problem), unfold(problem).problem.target[-1]
        for delta in DELTAS:
            law = lazy_walk(problem).given_leaf(steps(h, kappa, delta))
            missed = float(target[target > RARE * h * kappa**2 / delta * law].sum())
            name = f"one prefix off, H = {h}"
            rows.append(row(name, f"pi* of what is rare at T({delta:g})", missed, "<=", delta))
    return weigh(
        rows, f"The spectral gap is {min(slack):.1f} to {max(slack):.1f} times its lower limit."
    )
