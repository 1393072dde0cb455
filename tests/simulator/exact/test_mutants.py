"""Wrong samplers that a test without randomness must tell from SMC (T0).

The faithful enumeration equals the exact law; each mutant is the same enumeration with
one line changed, and moves E[W] or the law of the output by more than 1e-6.
"""

import pytest

from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from tests.support.brute import MUTANTS, SCHEMES, smc
from tests.support.prefixes import Tree

PROBLEM = reference(3)
TREE = Tree(PROBLEM)
CASES = [
    (mutant, scheme, threshold)
    for mutant in MUTANTS
    for scheme in SCHEMES
    for threshold in (0.9, 1)
    if (mutant, threshold) != ("inverted", 1)  # at 1 there is nothing to invert
]


def distance(outcome, exact):
    """Largest difference in E[W]/Z and in the law."""
    mean = abs(outcome.mean / float(TREE.z) - exact.mean_w_over_z)
    law = [
        abs(outcome.law[tuple(y)] - p)
        for y, p in zip(exact.tokens.tolist(), exact.law, strict=True)
    ]
    return max(mean, *law)


@pytest.mark.slow
@pytest.mark.parametrize(("mutant", "scheme", "threshold"), CASES)
def test_a_mutant_is_caught(mutant, scheme, threshold):
    exact = SMC(2, scheme, threshold).exact_law(PROBLEM)
    assert distance(smc(TREE, 2, scheme, threshold), exact) < 1e-12
    assert distance(smc(TREE, 2, scheme, threshold, mutant=mutant), exact) > 1e-6
