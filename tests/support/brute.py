"""Brute force that shares no code with the package: all particle systems on a `prefixes.Tree`.

`smc`, `conditional_mean` and `rejection` enumerate ordered particle systems with itertools, as
the algorithms are written down in arXiv 2603.07887 (algorithms 1 and 2) and in
paper/sections/setting.tex. Whatever decides something (weights, effective sample sizes,
breakpoints, ties) is a Fraction; only probabilities are floats.
"""

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from tests.support.prefixes import ONE

SCHEMES = ("multinomial", "systematic", "stratified", "residual", "ssp", "killing", "single")


@lru_cache(maxsize=100_000)
def offspring(scheme, weights):
    """Law of the ordered ancestors as a dict; Fractions throughout."""
    n, total = len(weights), sum(weights)
    share = [Fraction(x) / total for x in weights]
    upper = [n * s for s in itertools.accumulate(share)]
    lower = [0, *upper[:-1]]
    law = defaultdict(Fraction)
    if scheme == "multinomial":
        for ancestors in itertools.product(range(n), repeat=n):
            law[ancestors] += math.prod(share[i] for i in ancestors)
    elif scheme == "systematic":
        for low, high in itertools.pairwise(sorted({0, 1, *(u - math.floor(u) for u in upper)})):
            u = Fraction(low + high) / 2
            ancestors = tuple(next(i for i in range(n) if u + k < upper[i]) for k in range(n))
            law[ancestors] += high - low
    elif scheme == "stratified":
        for ancestors in itertools.product(range(n), repeat=n):
            law[ancestors] += math.prod(
                max(Fraction(0), min(upper[i], k + 1) - max(lower[i], k))
                for k, i in enumerate(ancestors)
            )
    elif scheme == "single":
        law.update({(i,) * n: share[i] for i in range(n)})
    elif scheme == "killing":
        for kept in itertools.product((True, False), repeat=n):
            chance = math.prod(
                s / max(share) if k else 1 - s / max(share)
                for s, k in zip(share, kept, strict=True)
            )
            survivors = [i for i in range(n) if kept[i]]
            for drawn in itertools.product(range(n), repeat=n - len(survivors)):
                q = chance * math.prod(share[i] for i in drawn)
                law[tuple(sorted((*survivors, *drawn)))] += q
    elif scheme == "ssp":
        for counts, q in settle([n * s for s in share]):
            law[tuple(i for i, k in enumerate(counts) for _ in range(k))] += q
    else:
        whole = [math.floor(n * s) for s in share]
        rest = [n * s - k for s, k in zip(share, whole, strict=True)]
        copies = [i for i, k in enumerate(whole) for _ in range(k)]
        for drawn in itertools.product(range(n), repeat=n - len(copies)):
            chance = math.prod(rest[i] / sum(rest) for i in drawn)
            law[tuple(sorted((*copies, *drawn)))] += chance
    return {ancestors: q for ancestors, q in law.items() if q > 0}


def settle(shares):
    """Srinivasan's process: the first two shares that are not whole trade until one is."""
    open_ = [i for i, s in enumerate(shares) if s.denominator > 1]
    if not open_:
        yield tuple(map(int, shares)), ONE
        return
    i, j = open_[:2]  # the sum is whole, so one never stays alone
    up, down = shares[i] % 1, shares[j] % 1
    rise, fall = min(1 - up, down), min(up, 1 - down)  # i up by rise, or down by fall
    for step, chance in ((rise, fall / (rise + fall)), (-fall, rise / (rise + fall))):
        moved = list(shares)
        moved[i] += step
        moved[j] -= step
        for counts, q in settle(moved):
            yield counts, chance * q


@dataclass
class Outcome:
    """Law of the output y, and E[W], E[W^2], split by y (`first`, `second`)."""

    law: dict = field(default_factory=lambda: defaultdict(float))
    first: dict = field(default_factory=lambda: defaultdict(float))
    second: dict = field(default_factory=lambda: defaultdict(float))
    failure: float = 0.0
    shortfall: float = 0.0  # E[(1 - W/Z)_+]

    def fail(self, p):
        self.failure += p
        self.shortfall += p

    def add(self, p, w, z, shares):
        self.shortfall += p * float(max(0, 1 - w / z))
        for y, share in shares:
            self.law[y] += p * float(share)
            self.first[y] += p * float(share * w)
            self.second[y] += p * float(share * w * w)

    @property
    def mean(self):
        return sum(self.first.values())

    @property
    def mean_square(self):
        return sum(self.second.values())

    def tv(self, tree):
        return sum(max(0.0, float(tree.target(y)) - self.law[y]) for y in tree.paths)


MUTANTS = {
    "absolute": "the weight is V^(child), not the ratio",
    "late": "the weight of a level is that of the level before",
    "early": "resampling comes before the weighting of its level",
    "no reset": "weights are kept after a resampling step",
    "mean after": "W takes the mean weight of the resampled particles",
    "inverted": "resample when the effective sample size is large",
    "uniform draw": "the last draw ignores the weights",
    "no root": "W lacks the factor V^(root)",
}


def smc(tree, n, scheme="multinomial", threshold=1, select="sample", mutant=None, low=None):
    """Enumerate all ordered particle systems of SMC, or of one of its `MUTANTS`.

    `low`: whether a tuple of weights is resampled, in place of the effective sample size.
    """
    assert mutant is None or mutant in MUTANTS
    hat, out, ones = tree.hat, Outcome(), (ONE,) * n
    threshold = Fraction(str(threshold))

    def step(c):
        x = c[:-1]
        if mutant == "late":
            return ONE if not x else step_ratio(x[:-1], x)
        return hat[c] if mutant == "absolute" else step_ratio(x, c)

    def step_ratio(x, c):
        return hat[c] / hat[x] if hat[x] > 0 else Fraction(0)

    def resamples(weights):
        if low is not None:
            return low(weights)
        ess = sum(weights) ** 2 / sum(u * u for u in weights)
        return threshold >= 1 or (ess < threshold * n) != (mutant == "inverted")

    def resampled(cloud, weights, w):
        for ancestors, q in offspring(scheme, weights).items():
            drawn = tuple(weights[i] for i in ancestors)
            mean = sum(drawn if mutant == "mean after" else weights) / n
            kept = drawn if mutant == "no reset" else ones
            yield tuple(cloud[i] for i in ancestors), kept, w * mean, float(q)

    systems = {(((),) * n, ones, ONE if mutant == "no root" else hat[()]): 1.0}
    for h in range(1, tree.horizon + 1):
        moved, systems = _moved(tree, systems), defaultdict(float)
        for (cloud, weights, w), p in moved.items():
            if mutant == "early":
                before = list(resampled(cloud, weights, w))
            else:
                before = [(cloud, weights, w, 1.0)]
            for cloud, weights, w, q in before:
                now = tuple(u * step(c) for u, c in zip(weights, cloud, strict=True))
                if sum(now) == 0:
                    out.fail(p * q)
                elif h == tree.horizon:
                    shares = list(
                        zip(cloud, _shares(tree, cloud, now, select, mutant), strict=True)
                    )
                    out.add(p * q, w * sum(now) / n, tree.z, shares)
                elif mutant != "early" and resamples(now):
                    for *after, r in resampled(cloud, now, w):
                        systems[tuple(after)] += p * q * r
                else:
                    systems[cloud, now, w] += p * q
    return out


def _moved(tree, systems):
    out = defaultdict(float)
    for (cloud, weights, w), p in systems.items():
        for moves in itertools.product(*(tree.kernel[x] for x in cloud)):
            chance = p * math.prod(float(q) for q, _ in moves)
            out[tuple(c for _, c in moves), weights, w] += chance
    return out


def _shares(tree, cloud, weights, select, mutant):
    """P(output = slot i | final cloud)."""
    if mutant == "uniform draw":
        return [Fraction(1, len(cloud))] * len(cloud)
    if select == "sample":
        return [u / sum(weights) for u in weights]
    top = max(tree.hat[c] for c, u in zip(cloud, weights, strict=True) if u > 0)
    best = [u > 0 and tree.hat[c] == top for c, u in zip(cloud, weights, strict=True)]
    return [Fraction(b, sum(best)) for b in best]


def conditional_mean(tree, n, y):
    """E[W^_H]/Z_e when slot 0 is forced along y (conditional SMC, multinomial)."""
    hat = tree.hat
    systems = {(((),) * n, hat[()]): 1.0}
    total = 0.0
    for h in range(1, tree.horizon + 1):
        after = defaultdict(float)
        for (cloud, w), p in systems.items():
            for moves in itertools.product(*(tree.kernel[x] for x in cloud[1:])):
                q = p * math.prod(float(q) for q, _ in moves)
                new = (y[:h], *(c for _, c in moves))
                weights = [hat[c] / hat[c[:-1]] for c in new]
                w_new = w * sum(weights) / n
                if h == tree.horizon:
                    total += q * float(w_new / tree.z_alive)
                    continue
                share = [float(u / sum(weights)) for u in weights]
                for drawn in itertools.product(range(n), repeat=n - 1):
                    chance = q * math.prod(share[i] for i in drawn)
                    if chance > 0:
                        after[(new[0], *(new[i] for i in drawn)), w_new] += chance
        systems = after
    return total


def rejection(tree, n):
    """Enumerate SMC-RS (paper, Algorithm 2): given a cloud, children are iid from mu_h."""
    hat, out = tree.hat, Outcome()
    systems = {(((),) * n, hat[()]): 1.0}
    for h in range(1, tree.horizon + 1):
        after = defaultdict(float)
        for (cloud, w), p in systems.items():
            mixture = defaultdict(Fraction)
            for x in cloud:
                for q, c in tree.kernel[x]:
                    if hat[c] > 0:
                        mixture[c] += q * hat[c] / hat[x] / n
            total = sum(mixture.values())
            if total == 0:
                out.fail(p)
            elif h == tree.horizon:  # a uniform one of n iid draws is one draw
                out.add(p, w * total, tree.z, [(c, m / total) for c, m in mixture.items()])
            else:
                chance = {c: float(m / total) for c, m in mixture.items()}
                for children in itertools.product(mixture, repeat=n):
                    q = math.prod(chance[c] for c in children)
                    after[children, w * total] += p * q
        systems = after
    return out
