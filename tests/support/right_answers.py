"""Small trees with right and wrong answers, and what their clouds answer, in fractions."""

from fractions import Fraction

import numpy as np

from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from tests.support.prefixes import Tree
from tests.support.systems import draws, levels, pairs


def random_problem(seed, horizon):
    """Quarters as probabilities and rewards, V^ off by simple factors; some rewards are zero."""
    rng = np.random.default_rng(seed)
    probs = [rng.choice([0.25, 0.5, 0.75], 2**h) for h in range(horizon)]
    model = TabularModel.tree([np.column_stack([p, 1 - p]) for p in probs])
    reward = rng.choice([0.0, 0.5, 1.0, 3.0], 2**horizon, p=[0.1, 0.3, 0.3, 0.3])
    reward[rng.integers(reward.size)] = 1.0
    exact = Problem(model, reward, "exact").value
    hat = [v * rng.choice([0.5, 1.0, 2.0, 4.0], v.size) for v in exact[:-1]]
    problem = Problem(model, reward, [*hat, exact[-1]])
    right = {y for y in Tree(problem).paths if rng.random() < 0.4}
    return problem, right


def random_tree(seed, horizon):
    problem, right = random_problem(seed, horizon)
    return Tree(problem), right


CASES = [(seed, n, h) for seed in range(25) for n, h in ((2, 1), (2, 2), (3, 2), (2, 3))]


def chances(seed, n, horizon):
    """P(some of N is right) and a, from all clouds of level H - 1 and what is drawn of them."""
    tree, right = random_tree(seed, horizon)
    *_, before, _ = levels(tree, n)
    hit = one = Fraction(0)
    for (nu, _), p in before.items():
        if not nu:
            continue
        for q, drawn in draws(pairs(tree, nu), n):
            count = sum(c in right for _, c in drawn)
            hit += p * q * (count > 0)
            one += p * q * Fraction(count, n)
    return hit, one


def moments(seed, n, horizon):
    """P(D > 0), P(D < 0), E[D], E[D^2] over all weighted clouds, and d = pi*(E) - pi*(not E)."""
    tree, right = random_tree(seed, horizon)
    *_, last = levels(tree, n)
    up = down = first = second = Fraction(0)
    for (nu, w), p in last.items():
        d = w / tree.z * sum(s if x in right else -s for x, s in nu)
        up, down = up + p * (d > 0), down + p * (d < 0)
        first, second = first + p * d, second + p * d * d
    d = sum(tree.target(y) * (1 if y in right else -1) for y in tree.paths)
    return up, down, first, second, d
