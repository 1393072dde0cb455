"""What the figures of the first-order law are drawn from, against formulas (T0)."""

import numpy as np
import pytest

from scripts.experiments import accuracy_bias, criteria_map, first_order
from simulator.problem.library import open_problem
from simulator.problem.target import target_paths
from simulator.samplers.smc.sampler import SMC
from theory.laws.sigma import sigma


@pytest.mark.parametrize("name", ["product:horizon=6", "two-branch:horizon=5", "reference"])
def test_walks_end_at_sigma_less_its_mean(name):
    problem = open_problem(name)
    numbers = sigma(problem, "smc")
    walks = first_order.walks(problem, 40)
    assert walks.shape == (40, problem.horizon + 1)
    mean = numbers.mean(np.ones(problem.model.n_states[-1]))
    ends = numbers.values(target_paths(problem, 40, rng=1)) - mean
    assert walks[:, -1] == pytest.approx(ends, abs=1e-12)
    assert (walks[:, 0] == 0).all()
    assert np.abs(walks[:, -1]).max() > 0.1


def test_one_branch_has_equal_steps_and_the_product_has_not():
    for name, some in (("two-branch", True), ("product", False)):
        steps = np.diff(first_order.walks(open_problem(f"{name}:horizon=32"), 40), axis=1)[:, 1:]
        assert (np.ptp(steps, axis=1) < 1e-9).any() == some


@pytest.mark.parametrize("power", [0.0, 1.0, 1.5, 3.0])
def test_the_law_of_the_early_answer_by_hand(power):
    """sigma(right) - sigma(wrong) is (r-1)/Z, and Z^/Z (r^(1-lambda) - 1) at each later level."""
    r, z, z_hat = accuracy_bias.RATIO, (1 + accuracy_bias.RATIO) / 2, (1 + 2.0**power) / 2
    later = (accuracy_bias.LEVELS - 1) * z_hat / z * (r ** (1 - power) - 1)
    rows = accuracy_bias.run_cell("early answer", power)
    right = r / (1 + r)
    assert rows[0]["target"] == pytest.approx(right, abs=1e-12)
    law = -right * (1 - right) * ((r - 1) / z + later)
    assert rows[0]["law"] == pytest.approx(law, abs=1e-12)
    gaps = {row["n"]: abs(row["bias"] - law) for row in rows}
    assert gaps[64] <= 0.6 * gaps[32]  # of order 1/N


def test_errors_at_both_sizes_are_those_of_enumerated_clouds(monkeypatch):
    monkeypatch.setattr(criteria_map, "SIZES", (2, 4))
    rows = criteria_map.run_cell("noisy", 3, 1)
    rng = np.random.default_rng(3)
    strength = 10 ** rng.uniform(-1, 0.3)
    tree = criteria_map.random_tree(
        horizon=criteria_map.HORIZON, seed=3, concentration=10 ** rng.uniform(-0.5, 0.7),
        prm="noisy", sigma=strength, beta=strength,
    )  # fmt: skip
    for row in rows:
        kind = SMC if row["sampler"] == "smc" else criteria_map.SMCRejection
        assert row["error"] == pytest.approx(kind(row["n"]).exact_law(tree).tv, abs=1e-11)
    assert len({row["first_order"] for row in rows}) == 2
