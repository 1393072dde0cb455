"""Every cloud of particles of SMC, multinomial at every level: slow, plain, by the definitions.

`simulate_all` gives the law of the output, W^_H and bound T without merging any two histories.
"""

import math
from dataclasses import dataclass

from tests.support.prefixes import Tree, real


@dataclass
class Everything:
    """What enumerating all clouds gives; `error` is over paths."""

    error: float
    short: float  # E[(1 - W^_H/Z)_+]
    steps: float  # bound T
    second: float  # E[(W^_H/Z)^2]


def simulate_all(problem, n):
    """Follow all clouds of n particles, without merging any two histories."""
    tree = Tree(problem, real)
    law, sums = dict.fromkeys(tree.paths, 0.0), {"short": 0.0, "steps": 0.0, "second": 0.0}

    def go(cloud, chance, w):
        pairs = [
            (c, share * tree.step[c], x) for x, share in cloud.items() for c in tree.children(x)
        ]
        u = [tree.v[c] / tree.hat[x] if tree.hat[c] > 0 else 0.0 for c, _, x in pairs]
        goal = [q * tree.v[c] / tree.hat[x] for c, q, x in pairs]
        goal = [g / sum(goal) for g in goal] if sum(goal) > 0 else goal
        mean = [0.0] * len(pairs)
        for counts in compositions(n, len(pairs)):
            p = float(math.factorial(n))
            for k, (_, q, _) in zip(counts, pairs, strict=True):
                p *= q**k / math.factorial(k)
            scale = sum(k * v for k, v in zip(counts, u, strict=True))
            for i, k in enumerate(counts):
                mean[i] += p * k * u[i] / scale if scale > 0 else 0.0
            weight = {
                c: k * tree.hat[c] / tree.hat[x] for k, (c, _, x) in zip(counts, pairs, strict=True)
            }
            total = sum(weight.values())
            after = w * total / n
            if total == 0 or len(pairs[0][0]) == tree.horizon:
                sums["short"] += chance * p * max(0.0, 1 - after / tree.z)
                sums["second"] += chance * p * (after / tree.z) ** 2
                for c in weight if total > 0 else ():
                    law[c] += chance * p * weight[c] / total
            else:
                go({c: x / total for c, x in weight.items() if x > 0}, chance * p, after)
        gaps = [max(0.0, g - m) for g, m in zip(goal, mean, strict=True)]
        sums["steps"] += chance * sum(gaps)

    go({(): 1.0}, 1.0, tree.hat[()])
    error = sum(max(0.0, tree.target(x) - law[x]) for x in tree.paths)
    return Everything(error, **sums)


def compositions(n, k):
    """All k-tuples of counts >= 0 that sum to n."""
    if k == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in compositions(n - first, k - 1):
            yield (first, *rest)
