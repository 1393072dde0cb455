"""Rank correlations within groups against a library, and intervals that mean something."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from figures.rank_correlation import grouped_correlation


def table(families, spread, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(families, 9))
    y = x + spread * rng.normal(size=x.shape)
    family = np.repeat(np.arange(families), 9)
    return pd.DataFrame({"family": family, "x": x.ravel(), "y": np.round(y.ravel(), 1)})


def test_it_is_the_mean_of_spearman_with_ties():
    rows = table(20, 1.0)
    want = np.mean([spearmanr(g["x"], g["y"])[0] for _, g in rows.groupby("family")])
    mean, low, high = grouped_correlation(rows, "x", "y", ["family"])
    assert mean == pytest.approx(want, abs=1e-12)
    assert low < mean < high


def test_more_families_narrow_the_interval_and_it_is_made_again_the_same():
    few, many = (grouped_correlation(table(k, 1.0), "x", "y", ["family"]) for k in (10, 160))
    assert many[2] - many[1] < 0.5 * (few[2] - few[1])
    assert many == grouped_correlation(table(160, 1.0), "x", "y", ["family"])


def test_what_is_constant_says_nothing_and_rounding_is_no_order():
    rows = table(4, 1.0)
    one = rows["family"] == 0
    rows.loc[one, "y"] = 0.5 + 1e-15 * np.arange(one.sum())
    rest = grouped_correlation(rows[~one], "x", "y", ["family"])
    assert grouped_correlation(rows, "x", "y", ["family"]) == rest
    with pytest.raises(ValueError, match="constant"):
        grouped_correlation(rows[one], "x", "y", ["family"])
