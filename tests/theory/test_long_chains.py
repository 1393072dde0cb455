"""What grows faster than the horizon is given up at once, so that long chains are answered."""

import numpy as np
import pytest

from simulator.errors import TooLargeError
from simulator.exact import cloud
from simulator.exact.second_moments import relative_variance
from simulator.exact.slot_means import SlotMean
from simulator.measure import stepwise
from simulator.measure.stepwise import stepwise_samples
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.sampler import SMC
from theory.verdict import check


def chain(horizon):
    return Problem(TabularModel([[[1.0]]] * horizon, [[[0]]] * horizon), [1.0], "exact")


@pytest.mark.slow
def test_levels_of_one_cloud_count_too(monkeypatch):
    monkeypatch.setattr(cloud, "LEVELS", 40)
    assert SMC(4).exact_law(chain(40)).tv == 0
    with pytest.raises(TooLargeError, match="exact law: 41 levels, the limit is 40"):
        SMC(4).exact_law(chain(41))


@pytest.mark.slow
def test_one_step_errors_of_many_parts_are_refused_before_the_first_run(monkeypatch):
    problem = chain(10_000)
    with pytest.raises(TooLargeError, match="levels one after another"):
        next(stepwise_samples(problem, SMC(4), 4000, 0))
    problem = chain(1_000)
    monkeypatch.setattr(stepwise, "STEPS", 1_000)  # of the bracket; T has four times as many
    monkeypatch.setattr(cloud, "LEVELS", 999)
    report = check(problem, SMC(4), 4000, 0, bounds=["T", "Z"])
    assert report.error.low == 0
    assert report.error.high < 0.01
    assert [v.id for v in report.verdicts] == ["Z"]
    assert "levels one after another" in report.skipped["T"]


def test_the_second_moment_of_a_long_chain_forgets_what_underflows():
    horizon, n = 3000, 4
    uniform = [np.full((1 if h == 0 else 2, 2), 0.5) for h in range(horizon)]
    children = [np.tile([0, 1], (1 if h == 0 else 2, 1)) for h in range(horizon)]
    problem = Problem(TabularModel(uniform, children), [1.0, 3.0], "exact")
    # only the last level has weights that vary: Var(r)/(N Z^2)
    assert relative_variance(problem, n) == pytest.approx(0.25 / n, rel=1e-12)


def test_one_step_errors_of_many_placed_particles_are_refused_before_the_first_run(monkeypatch):
    problem, mean = chain(10), SlotMean("systematic")
    monkeypatch.setattr(stepwise, "SLOTS", 100 * 10 * 4**2 * stepwise.NODES)
    assert next(stepwise_samples(problem, SMC(4, "systematic"), 100, 0, mean=mean)).size
    with pytest.raises(TooLargeError, match=r"\Aone-step errors of 101 runs, particle by .*\Z"):
        next(stepwise_samples(problem, SMC(4, "systematic"), 101, 0, mean=mean))
    floor = SlotMean("systematic", jensen=True)
    assert next(stepwise_samples(problem, SMC(4, "systematic"), 101, 0, mean=floor)).size
