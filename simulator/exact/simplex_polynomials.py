"""Polynomials of degree K on a simplex, by their Bernstein coefficients or values at nodes.

A Bernstein polynomial of degree K is the chance, as a function of x, that K draws from x are of
the states alpha. The nodes are the recursive ones of Isaac (SIAM J. Sci. Comput. 42, 2020), those
of Chebyshev and Lobatto on an interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from simulator.resampling.compositions import compositions
from simulator.typing import Floats, Ints

__all__ = ["SimplexPolynomials", "simplex_polynomials"]


@dataclass(frozen=True)
class SimplexPolynomials:
    """Nodes of the simplex over S states, and the Bernstein polynomials of degree K.

    Attributes
    ----------
    counts : (J, S) array
        alpha of each polynomial.
    nodes : (J, S) array
        Points at which values determine a polynomial.
    lower : (Q, S) int array
        Of all alpha of at most K draws, by their number: row of alpha - e_c, -1 for none. The last
        J rows are those of `counts`.
    size : (Q,) int array
        Number of draws of each.
    """

    counts: Floats
    nodes: Floats
    lower: Ints
    size: Ints

    @cached_property
    def at_nodes(self) -> Floats:
        """(J, J) array, the polynomials at the nodes."""
        return self.at(self.nodes)

    def at(self, x: Floats) -> Floats:
        """Return all polynomials at points.

        Parameters
        ----------
        x : (n, S) array
            Points of the simplex.

        Returns
        -------
        (n, J) array
        """
        from scipy.special import gammaln, xlogy

        log_choose = gammaln(self.size[-1] + 1) - gammaln(self.counts + 1).sum(axis=1)
        return np.asarray(np.exp(log_choose + xlogy(self.counts, x[:, None]).sum(axis=2)))


@lru_cache(maxsize=64)
def simplex_polynomials(n_states: int, degree: int) -> SimplexPolynomials:
    """Tabulate the polynomials of a degree.

    Parameters
    ----------
    n_states, degree : int
        S and K, each >= 1.

    Returns
    -------
    SimplexPolynomials

    Examples
    --------
    >>> line = simplex_polynomials(2, 2)
    >>> line.counts.tolist(), line.nodes.round(3).tolist()
    ([[2.0, 0.0], [1.0, 1.0], [0.0, 2.0]], [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    >>> line.at(line.nodes).round(3).tolist()
    [[1.0, 0.0, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0]]
    """
    places: dict[tuple[int, ...], int] = {}
    for size in range(degree + 1):
        for alpha in compositions(n_states, size).counts.astype(int).tolist():
            places[tuple(alpha)] = len(places)
    lower = [
        [places.get((*alpha[:c], alpha[c] - 1, *alpha[c + 1 :]), -1) for c in range(n_states)]
        for alpha in places
    ]
    counts = compositions(n_states, degree).counts
    nodes = np.array([_node(tuple(alpha)) for alpha in counts.astype(int).tolist()])
    return SimplexPolynomials(
        counts, nodes, np.array(lower), np.array([sum(alpha) for alpha in places])
    )


@lru_cache(maxsize=1 << 16)
def _node(alpha: tuple[int, ...]) -> Floats:
    """Mean of the nodes of the faces, each weighted by how far off alpha is from its vertex."""
    if len(alpha) == 1:
        return np.ones(1)
    if len(alpha) == 2:
        return np.array([_on_line(i, sum(alpha)) for i in alpha])
    node = np.zeros(len(alpha))
    for i, own in enumerate(alpha):
        if own < sum(alpha):
            others = np.delete(np.arange(len(alpha)), i)
            face = _node(tuple(alpha[c] for c in others))
            node[others] += _on_line(sum(alpha) - own, sum(alpha)) * face
    return node / node.sum()


def _on_line(i: int, degree: int) -> float:
    return math.sin(math.pi * i / (2 * degree)) ** 2
