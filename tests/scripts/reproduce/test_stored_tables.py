"""Figures of the paper come from tables of this code and profile only."""

import pandas as pd
import pytest

from scripts.experiments.catalogue import EXPERIMENTS
from scripts.reproduce import paper
from scripts.reproduce.tables import made_by
from simulator.runs.store import write_table

PRODUCT = EXPERIMENTS["product"]


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder where `reproduce` has made one table; the paper asks for that figure only."""
    monkeypatch.setattr(paper, "PICTURES", ("product",))
    rows = [row for c in PRODUCT.cells("quick") for row in PRODUCT.run_cell(**c)]
    table = tmp_path / "tables" / "product.parquet"
    table.parent.mkdir()
    write_table(pd.DataFrame(rows), table, made_by(PRODUCT, "quick"))
    return tmp_path


def other(key, value):
    """Provenance of the table, but for one entry."""
    maker = made_by(PRODUCT, "quick")
    if key in maker:
        return maker | {key: value}
    return maker | {"software": {**maker["software"], key: value}}


@pytest.mark.slow
def test_a_table_of_this_code_is_drawn(results, capsys):
    assert paper.draw(results, results / "out") == []
    assert [p.name for p in (results / "out").iterdir()] == ["product.pdf"]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "maker",
    [other("source", "0" * 16), other("kind", "trees"), other("numpy", "1.0"),
     other("parameters", {"cells": []})],
    ids=["source", "kind", "numpy", "parameters"],
)  # fmt: skip
def test_a_table_of_other_code_is_refused_and_named(results, capsys, maker):
    table = results / "tables" / "product.parquet"
    write_table(pd.DataFrame({"x": [1.0]}), table, maker)
    assert paper.draw(results, results / "out") == ["product"]
    assert not (results / "out").exists()
    told = capsys.readouterr()
    assert told.err == f"{table} is left out: made by other code or under another profile\n"
    assert told.out == ""


def test_a_table_of_another_profile_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paper, "PICTURES", ("trees",))
    table = tmp_path / "tables" / "trees.parquet"
    table.parent.mkdir()
    write_table(pd.DataFrame({"x": [1.0]}), table, made_by(EXPERIMENTS["trees"], "quick"))
    assert paper.draw(tmp_path, tmp_path / "out", "full") == ["trees"]
    assert "under another profile" in capsys.readouterr().err


def test_a_broken_table_is_missing_and_so_is_none(results, capsys):
    table = results / "tables" / "product.parquet"
    table.write_bytes(b"not a table")
    assert paper.draw(results, results / "out") == ["product"]
    assert len(capsys.readouterr().err.splitlines()) == 1
    table.unlink()
    assert paper.draw(results, results / "out") == ["product"]
    assert capsys.readouterr().err == ""
    assert not (results / "out").exists()
