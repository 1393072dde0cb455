"""The stored worst instances: every ratio is computed again, and no statement is broken."""

import pytest

from theory.falsify.atlas import FOLDER, INDEX, REFUTED, atlas, file_name, refuted
from theory.falsify.conjectures import CONJECTURES
from theory.falsify.rational import confirm
from theory.falsify.search import VIOLATED
from theory.registry import BOUNDS

ENTRIES = atlas()
ROUNDING = 1e-6  # S2 is the root of a difference from 1


@pytest.mark.slow
@pytest.mark.parametrize("statement", BOUNDS)
def test_the_ratio_of_every_instance_is_what_the_atlas_says(statement):
    entries = [e for e in ENTRIES if e.statement == statement]
    assert entries
    for entry in entries:
        problem, sampler = entry.open(), entry.make_sampler()
        assert BOUNDS[statement].why_not(problem, sampler) is None
        left, right = entry.inequality.sides(problem, sampler)
        assert (left, right) == pytest.approx((entry.left, entry.right), abs=1e-9)
        assert entry.ratio == pytest.approx(left / right, rel=ROUNDING)
        assert 0 < entry.ratio <= VIOLATED


def test_the_index_and_the_files_belong_together():
    named = {e.problem for e in (*ENTRIES, *refuted()) if e.problem.endswith(".json")}
    assert named | {INDEX, REFUTED} == {p.name for p in FOLDER.iterdir()}
    for e in ENTRIES:
        known = file_name(e.statement, e.sampler, e.options, e.particles == 1)
        assert e.problem == known or ":" in e.problem
    assert len(named) > 50
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 400_000


def test_the_order_is_that_of_the_registry():
    assert list(dict.fromkeys(e.statement for e in ENTRIES)) == list(BOUNDS)


def test_what_is_known_to_be_attained_is_found():
    best = {}
    for e in ENTRIES:
        best[e.statement] = max(e.ratio, best.get(e.statement, 0.0))
    for name in ("J", "S2", "F-star", "S1", "C.8"):  # at N = 1, C.8 always
        assert best[name] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("entry", refuted(), ids=lambda e: f"{e.statement}-{e.options}")
def test_stored_instances_refute_false_claims(entry):
    problem, sampler = entry.open(), entry.make_sampler()
    ratio = entry.inequality.ratio(problem, sampler)
    assert ratio > VIOLATED
    assert ratio == pytest.approx(entry.ratio, rel=1e-9)
    assert confirm(entry.inequality, problem, sampler).violated


def test_all_false_conjectures_have_their_instance():
    found = {(e.statement, e.options.partition("=")[2]) for e in refuted()}
    assert {name for name, _ in found} >= {*CONJECTURES, "S1", "S2", "J"}
    assert {s for name, s in found if name == "variance-weight"} == {
        "systematic", "stratified", "residual", "ssp", "killing",
    }  # fmt: skip
