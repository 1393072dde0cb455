"""A problem as its tree of prefixes, one Python object each: slow, plain, nothing shared.

`simulate_all` follows every cloud of particles of SMC (multinomial at every level), so that the
law of the output, W^_H and bound T come out of their definitions.
"""

import itertools
import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(eq=False)
class Node:
    """A prefix that pi_ref reaches; `prm` is V^ with the zeros passed on to descendants."""

    level: int
    state: int
    factor: float
    reach: float  # pi_ref of the prefix
    step: float  # pi_ref(token | parent)
    prm: float
    parent: "Node | None"
    children: list["Node"] = field(default_factory=list)
    value: float = 0.0


class PrefixTree:
    """Prefixes level by level, and the quantities of paper/sections/setting.tex."""

    def __init__(self, problem):
        model, prm = problem.model, problem.prm
        self.horizon = problem.horizon
        root = Node(0, 0, 1.0, 1.0, 1.0, float(prm[0][0]), None)
        self.levels = [[root]]
        for h in range(self.horizon):
            edges = None if problem.edge_reward is None else problem.edge_reward[h]
            for x in self.levels[h]:
                for a in range(model.n_actions):
                    p, to = float(model.probs[h][x.state, a]), int(model.next_state[h][x.state, a])
                    if p == 0:
                        continue
                    gain = 1.0 if edges is None else float(np.asarray(edges)[x.state, a])
                    factor = x.factor * gain
                    v = factor * float(prm[h + 1][to]) if x.prm > 0 else 0.0
                    x.children.append(Node(h + 1, to, factor, x.reach * p, p, v, x))
            self.levels.append([c for x in self.levels[h] for c in x.children])
        for x in self.levels[-1]:
            x.value = x.factor * float(problem.reward[x.state])
        for level in reversed(self.levels[:-1]):
            for x in level:
                x.value = sum(c.step * c.value for c in x.children)
        self.root, self.leaves, self.z = root, self.levels[-1], root.value
        self.z_hat = [sum(x.reach * x.prm for x in level) for level in self.levels]
        self.lossy = any(x.value > 0 and x.prm == 0 for x in self.nodes())

    def nodes(self):
        return itertools.chain.from_iterable(self.levels)

    def edges(self, level):
        """(parent, child) into a level."""
        return [(x, c) for x in self.levels[level - 1] for c in x.children]

    def target(self, x):
        """pi*_h of a prefix."""
        return x.reach * x.value / self.z

    def density(self, x):
        """pi*_h/pi^_h of a prefix on which pi* is positive."""
        if x.prm == 0:
            return math.inf
        return (x.value / self.z) * (self.z_hat[x.level] / x.prm)

    def ahead(self, x, level):
        """E_ref[V^(x_level) | x]."""
        if x.level == level:
            return x.prm
        return sum(c.step * self.ahead(c, level) for c in x.children)


def lineage(x):
    """The prefixes x_0, ..., x_h of x_h."""
    return [x] if x.parent is None else [*lineage(x.parent), x]


@dataclass
class Everything:
    """What enumerating all clouds gives; `error` is over paths."""

    error: float
    short: float  # E[(1 - W^_H/Z)_+]
    steps: float  # bound T
    second: float  # E[(W^_H/Z)^2]


def simulate_all(problem, n):
    """Follow all clouds of n particles, without merging any two histories."""
    tree = PrefixTree(problem)
    law, sums = dict.fromkeys(tree.leaves, 0.0), {"short": 0.0, "steps": 0.0, "second": 0.0}

    def go(cloud, chance, w):
        pairs = [(c, share * c.step, x) for x, share in cloud.items() for c in x.children]
        u = [c.value / x.prm if c.prm > 0 else 0.0 for c, _, x in pairs]
        goal = [q * c.value / x.prm for c, q, x in pairs]
        goal = [g / sum(goal) for g in goal] if sum(goal) > 0 else goal
        mean = [0.0] * len(pairs)
        for counts in compositions(n, len(pairs)):
            p = float(math.factorial(n))
            for k, (_, q, _) in zip(counts, pairs, strict=True):
                p *= q**k / math.factorial(k)
            scale = sum(k * v for k, v in zip(counts, u, strict=True))
            for i, k in enumerate(counts):
                mean[i] += p * k * u[i] / scale if scale > 0 else 0.0
            weight = {c: k * c.prm / x.prm for k, (c, _, x) in zip(counts, pairs, strict=True)}
            total = sum(weight.values())
            after = w * total / n
            if total == 0 or pairs[0][0].level == tree.horizon:
                sums["short"] += chance * p * max(0.0, 1 - after / tree.z)
                sums["second"] += chance * p * (after / tree.z) ** 2
                for c in weight if total > 0 else ():
                    law[c] += chance * p * weight[c] / total
            else:
                go({c: x / total for c, x in weight.items() if x > 0}, chance * p, after)
        gaps = [max(0.0, g - m) for g, m in zip(goal, mean, strict=True)]
        sums["steps"] += chance * sum(gaps)

    go({tree.root: 1.0}, 1.0, tree.root.prm)
    error = sum(max(0.0, tree.target(x) - law[x]) for x in tree.leaves)
    return Everything(error, **sums)


def compositions(n, k):
    """All k-tuples of counts >= 0 that sum to n."""
    if k == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in compositions(n - first, k - 1):
            yield (first, *rest)
