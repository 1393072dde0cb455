"""The baseline samplers once more, from their definitions in words; see `brute`.

Each function takes the name of a mutant, a sampler with one error, from the list before it.
"""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

from tests.support.brute import Outcome, offspring
from tests.support.prefixes import ONE

SIS_MUTANTS = ("uniform draw", "weight squared", "sum for mean", "V^ of the last step only")
BEST_MUTANTS = ("worst", "first of the ties", "one draw fewer", "drawn by reward")
BEAM_MUTANTS = ("V^ alone", "pi_ref alone", "last of the ties", "one prefix fewer", "worst output")
LOOKAHEAD_MUTANTS = ("G not carried", "one level short", "one rollout fewer", "blind end")


def _draws(tree, n):
    for paths in itertools.product(tree.paths, repeat=n):
        yield paths, math.prod(float(tree.p[y]) for y in paths)


def sis(tree, n, mutant=None):
    """N paths, one drawn in proportion to its reward."""
    out = Outcome()
    for paths, p in _draws(tree, n):
        weights = [tree.v[y] for y in paths]
        if mutant == "weight squared":
            weights = [w * w for w in weights]
        if mutant == "V^ of the last step only":
            weights = [tree.v[y] / tree.hat[y[:-1]] for y in paths]
        total = sum(weights)
        if total == 0:
            out.fail(p)
            continue
        shares = [ONE / n if mutant == "uniform draw" else w / total for w in weights]
        mean = total if mutant == "sum for mean" else total / n
        out.add(p, mean, tree.z, zip(paths, shares, strict=True))
    return out


def best_of_n(tree, n, mutant=None):
    """N paths, uniform among those of highest reward; failure if all rewards are zero."""
    out = Outcome()
    for paths, p in _draws(tree, n - (mutant == "one draw fewer")):
        rewards = [tree.v[y] for y in paths]
        top = min(r for r in rewards) if mutant == "worst" else max(rewards)
        best = [y for y, r in zip(paths, rewards, strict=True) if r == top]
        if top == 0 and mutant != "worst":
            out.fail(p)
        elif mutant == "first of the ties":
            out.law[min(best)] += p
        elif mutant == "drawn by reward":
            for y, r in zip(paths, rewards, strict=True):
                out.law[y] += p * float(r / sum(rewards))
        else:
            for y in best:
                out.law[y] += p / len(best)
    return out


def beam(tree, n, mutant=None):
    """Return (path or None, number of prefixes that were extended)."""
    kept, extended = [()], 0

    def score(x):
        if mutant == "V^ alone":
            return tree.hat[x]
        return tree.p[x] * (1 if mutant == "pi_ref alone" and tree.hat[x] > 0 else tree.hat[x])

    def order(x):
        return -score(x), tuple(-a for a in x) if mutant == "last of the ties" else x

    for _ in range(tree.horizon):
        extended += len(kept)
        children = [c for x in kept for _, c in tree.kernel[x] if score(c) > 0]
        kept = sorted(children, key=order)[: max(1, n - (mutant == "one prefix fewer"))]
        if not kept:
            return None, extended
    return kept[-1 if mutant == "worst output" else 0], extended


def unpruned(tree):
    """V^ of all prefixes, not set to zero below its zeros."""
    return {x: tree.given(x) for x in tree.nodes()}


def lookahead(tree, hat, n, depth, rollouts, scheme="multinomial", threshold=1, mutant=None):
    """Enumerate all ordered systems of particles (prefix, G) of lookahead SMC.

    `hat`: V^ of the prefixes. `rollouts` = 0: G is the exact mean.
    """
    out, ones, threshold = Outcome(), (ONE,) * n, Fraction(str(threshold))
    if mutant == "one rollout fewer":
        rollouts -= 1
    if mutant == "one level short":
        depth -= 1

    def ends(x):
        last = min(len(x) + depth, tree.horizon)
        if mutant == "blind end" and last == tree.horizon and len(x) < last:
            last -= 1
        return [(tree.p[d] / tree.p[x], hat[d]) for d in tree.levels[last] if d[: len(x)] == x]

    def values(x):
        """Law of G(x)."""
        law, found = defaultdict(Fraction), ends(x)
        if rollouts == 0:
            return {sum(q * v for q, v in found): ONE}
        ways = rollouts if min(depth, tree.horizon - len(x)) > 0 else 1
        for chosen in itertools.product(found, repeat=ways):
            law[sum(v for _, v in chosen) / ways] += math.prod(q for q, _ in chosen)
        return law

    values_of = {x: values(x) for level in tree.levels[1:] for x in level}

    def moves(particle):
        x, g = particle
        for q, c in tree.kernel[x]:
            for new, chance in values_of[c].items():
                before = hat[x] if mutant == "G not carried" else g
                yield float(q * chance), (c, new), new / before if before > 0 else Fraction(0)

    systems = {((((), hat[()]),) * n, ones, hat[()]): 1.0}
    for h in range(1, tree.horizon + 1):
        after = defaultdict(float)
        for (cloud, weights, w), p in systems.items():
            for move in itertools.product(*(list(moves(x)) for x in cloud)):
                chance = p * math.prod(q for q, _, _ in move)
                new = tuple(x for _, x, _ in move)
                now = tuple(u * step for u, (_, _, step) in zip(weights, move, strict=True))
                after[new, now, w] += chance
        systems = defaultdict(float)
        for (cloud, now, w), p in after.items():
            total = sum(now)
            if total == 0:
                out.fail(p)
            elif h == tree.horizon:
                shares = [(x, u / total) for (x, _), u in zip(cloud, now, strict=True)]
                out.add(p, w * total / n, tree.z, shares)
            elif threshold >= 1 or total**2 / sum(u * u for u in now) < threshold * n:
                for ancestors, q in offspring(scheme, now).items():
                    systems[tuple(cloud[i] for i in ancestors), ones, w * total / n] += p * float(q)
            else:
                systems[cloud, now, w] += p
    return out
