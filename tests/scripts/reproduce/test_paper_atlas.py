"""The table of worst instances: which bounds it calls printed, and what it leaves out."""

from scripts.experiments.atlas import printed
from scripts.reproduce import paper_atlas
from theory.falsify.atlas import Entry
from theory.registry import BOUNDS


def test_printed_bounds_are_those_of_the_paper_with_a_constant():
    found = [name for name, bound in BOUNDS.items() if printed(bound)]
    assert found == ["1.1", "3.2", "3.5", "3.8", "C.4", "C.6", "D.3"]


def test_a_bound_has_its_largest_ratio_and_a_sharp_one_no_row(monkeypatch):
    entries = [
        Entry(statement, "smc", "", n, "reference", ratio, 0.0, 0.0)
        for statement, n, ratio in (
            ("1.1", 1, 0.25),
            ("1.1", 2, 0.5),
            ("1.1", 3, 0.375),
            ("J", 1, 0.95),
            ("O", 2, 0.125),
        )
    ]
    monkeypatch.setattr(paper_atlas, "atlas", lambda: entries)
    numbers = {}
    lines = paper_atlas.worst_instances(numbers).splitlines()
    assert lines[4] == r"\textsf{1.1} & 0.25 & 0.50 & \textsf{O} & -- & 0.12\\"
    assert numbers["AtlasStatements"] == "3"
    assert numbers["AtlasSharp"] == "1"
    assert numbers["AtlasPrintedLeast"] == numbers["AtlasPrintedMost"] == "0.50"
