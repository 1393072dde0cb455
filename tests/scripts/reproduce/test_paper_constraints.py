"""What the text of the paper says about constraints, on the table that its figure is drawn from."""

from pathlib import Path

import pandas as pd
import pytest

from scripts.reproduce.paper_constraints import _limits
from simulator.interval import Interval

TABLE = Path(__file__).resolve().parents[2] / "figures" / "tables" / "constrained.parquet"


@pytest.fixture(scope="module")
def at():
    rows = pd.read_parquet(TABLE).to_dict("records")
    return {(row["pattern"], row["prm"], row["n"], row["sampler"]): row for row in rows}


def test_four_particles_are_worse_than_one_on_the_word(at):
    assert at["word", "expected", 1, "alrs"]["high"] < at["word", "expected", 4, "smc-rs"]["low"]


def test_the_proposal_and_rejection_cannot_be_told_apart_and_quasi_smc_does_not_help(at):
    for pattern, prm, n, name in at:
        row, rejection = at[pattern, prm, n, name], at.get((pattern, prm, n, "smc-rs"))
        if name == "smc, optimal proposal":
            assert row["low"] <= rejection["high"]
            assert rejection["low"] <= row["high"]
        if name == "quasi-smc":
            assert row["high"] >= at[pattern, prm, n, "smc"]["low"]


def test_limits_are_rounded_away_from_each_other():
    assert _limits(Interval(0.5, 0.1239, 0.8761, 0.99), 3) == "0.123--0.877"
