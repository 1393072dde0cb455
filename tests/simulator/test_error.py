"""The bracket against exact laws; each random assertion states its false-failure rate."""

import numpy as np
import pytest

from simulator.measure.error import bracket, total_variation
from simulator.models.families.two_branch import two_branch
from simulator.models.library import open_problem
from simulator.samplers.smc import SMC


def test_total_variation_counts_failure_as_error():
    assert total_variation([1.0], [0.0]) == 1.0
    assert total_variation([0.2, 0.8], [0.8, 0.2]) == pytest.approx(0.6)


@pytest.mark.parametrize("n", [1, 2, 4])
@pytest.mark.parametrize("scheme", ["multinomial", "systematic"])
def test_bracket_contains_the_exact_error(n, scheme):
    # confidence 1 - 1e-9 each: six cases fail by chance with probability < 6e-9
    problem = open_problem("reference:horizon=3")
    sampler = SMC(n, resampling=scheme)
    exact = sampler.exact_law(problem).tv
    b = bracket(problem, sampler, 200_000, rng=5, confidence=1 - 1e-9)
    assert b.low <= exact <= b.high
    # power: it is tight enough to tell N from 2N (their errors differ by 0.04 or more)
    assert b.high - b.low < 0.03


def test_more_runs_tighten_it_and_chunks_do_not_matter(monkeypatch):
    problem, sampler = open_problem("reference:horizon=4"), SMC(4)
    few = bracket(problem, sampler, 2_000, rng=1)
    many = bracket(problem, sampler, 100_000, rng=1)
    assert many.high - many.low < few.high - few.low
    assert many.n_runs == 100_000


def test_shared_states_use_the_weight_bound_only():
    # plug-in on terminal states would certify too small an upper limit for paths
    problem = two_branch(8)
    b = bracket(problem, SMC(8), 20_000, rng=2)
    exact = SMC(2).exact_law(two_branch(4))
    assert exact.tv > 0
    assert b.high > b.plug_in
    assert np.isfinite([b.low, b.high, b.plug_in]).all()
