"""Brute force for quasi-SMC on a `prefixes.Tree`, in fractions and from the rules' definitions."""

import math
from collections import defaultdict
from fractions import Fraction
from itertools import accumulate, pairwise, product

from tests.support.brute import Outcome, settle

MUTANTS = {
    "cells out of order": "cells are not in the order that was asked for",
    "one uniform a cell": "each cell is rounded on its own",
    "weights not merged": "a cell that is hit twice weighs as one that is hit once",
    "absolute": "the weight is V^(child), not the ratio",
    "mass forgotten": "a picked cell weighs its ratio alone",
    "large cells not kept": "under thresholds, all picked cells weigh c",
}


def threshold(q, n):
    """The c with sum min(1, q/c) = n, by trying how many cells are kept; None: all are."""
    large = sorted((x for x in q if x > 0), reverse=True)
    if len(large) <= n:
        return None
    for kept in range(n):
        c = sum(large[kept:]) / (n - kept)
        if large[kept] < c:
            return c
    raise AssertionError


def picks(rule, q, n, mutant=None):
    """Law of the masses as a dict."""
    law = defaultdict(Fraction)
    ends = [n * x for x in accumulate(q)]
    begins = [Fraction(0), *ends[:-1]]
    hit = Fraction(1, n)
    if mutant == "one uniform a cell":
        for up in product((0, 1), repeat=len(q)):
            chance = math.prod(
                (n * x) % 1 if u else 1 - (n * x) % 1 for x, u in zip(q, up, strict=True)
            )
            law[tuple(hit * (math.floor(n * x) + u) for x, u in zip(q, up, strict=True))] += chance
    elif rule == "systematic":
        for a, b in pairwise(sorted({Fraction(0), Fraction(1), *(x % 1 for x in ends)})):
            u = (a + b) / 2
            hits = [
                sum(low <= u + k < high for k in range(n))
                for low, high in zip(begins, ends, strict=True)
            ]
            law[tuple(hit * k for k in hits)] += b - a
    elif rule == "stratified":
        for cells in product(range(len(q)), repeat=n):
            chance = math.prod(
                max(Fraction(0), min(ends[i], k + 1) - max(begins[i], k))
                for k, i in enumerate(cells)
            )
            law[tuple(hit * cells.count(i) for i in range(len(q)))] += chance
    elif rule == "pivotal":
        for counts, chance in settle([n * x for x in q]):
            law[tuple(hit * k for k in counts)] += chance
    elif rule == "threshold":
        c = threshold(q, n)
        if c is None:
            return {tuple(q): Fraction(1)}
        for counts, chance in settle([x / c if x < c else Fraction(0) for x in q]):
            kept = [x if x >= c else Fraction(0) for x in q]
            if mutant == "large cells not kept":
                kept = [c if x else x for x in kept]
            law[tuple(k + c * j for k, j in zip(kept, counts, strict=True))] += chance
    else:
        mean = sum(min(Fraction(1), n * x) for x in q)
        least, more = math.floor(mean), mean % 1
        for m, chance in ((least, 1 - more), (least + 1, more)):
            if chance:
                for masses, p in picks("threshold", q, m).items():
                    law[masses] += chance * p
    if mutant == "weights not merged":
        law = {tuple(min(m, hit) for m in masses): p for masses, p in law.items()}
    return {masses: p for masses, p in law.items() if p > 0}


def quasi(tree, n, rule, order, mutant=None):
    """Enumerate all clouds; ties of an order are broken by the places of the prefixes."""
    out = Outcome()

    def key(c):
        if not c:
            return ()
        own = (c[-1],) if order == "token" else (tree.state[c[:-1]], c[-1])
        return (c,) if order == "lexicographic" else (*own, key(c[:-1]))

    def go(cloud, p, w):
        cells = [(share * q, c) for x, share in cloud.items() for q, c in tree.kernel[x]]
        cells.sort(key=lambda cell: key(cell[1]))
        if mutant == "cells out of order":
            cells.sort(key=lambda cell: cell[1][-1])
        for masses, chance in picks(rule, [q for q, _ in cells], n, mutant).items():
            new = {}
            for m, (_, c) in zip(masses, cells, strict=True):
                if m:
                    ratio = tree.hat[c] if mutant == "absolute" else tree.hat[c] / tree.hat[c[:-1]]
                    new[c] = ratio * (1 if mutant == "mass forgotten" else m)
            total = sum(new.values())
            if not total:
                out.fail(p * chance)
                continue
            shares = {c: x / total for c, x in new.items() if x}
            if len(next(iter(shares))) == tree.horizon:
                out.add(float(p * chance), w * total, tree.z, shares.items())
            else:
                go(shares, p * chance, w * total)

    go({(): Fraction(1)}, Fraction(1), tree.hat[()])
    return out
