"""Observed frequencies against an exact law, with a false-failure rate."""

import math

import numpy as np


def frequencies(exact, runs):
    """Frequency of each path of the exact law, then of failure."""
    base = (exact.tokens.max() + 1) ** np.arange(exact.tokens.shape[1])
    keys = exact.tokens @ base
    order = np.argsort(keys)
    found = order[np.searchsorted(keys[order], runs.tokens @ base) % keys.size]
    assert (exact.tokens[found] == runs.tokens)[~runs.failed].all()
    ours = np.where(runs.failed, keys.size, found)
    return np.bincount(ours, minlength=keys.size + 1) / len(runs)


def l1_radius(n_outcomes, n_runs, false_failure=1e-9):
    """Bretagnolle-Huber-Carol: P(sum |f - p| >= x) <= 2^K exp(-n x^2/2)."""
    return math.sqrt(2 * (n_outcomes * math.log(2) - math.log(false_failure)) / n_runs)
