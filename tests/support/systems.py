"""All clouds of multinomial SMC and of SMC-RS level by level, in fractions, for steps of proofs.

A cloud is its law nu^_h as a sorted tuple of (prefix, share), empty after a failure. `tree` is a
`tests.support.prefixes.Tree`.
"""

import itertools
import math
from collections import Counter, defaultdict
from fractions import Fraction

ROOT = (((), Fraction(1)),)


def ratio(tree, x):
    """g = V*/V^ of a prefix that a particle can be at."""
    return tree.v[x] / tree.hat[x]


def mean(nu, f):
    """nu^(f)."""
    return sum(share * f(x) for x, share in nu)


def growth(tree, nu):
    """nu^(Q1), the mean of E_ref[V^(child) | x]/V^(x): the factor W_h of SMC-RS."""
    return sum(s * q * tree.hat[c] / tree.hat[x] for x, s in nu for q, c in tree.kernel[x])


def pairs(tree, nu, rejection=False):
    """Law of one (parent, child) given the cloud: a list of (probability, parent, child)."""
    law = [(s * q, x, c) for x, s in nu for q, c in tree.kernel[x]]
    if not rejection:
        return law
    total = growth(tree, nu)
    return [(p * tree.hat[c] / tree.hat[x] / total, x, c) for p, x, c in law if tree.hat[c] > 0]


def draws(law, n):
    """Multisets of n independent draws: (probability, list of (parent, child))."""
    for chosen in itertools.combinations_with_replacement(range(len(law)), n):
        p = Fraction(math.factorial(n))
        for i, k in Counter(chosen).items():
            p *= law[i][0] ** k / math.factorial(k)
        yield p, [law[i][1:] for i in chosen]


def weigh(drawn, weight):
    """Self-normalise: (sum of weights, cloud)."""
    sums = defaultdict(Fraction)
    for x, c in drawn:
        sums[c] += weight(x, c)
    total = sum(sums.values())
    return total, tuple(sorted((c, w / total) for c, w in sums.items() if w > 0))


def step(tree, nu, w, n, rejection=False):
    """One level from a cloud: (probability, cloud, W^)."""
    if not nu or (rejection and growth(tree, nu) == 0):
        yield Fraction(1), (), Fraction(0)
        return
    if rejection:
        after = w * growth(tree, nu)
        for p, drawn in draws(pairs(tree, nu, True), n):
            yield p, weigh(drawn, lambda x, c: Fraction(1))[1], after
        return
    for p, drawn in draws(pairs(tree, nu), n):
        total, cloud = weigh(drawn, lambda x, c: tree.hat[c] / tree.hat[x])
        yield p, cloud, w * total / n


def levels(tree, n, rejection=False):
    """Laws of (cloud, W^_h), h = 0..H, as dicts; the cloud of level H of SMC-RS is mu_H."""
    law = {(ROOT, tree.hat[()]): Fraction(1)}
    yield law
    for h in range(1, tree.horizon + 1):
        after = defaultdict(Fraction)
        for (nu, w), p in law.items():
            if rejection and h == tree.horizon and nu and growth(tree, nu) > 0:
                mu = weigh([(q, c) for q, _, c in pairs(tree, nu, True)], lambda q, c: q)[1]
                after[mu, w * growth(tree, nu)] += p
                continue
            for q, cloud, now in step(tree, nu, w, n, rejection):
                after[cloud, now] += p * q
        law = dict(after)
        yield law


def conditional(tree, n, y, rejection=False):
    """Conditional SMC: laws of (cloud as a tuple of prefixes, slot 0 on y; weights; W^_h).

    For SMC-RS the last level is left out, and W^_h is that after its factor of level h.
    """
    law = {(((),) * n, (Fraction(1),) * n, tree.hat[()]): Fraction(1)}
    yield law
    for h in range(1, tree.horizon + (not rejection)):
        after = defaultdict(Fraction)
        for (cloud, weights, w), p in law.items():
            total = sum(weights)
            shares = defaultdict(Fraction)
            for x, u in zip(cloud, weights, strict=True):
                if u > 0:
                    shares[x] += u / total
            nu = tuple(sorted(shares.items()))
            for q, drawn in draws(pairs(tree, nu, rejection), n - 1):
                new = (y[:h], *(c for _, c in drawn))
                parents = (y[: h - 1], *(x for x, _ in drawn))
                if rejection:
                    now, after_w = (Fraction(1),) * n, w * growth(tree, nu)
                else:
                    now = tuple(
                        tree.hat[c] / tree.hat[x] for x, c in zip(parents, new, strict=True)
                    )
                    after_w = w * sum(now) / n
                after[new, now, after_w] += p * q
        law = dict(after)
        yield law


def final_weights(tree, n, y, rejection=False):
    """Law of W^_H under conditional SMC along y."""
    *_, last = conditional(tree, n, y, rejection)
    out = defaultdict(Fraction)
    for (cloud, _, w), p in last.items():
        if rejection:
            w *= growth(tree, tuple((x, Fraction(1, n)) for x in cloud))
        out[w] += p
    return out
