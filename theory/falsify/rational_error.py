"""The law of a sampler's output in fractions, by listing its particle clouds."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from simulator.errors import TooLargeError
from simulator.exact.cloud_steps import Work
from simulator.resampling.schemes import SCHEMES
from simulator.samplers.base import Sampler
from simulator.samplers.facts import facts_of
from theory.falsify.rational_offspring import Law, rational_slots
from theory.falsify.rational_tree import RationalTree

__all__ = ["Output", "output_in_fractions"]

MOST = 1e5  # steps with fractions, some seconds
ZERO, ONE = Fraction(0), Fraction(1)

Cloud: TypeAlias = tuple[int, ...]
Moments: TypeAlias = tuple[Fraction, Fraction]  # of 1{cloud} and (W/Z)^2 1{cloud}


class Output(NamedTuple):
    """What is known of a run without rounding."""

    law: Law
    second_moment: Fraction

    def error(self, tree: RationalTree) -> Fraction:
        """D_TV(law of the output, pi*), a failure being an error."""
        gaps = (p - self.law.get(y, ZERO) for y, p in enumerate(tree.target(tree.horizon)))
        return sum((gap for gap in gaps if gap > 0), ZERO)


def output_in_fractions(tree: RationalTree, sampler: Sampler) -> Output | None:
    """Return the law of the output, and E[(W^_H/Z)^2], as fractions.

    Parameters
    ----------
    tree : RationalTree
        What is sampled.
    sampler : Sampler
        SMC that is resampled at every level by any scheme of this package, SMC by rejection
        without restart, or SIS, as its facts say.

    Returns
    -------
    Output or None
        None for any other sampler, and where listing the clouds would take too long.

    Examples
    --------
    >>> from simulator import SMC, open_problem
    >>> tree = RationalTree(open_problem("reference:horizon=2"))
    >>> output_in_fractions(tree, SMC(1)).error(tree)
    Fraction(2, 9)
    """
    facts, n = facts_of(sampler, tree.problem), sampler.n_particles
    if not facts.drawn or facts.restarted:
        return None
    try:
        if facts.family == "sis":
            return _weighted(tree.flattened(), n, "multinomial")
        if facts.family == "smc-rs":
            return _rejected(tree, n)
        if facts.family == "smc" and facts.scheme is not None:
            return _weighted(tree, n, facts.scheme)
    except TooLargeError:
        return None
    return None


def _weighted(tree: RationalTree, n: int, scheme: str) -> Output:
    """SMC: clouds of children, weighted by V^(child)/V^(parent)."""
    work = Work(MOST)
    law: Law = defaultdict(Fraction)
    second = ZERO
    clouds = _start(tree, n)
    for h in range(tree.horizon):
        last = h == tree.horizon - 1
        after: dict[Cloud, Moments] = {}
        for cloud, (p, square) in clouds.items():
            for chance, slots in _parents(tree, h, cloud, scheme):
                moved = [_children(tree, h, cloud, slot) for slot in slots]
                for children, q in _products(moved, last or not SCHEMES[scheme].ordered, work):
                    weights = _weights(tree, h + 1, children)
                    total = sum(weights, ZERO)
                    if total == 0:
                        continue
                    mass, now = p * chance * q, square * chance * q * (total / n) ** 2
                    if last:
                        second += now
                        for y, w in zip(children, weights, strict=True):
                            if w > 0:
                                law[y] += mass * w / total
                    else:
                        a, b = after.get(children, (ZERO, ZERO))
                        after[children] = (a + mass, b + now)
        clouds = after
    return Output(dict(law), second)


def _rejected(tree: RationalTree, n: int) -> Output:
    """SMC-RS: children are independent draws from the mixture of the parents' accepted ones."""
    work = Work(MOST)
    law: Law = defaultdict(Fraction)
    second = ZERO
    clouds = _start(tree, n)
    for h in range(tree.horizon):
        after: dict[Cloud, Moments] = {}
        for cloud, (p, square) in clouds.items():
            mixture: Law = defaultdict(Fraction)
            for x in cloud:
                for q, c in tree.children[h][x]:
                    if tree.prm[h + 1][c] > 0:
                        mixture[c] += q * tree.prm[h + 1][c] / tree.prm[h][x] / n
            growth = sum(mixture.values(), ZERO)
            if growth == 0:
                continue
            chances = {c: m / growth for c, m in mixture.items()}
            now = square * growth**2
            if h == tree.horizon - 1:
                second += now
                for y, m in chances.items():
                    law[y] += p * m
                continue
            for children, q in _products([chances] * n, True, work):
                a, b = after.get(children, (ZERO, ZERO))
                after[children] = (a + p * q, b + now * q)
        clouds = after
    return Output(dict(law), second)


def _start(tree: RationalTree, n: int) -> dict[Cloud, Moments]:
    return {(0,) * n: (ONE, (tree.prm[0][0] / tree.z) ** 2)}


def _parents(
    tree: RationalTree, level: int, cloud: Cloud, scheme: str
) -> list[tuple[Fraction, list[Law]]]:
    if level == 0:
        return [(ONE, [{0: ONE}] * len(cloud))]
    weights = _weights(tree, level, cloud)
    total = sum(weights, ZERO)
    return rational_slots(scheme, [w / total for w in weights])


def _weights(tree: RationalTree, level: int, cloud: Cloud) -> list[Fraction]:
    up, here, above = tree.parent[level], tree.prm[level], tree.prm[level - 1]
    return [here[c] / above[up[c]] if here[c] > 0 else ZERO for c in cloud]


def _children(tree: RationalTree, level: int, cloud: Cloud, slot: Law) -> Law:
    law: Law = defaultdict(Fraction)
    for i, w in slot.items():
        for p, c in tree.children[level][cloud[i]]:
            law[c] += w * p
    return law


def _products(laws: list[Law], unordered: bool, work: Work) -> list[tuple[Cloud, Fraction]]:
    """Law of independent draws, as sorted tuples if their order does not matter."""
    found: dict[Cloud, Fraction] = {(): ONE}
    for law in laws:
        work.add(len(found) * len(law))
        longer: dict[Cloud, Fraction] = defaultdict(Fraction)
        for cloud, p in found.items():
            for c, q in law.items():
                more = (*cloud, c)
                longer[tuple(sorted(more)) if unordered else more] += p * q
        found = longer
    return list(found.items())
