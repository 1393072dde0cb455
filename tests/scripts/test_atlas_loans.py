"""Instances that the atlas stores for one statement, tried on another one."""

from dataclasses import replace

import pytest

from scripts.atlas_loans import loan, stored_instances
from scripts.experiments.atlas import printed
from simulator.problem.library import make_problem
from theory.falsify.atlas import atlas
from theory.registry import BOUNDS


def entry_of(statement):
    return next(
        e
        for e in atlas()
        if (e.statement, e.sampler, e.options) == (statement, "smc", "") and e.particles > 1
    )


def test_an_instance_of_another_statement_takes_the_place_of_a_milder_one():
    mild = replace(entry_of("S1"), problem="reference:horizon=2", ratio=0.0)
    mild = replace(mild, ratio=mild.inequality.ratio(mild.open(), mild.make_sampler()))
    lent = entry_of("L-level").open()
    found, problem = loan(mild, [mild.open(), lent])
    assert problem is lent
    assert found.ratio == found.inequality.ratio(lent, found.make_sampler()) > mild.ratio
    assert found.ratio == pytest.approx(found.left / found.right, rel=1e-12)
    assert found.problem == "S1_smc.json"
    assert problem.name.startswith("D_TV <= S1 is nearest to equality for SMC(")


def test_an_entry_keeps_its_place_where_nothing_is_worse():
    assert loan(entry_of("S1"), [make_problem("reference:horizon=2")]) is None


def test_numbers_of_particles_stay_of_their_kind():
    one = next(e for e in atlas() if e.statement == "L" and e.particles == 1)
    found, _ = loan(replace(one, ratio=0.0), [one.open()])
    assert found.particles == 1
    assert found.problem.endswith("_one.json")


@pytest.mark.slow
@pytest.mark.parametrize("statement", [name for name, bound in BOUNDS.items() if printed(bound)])
def test_no_stored_instance_is_worse_for_a_printed_bound_than_its_own(statement):
    """What the paper says of their constants holds on everything that the atlas has."""
    problems = stored_instances()
    for entry in atlas():
        if entry.statement == statement and not entry.options:
            assert loan(entry, problems) is None
