"""What statements say of their rate in N is how their values fall (T0)."""

import math

import pytest

from simulator.problem.families.reference import reference
from simulator.samplers.registry import make_sampler
from simulator.samplers.smc.sampler import SMC
from theory.registry import BOUNDS

POWERS = {"N^-1/2": 0.5, "1/N": 1.0, "1/N^2": 2.0, "N^(-H/(2H-1))": 2 / 3}  # at H = 2
TIMES = 4
KINDS = ("smc", "smc-rs", "smc-ind", "sis", "quasi-smc")


def samplers(n):
    yield from (make_sampler(kind, n) for kind in KINDS)
    yield SMC(n, ess_threshold=0.5)


def values(bound):
    """Values at both N, of the first sampler that the statement speaks of."""
    # from there on the last term of E-upper is all
    problem, n = reference(2), 2**26 if bound.id == "E-upper" else 2**18
    for few, many in zip(samplers(n), samplers(TIMES * n), strict=True):
        if bound.applicable(problem, few):
            return bound.value(problem, few), bound.value(problem, many)
    return None


TOLD = [b.id for b in BOUNDS.values() if b.kind == "upper" and b.rate in POWERS and not b.measured]


@pytest.mark.parametrize("name", TOLD)
def test_values_fall_as_they_are_said_to(name):
    found = values(BOUNDS[name])
    assert found is not None
    power = math.log(found[0] / found[1]) / math.log(TIMES)
    assert power == pytest.approx(POWERS[BOUNDS[name].rate], abs=0.02)


def test_every_statement_tells_its_rate():
    assert all(b.rate for b in BOUNDS.values())
    assert len(TOLD) > 25
