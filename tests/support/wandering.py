"""SMC-IND and VGB by brute force on `prefixes.Tree`, from their definitions, and wrong versions."""

from collections import Counter

import numpy as np
from scipy.signal import fftconvolve

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem

INDEPENDENT_MUTANTS = {
    "p without S": "p = V^/(V^ + 1)",
    "swapped": "P(D=k) = (1-p) p^k",
    "from one": "P(D=k) = (1-p)^(k-1) p, k >= 1",
    "labels by pi_ref": "tokens are drawn from pi_ref",
}
WALK_MUTANTS = {
    "p without S": "to the parent with probability V^/(V^ + 1)",
    "leaf to root": "a leaf goes to the root",
    "labels by pi_ref": "tokens are drawn from pi_ref",
    "lazy root": "s goes back to itself with probability 1/2",
}


def chances(tree, x, mutant=None):
    """(P(parent), [(P(child | not parent), child)]) of one move at x."""
    v = tree.hat[x]
    flow = [(q * tree.hat[c], q, c) for q, c in tree.kernel[x] if tree.hat[c] > 0]
    total = sum(f for f, _, _ in flow)
    p = v / (v + 1) if mutant == "p without S" and flow else v / (v + total)
    if mutant == "labels by pi_ref":
        norm = sum(q for _, q, _ in flow)
        return p, [(q / norm, c) for _, q, c in flow]
    return p, [(f / total, c) for f, _, c in flow]


def leaf_pairs(tree, y, n, size, mutant=None):
    """P(K_y = i, K - K_y = j) for i, j < size, K leaves from n particles at the root.

    Everything beyond, and families with more than 1023 children, is left out: what the array
    lacks to 1 bounds the error of any probability.
    """

    def cut(a, b):
        return fftconvolve(a, b)[:size, :size].clip(0)

    one = np.zeros((size, size))
    one[0, 0] = 1.0

    def law(x):
        out = np.zeros((size, size))
        if len(x) == tree.horizon:
            out[(1, 0) if x == y else (0, 1)] = 1.0
            return out
        p, children = chances(tree, x, mutant)
        if not children:
            return one
        p = float(1 - p if mutant == "swapped" else p)
        child = sum(float(q) * law(c) for q, c in children)
        out, power = p * one, (1 - p) * child
        for _ in range(10):  # sum over D = k of p (1-p)^k child^k, k < 2, 4, ..., 1024
            out, power = out + cut(out, power), cut(power, power)
        return cut(child, out) if mutant == "from one" else out

    single, total = law(()), one
    for _ in range(n):
        total = cut(total, single)
    return total


def output_law(tree, n, size=128, mutant=None):
    """({y: P(Y = y)}, P(K = 0), largest error by truncation)."""
    i = np.arange(size)
    share = i[:, None] / np.maximum(i[:, None] + i[None, :], 1)
    law, lacks = {}, 0.0
    for y in tree.paths:
        pairs = leaf_pairs(tree, y, n, size, mutant)
        law[y] = float((pairs * share).sum())
        lacks = max(lacks, 1 - float(pairs.sum()))
    return law, float(pairs[0, 0]), lacks


def lossy():
    """V^ = 0 at one of four prefixes although V* > 0 there; one leaf without reward."""
    tree = TabularModel.tree([[[0.25, 0.75]], [[0.5, 0.5]] * 2, [[0.5, 0.5]] * 4])
    reward = [1.0, 0, 2, 1, 3, 1, 0.5, 1]
    return Problem(tree, reward, [[0.5], [1.0, 0.5], [1.0, 0, 0.5, 1.0], reward])


def gap(exact, law):
    """Largest difference between an exact law on paths and a mapping of paths."""
    return max(
        abs(law[tuple(y)] - p) for y, p in zip(exact.tokens.tolist(), exact.law, strict=True)
    )


def walk(tree, steps, mutant=None, first_leaf=False, most=None):
    """Counter of the place ("s" or a prefix) after so many steps from the root, in floats.

    With `first_leaf`, what is at a leaf then or later stays there, up to step `most`.
    """
    place = Counter({(): 1.0})
    for t in range(steps if most is None else most):
        after = Counter()
        for x, w in place.items():
            if first_leaf and t >= steps and len(x) == tree.horizon and x != "s":
                after[x] += w
            elif x == "s":
                stay = 0.5 if mutant == "lazy root" else 0.0
                after["s"] += stay * w
                after[()] += (1 - stay) * w
            elif len(x) == tree.horizon:
                after[() if mutant == "leaf to root" else x[:-1]] += w
            else:
                p, children = chances(tree, x, mutant)
                after[x[:-1] if x else "s"] += w * float(p)
                for q, c in children:
                    after[c] += w * float((1 - p) * q)
        place = after
    return place
