"""The full profile looks for worse instances than the stored ones."""

from dataclasses import replace

import pytest

from scripts.experiments import atlas
from scripts.experiments.atlas import ATLAS, run_cell
from theory.falsify.atlas import atlas as entries
from theory.registry import BOUNDS


def test_the_full_profile_searches_and_the_quick_one_does_not():
    quick, full = ATLAS.cells("quick"), ATLAS.cells("full")
    assert [c["statement"] for c in quick] == [c["statement"] for c in full] == list(BOUNDS)
    assert all("evaluations" not in c for c in quick)
    assert all(c["evaluations"] == 5000 for c in full)


def test_a_worse_instance_than_the_stored_one_takes_its_place(monkeypatch):
    stored = [e for e in entries() if e.statement == "S1" and e.sampler == "smc"]
    one = next(e for e in stored if e.particles > 1)
    easy = replace(one, problem="reference:horizon=2")
    monkeypatch.setattr(atlas, "atlas", lambda: [easy])
    (before,) = run_cell("S1", 1)
    (after,) = run_cell("S1", 1, evaluations=150)
    assert before["problem"] == "reference:horizon=2"
    assert before["ratio"] < after["ratio"] <= one.ratio + 1e-3
    assert after["problem"] != before["problem"]
    assert after["ratio"] == pytest.approx(after["left"] / after["right"], rel=1e-12)
