"""A problem in fractions: the tree of its token paths, without rounding."""

from __future__ import annotations

import math
from fractions import Fraction

from simulator.errors import InputError
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold

__all__ = ["RationalTree", "as_fraction"]

SIMPLE = 1000  # largest denominator of a number that was meant as a simple fraction
ROUNDING = 1e-12  # relative distance up to which it was meant


def as_fraction(x: float) -> Fraction:
    """Return the simple fraction that a float rounds, or else the float itself.

    Parameters
    ----------
    x : float
        Finite.

    Returns
    -------
    Fraction

    Examples
    --------
    >>> as_fraction(1 / 3), as_fraction(0.125)
    (Fraction(1, 3), Fraction(1, 8))
    """
    simple = Fraction(x).limit_denominator(SIMPLE)
    return simple if math.isclose(simple, x, rel_tol=ROUNDING) else Fraction(x)


class RationalTree:
    """Tables and values of a problem in fractions, one state a token path.

    Every row is divided by its sum, so that it is a law without rounding: the numbers are those of
    a problem that differs from the given one by rounding only.

    Parameters
    ----------
    problem : Problem
        What is sampled: pi_ref, reward and PRM.

    Attributes
    ----------
    problem : Problem
        The tree of its paths in floating point.
    horizon : int
        H.
    children : list of lists
        ``children[h][s]`` lists (pi_ref(c | s), c) of the children c at level h+1.
    parent : list of lists of int
        ``parent[h][c]``, for levels 1..H; level 0 has [0].
    prm, value : list of lists of Fraction
        V^, which is 0 below its zeros, and V*, of every state.
    reach : list of lists of Fraction
        pi_h of every state.
    z : Fraction
        Z.
    z_hat : list of Fraction
        E_ref[V^] of every level.

    Raises
    ------
    TooLargeError
        If there are too many paths to list.

    Examples
    --------
    >>> from simulator import open_problem
    >>> tree = RationalTree(open_problem("reference:horizon=2"))
    >>> tree.z, tree.children[0]
    (Fraction(3, 2), [[(Fraction(1, 2), 0), (Fraction(1, 2), 1)]])
    """

    def __init__(self, problem: Problem) -> None:
        tree = unfold(problem).problem
        self.problem, self.horizon = tree, tree.horizon
        self.children: list[list[list[tuple[Fraction, int]]]] = []
        self.parent, self.reach = [[0]], [[Fraction(1)]]
        self.prm = [[as_fraction(x) for x in tree.prm[0]]]
        for h in range(self.horizon):
            size = int(tree.model.n_states[h + 1])
            rows, parent, reach = [], [0] * size, [Fraction(0)] * size
            for s, (row, to) in enumerate(
                zip(tree.model.probs[h], tree.model.next_state[h], strict=True)
            ):
                shares = [as_fraction(p) for p in row]
                moves = [
                    (p / sum(shares), int(c)) for p, c in zip(shares, to, strict=True) if p > 0
                ]
                for p, c in moves:
                    parent[c], reach[c] = s, self.reach[h][s] * p
                rows.append(moves)
            given = [as_fraction(x) for x in tree.prm[h + 1]]
            alive = [g if self.prm[h][s] > 0 else Fraction(0)
                     for g, s in zip(given, parent, strict=True)]  # fmt: skip
            self.children.append(rows)
            self.parent.append(parent)
            self.reach.append(reach)
            self.prm.append(alive)
        self.value = [[as_fraction(x) for x in tree.reward]]
        for rows in reversed(self.children):
            below = self.value[0]
            self.value.insert(0, [sum((p * below[c] for p, c in row), Fraction(0)) for row in rows])
        self.z = self.value[0][0]
        self.z_hat = [
            sum((p * v for p, v in zip(reach, prm, strict=True)), Fraction(0))
            for reach, prm in zip(self.reach, self.prm, strict=True)
        ]
        if self.z == 0:
            raise InputError("the reward is zero in fractions")

    @property
    def loses_mass(self) -> bool:
        """Whether V^ = 0 on a path that pi* takes."""
        return any(
            prm == 0 and value > 0 for prm, value in zip(self.prm[-1], self.value[-1], strict=True)
        )

    def target(self, level: int) -> list[Fraction]:
        """Return pi*_h of every state of a level.

        Parameters
        ----------
        level : int
            h, from 0 to H.

        Returns
        -------
        list of Fraction
        """
        return [p * v / self.z for p, v in zip(self.reach[level], self.value[level], strict=True)]

    def path(self, leaf: int) -> list[int]:
        """Return the states of levels 0..H on the way to a leaf.

        Parameters
        ----------
        leaf : int
            A state of level H.

        Returns
        -------
        list of int
        """
        states = [leaf]
        for h in range(self.horizon, 0, -1):
            states.insert(0, self.parent[h][states[0]])
        return states

    def ahead(self, level: int) -> list[list[Fraction]]:
        """Return E_ref[V^(x_t) | x_h] of every state up to a level t.

        Parameters
        ----------
        level : int
            t, from 0 to H.

        Returns
        -------
        list of lists of Fraction
            One list a level, 0..t.
        """
        out = [self.prm[level]]
        for h in range(level - 1, -1, -1):
            out.insert(
                0,
                [sum((p * out[0][c] for p, c in row), Fraction(0)) for row in self.children[h]],
            )
        return out

    def flattened(self) -> RationalTree:
        """Return the same paths as a tree of one level: what is never resampled.

        Returns
        -------
        RationalTree
        """
        flat = object.__new__(RationalTree)
        flat.problem, flat.horizon, flat.z = self.problem, 1, self.z
        flat.children = [[[(p, y) for y, p in enumerate(self.reach[-1]) if p > 0]]]
        flat.parent = [[0], [0] * len(self.reach[-1])]
        flat.reach = [[Fraction(1)], self.reach[-1]]
        flat.value = [[self.z], self.value[-1]]
        flat.prm = [self.prm[0], self.value[-1]]
        flat.z_hat = [self.z_hat[0], self.z]
        return flat
