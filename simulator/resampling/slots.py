r"""Offspring as slots that choose their parents independently of each other.

Of many schemes the N parents are independent given the weights, each with a law of its own:
"slot s has parent i with probability law_s(i)". The others are mixtures of this: once the uniform
of systematic resampling is known, every slot has a fixed parent. So a scheme has kinds of slots,
and the number of slots of each kind may depend on a component k, which is drawn first:

    sum_k chance_k · (copies_{k,s} independent slots of law_s, for every kind s).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.typing import Floats, Ints

__all__ = ["Slots", "fixed_parents"]


@dataclass(frozen=True)
class Slots:
    """Slots of C weight vectors.

    Attributes
    ----------
    chance : (C, K) array
        Of each component; rows sum to 1.
    copies : (C, K, S) array
        How many slots there are of each kind; sums to N over the kinds where `chance` > 0.
    law : (C, S, N) array or None
        Law of the parent of a slot of each kind; None if slots of kind s have parent s for sure.
    """

    chance: Floats
    copies: Floats
    law: Floats | None

    def expected(self, values: Floats) -> Floats:
        """Average a value of the parents over the parent of a slot of each kind.

        Parameters
        ----------
        values : (C, T, N) array
            T values of every particle.

        Returns
        -------
        (C, T, S) array
        """
        return values if self.law is None else values @ self.law.swapaxes(1, 2)

    def gathered(self, values: Floats) -> Floats:
        """Add up values of the kinds of slots by parent, sum_s law_s(i) values_s.

        Parameters
        ----------
        values : (C, T, S) array
            T values of every kind of slot.

        Returns
        -------
        (C, T, N) array
        """
        return values if self.law is None else values @ self.law


def fixed_parents(row: Ints, chance: Floats, ancestors: Ints) -> Slots:
    """Return the slots of outcomes that fix all parents.

    Parameters
    ----------
    row, chance, ancestors : arrays
        Law of the ancestors, as `simulator.resampling.offspring.offspring_batch` gives it.

    Returns
    -------
    Slots
        A component an outcome; where a weight vector has fewer than another, the rest have
        chance 0.

    Examples
    --------
    >>> slots = fixed_parents(np.array([0, 0]), np.array([0.5, 0.5]), np.array([[0, 0], [0, 1]]))
    >>> slots.copies.tolist()
    [[[2.0, 0.0], [1.0, 1.0]]]
    """
    order = np.argsort(row, kind="stable")
    row, n = row[order], ancestors.shape[1]
    outcomes = np.bincount(row)
    place = np.arange(row.size) - np.repeat(np.cumsum(outcomes) - outcomes, outcomes)
    size = (outcomes.size, int(outcomes.max()))
    chances, copies = np.zeros(size), np.zeros((*size, n))
    chances[row, place] = chance[order]
    np.add.at(copies, (row[:, None], place[:, None], ancestors[order]), 1.0)
    return Slots(chances, copies, None)
