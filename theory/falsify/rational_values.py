"""Upper limits of the values of bounds in fractions: nothing is rounded down."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations

from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.falsify.rational_tree import RationalTree

__all__ = ["IN_FRACTIONS", "root_above", "value_in_fractions"]

BITS = 200  # of square roots
ZERO, ONE = Fraction(0), Fraction(1)


def root_above(x: Fraction) -> Fraction:
    """Return a fraction that is at least the square root, by 2^-200 at most.

    Parameters
    ----------
    x : Fraction
        >= 0.

    Returns
    -------
    Fraction

    Examples
    --------
    >>> root_above(Fraction(1, 4)) >= Fraction(1, 2), float(root_above(Fraction(2)))
    (True, 1.4142135623730951)
    """
    shifted = -(-(x.numerator << 2 * BITS) // x.denominator)
    root = math.isqrt(shifted)
    return Fraction(root + (root * root < shifted), 1 << BITS)


def _total(terms: list[Fraction]) -> Fraction:
    return sum(terms, ZERO)


def _edges(tree: RationalTree, level: int) -> list[tuple[int, int]]:
    """(parent, child) into a level where V*(parent) > 0 and V^(parent) > 0."""
    return [
        (x, c)
        for x, row in enumerate(tree.children[level - 1])
        if tree.value[level - 1][x] > 0 and tree.prm[level - 1][x] > 0
        for _, c in row
    ]


def _coverage(tree: RationalTree) -> Fraction:
    """C_act."""
    return max(
        tree.value[h][c] / tree.value[h - 1][x]
        for h in range(1, tree.horizon + 1)
        for x, c in _edges(tree, h)
    )


def _accuracy_squared(tree: RationalTree) -> Fraction | None:
    """C_inf^2; None where the supports of V* and V^ differ."""
    most = ONE
    for values, prms in zip(tree.value, tree.prm, strict=True):
        for v, g in zip(values, prms, strict=True):
            if (v == 0) != (g == 0):
                return None
            if v > 0:
                most = max(most, v / g, g / v)
    return most**2


def _level_chi2(tree: RationalTree, level: int) -> Fraction:
    """chi2(pi*_h ‖ pi^_h)."""
    states = zip(tree.target(level), tree.value[level], tree.prm[level], strict=True)
    mean = _total([p * v / g for p, v, g in states if p > 0])
    return mean * tree.z_hat[level] / tree.z - 1


def _pair_chi2(tree: RationalTree, level: int) -> Fraction:
    """chi2 of the laws of (x_{h-1}, x_h)."""
    up = tree.parent[level]
    mean = _total([
        p * v / tree.prm[level - 1][up[c]]
        for c, (p, v) in enumerate(zip(tree.target(level), tree.value[level], strict=True)) if p > 0
    ])  # fmt: skip
    return mean * tree.z_hat[level - 1] / tree.z - 1


def _weight_means(tree: RationalTree, n: int) -> list[tuple[Fraction, Fraction]]:
    """(pi*(y), m(y)) of every path that pi* takes, m by subsets of levels where lineages meet."""
    levels = range(1, tree.horizon + 1)
    ahead = {t: tree.ahead(t) for t in levels}
    out = []
    for y, p in enumerate(tree.target(tree.horizon)):
        if p == 0:
            continue
        path = tree.path(y)

        def rho(k: int, t: int, path: list[int] = path) -> Fraction:
            grown = ahead[t][k][path[k]] / tree.prm[k - 1][path[k - 1]]
            return grown * tree.z_hat[k - 1] / tree.z_hat[t]

        mean = ZERO
        for size in range(tree.horizon + 1):
            weight = Fraction(1, n) ** size * (1 - Fraction(1, n)) ** (tree.horizon - size)
            for met in combinations(levels, size):
                ends = [k - 1 for k in met[1:]] + [tree.horizon]
                mean += weight * math.prod(
                    (rho(k, t) for k, t in zip(met, ends, strict=False)), start=ONE
                )
        out.append((p, mean))
    return out


def _one_one(tree: RationalTree, n: int) -> Fraction:
    chi2 = max(_level_chi2(tree, h) for h in range(1, tree.horizon + 1))
    return root_above(tree.horizon**2 * _coverage(tree) * (chi2 + 1) / n)


def _three_two(tree: RationalTree, n: int) -> Fraction:
    roots = [root_above(_level_chi2(tree, h)) for h in range(1, tree.horizon)]
    return root_above(_coverage(tree) / n) * (tree.horizon + _total(roots))


def _c_four(tree: RationalTree, n: int) -> Fraction:
    roots = [root_above((1 + _pair_chi2(tree, h)) / n) for h in range(1, tree.horizon + 1)]
    return _total(roots) / 2


def _s_one(tree: RationalTree, n: int) -> Fraction:
    roots = [root_above(_pair_chi2(tree, h) / n) for h in range(1, tree.horizon + 1)]
    return _total(roots) / 2


def _s_two(tree: RationalTree, n: int) -> Fraction:
    return root_above(_total([p * m for p, m in _weight_means(tree, n)]) - 1) / 2


def _j(tree: RationalTree, n: int) -> Fraction:
    return _total([p * (1 - 1 / m) for p, m in _weight_means(tree, n) if m > 1])


def _l(tree: RationalTree, n: int) -> Fraction | None:
    accuracy = _accuracy_squared(tree)
    if accuracy is None:
        return None
    growth = 1 + (_coverage(tree) * accuracy - 1) / n
    return root_above(growth**tree.horizon - 1) / 2


def _f_star(tree: RationalTree, n: int) -> Fraction | None:
    floor = ONE
    for h in range(1, tree.horizon + 1):
        least = min(v / g for v, g in zip(tree.value[h - 1], tree.prm[h - 1], strict=True) if g > 0)
        if least == 0:
            return None
        most = max(tree.value[h][c] / tree.prm[h - 1][x] for x, c in _edges(tree, h))
        floor /= 1 + (most / least - 1) / n
    return 1 - floor


def _three_eight(tree: RationalTree, n: int) -> Fraction:
    return _total([root_above(_level_chi2(tree, h) / n) for h in range(1, tree.horizon)])


IN_FRACTIONS: dict[str, tuple[str, Callable[[RationalTree, int], Fraction | None]]] = {
    "1.1": ("smc", _one_one),
    "3.2": ("smc", _three_two),
    "3.8": ("smc-rs", _three_eight),
    "C.4": ("smc", _c_four),
    "S1": ("smc", _s_one),
    "S-RS": ("smc-rs", lambda tree, n: _three_eight(tree, n) / 2),
    "S2": ("smc", _s_two),
    "J": ("smc", _j),
    "L": ("smc", _l),
    "F-star": ("smc", _f_star),
}


def value_in_fractions(name: str, tree: RationalTree, sampler: Sampler) -> Fraction | None:
    """Return an upper limit of the value of an upper bound, free of rounding.

    Parameters
    ----------
    name : str
        Id of the bound.
    tree : RationalTree
        What is sampled.
    sampler : Sampler
        By what.

    Returns
    -------
    Fraction or None
        At most 2^-190 above the value; None if the bound has no twin in fractions, or it is
        infinite, or mass is lost.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> tree = RationalTree(open_problem("reference:horizon=2"))
    >>> print(f"{float(value_in_fractions('J', tree, SMC(2))):.9f}")
    0.164707429
    >>> from theory.bounds.conditional_weight import conditional_weight
    >>> print(f"{conditional_weight(open_problem('reference:horizon=2'), SMC(2)):.9f}")
    0.164707429
    """
    if name not in IN_FRACTIONS or tree.loses_mass:
        return None
    family, function = IN_FRACTIONS[name]
    if facts_of(sampler, tree.problem).family != family:
        return None
    return function(tree, sampler.n_particles)
