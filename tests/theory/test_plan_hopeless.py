"""Where the sampler can never output enough of pi*, `plan` says so at once (T0)."""

import pytest

import theory.plan
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.registry import make_sampler
from simulator.samplers.smc.sampler import SMC
from theory.plan import plan


def lossy(*middle):
    model = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    return Problem(model, [1] * 4, [[1], middle, [1] * 4])


@pytest.mark.parametrize(("middle", "lost"), [((0, 0), 1.0), ((0, 1), 0.5)])
def test_no_number_of_particles_suffices(middle, lost, monkeypatch):
    def never(*arguments):
        raise AssertionError("nothing may be searched")

    monkeypatch.setattr(theory.plan, "measure_error", never)
    found = plan(lossy(*middle), SMC, 0.1)
    assert found.least_error == pytest.approx(lost, abs=1e-12)
    assert found.enough is None
    assert found.exact
    assert set(found.asked.values()) == {None}


def test_below_the_wanted_error_lost_mass_does_no_harm():
    assert plan(lossy(0, 1), SMC, 0.6).enough == 1


@pytest.mark.parametrize("name", ["smc", "smc-rs", "smc-ind", "dmc", "action-is", "vgb"])
def test_lost_mass_is_a_lower_limit_of_the_error(name):
    options = {"z_bound": 1.0} if name == "dmc" else {}
    for n in (1, 3):
        sampler = make_sampler(name, n, **options)
        lost = sampler.facts(lossy(0, 1)).lost_mass
        assert lost == pytest.approx(0.5, abs=1e-12)
        assert sampler.exact_law(lossy(0, 1)).tv >= lost - 1e-12


def test_sis_asks_for_v_hat_at_the_ends_only_and_loses_nothing():
    assert make_sampler("sis", 2).facts(lossy(0, 0)).lost_mass == 0
