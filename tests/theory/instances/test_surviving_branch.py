"""The chain of a branch that loses particles against the cloud law, and the rates it shows (T0)."""

import math

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.rare_path import path_probability, rare_path
from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.sampler import SMCRejection
from theory.criteria import criteria
from theory.instances.known_errors import exact_limits
from theory.instances.surviving_branch import branch_error, branch_law, branch_steps

PROBLEMS = [rare_path(4, 1), rare_path(4, 2), rare_path(8, 4), all_or_nothing(1, 3.0),
            all_or_nothing(5, 3.0), all_or_nothing(4, 2.0), all_or_nothing(3, 1.0)]  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_chain_gives_the_law_of_the_cloud_law(problem, n):
    exact = SMC(n).exact_law(problem, on="states")
    branch, quiet = branch_law(problem, n)
    assert exact.law == pytest.approx([quiet, branch], abs=1e-13)
    assert SMC(n).exact_law(problem).tv == pytest.approx(branch_error(problem, n), abs=1e-13)


def naive(steps, n):
    """P(output in the branch) by sums over counts, from the text of the module."""
    law = {n: 1.0}
    for h, (chance, ratio) in enumerate(steps):
        shares, after = [], {}
        for m, p in law.items():
            for k in range(m + 1):
                pk = math.comb(m, k) * chance**k * (1 - chance) ** (m - k)
                total = k * ratio + (n - k if h == 0 else n - m)
                if total > 0:
                    shares.append((p * pk, k * ratio / total))
        for p, x in shares:
            for m in range(n + 1):
                drawn = math.comb(n, m) * x**m * (1 - x) ** (n - m)
                after[m] = after.get(m, 0.0) + p * drawn
        law = after
    return sum(p * x for p, x in shares)


@pytest.mark.parametrize(("horizon", "ratio", "n"), [(4, 4.0, 12), (7, 2.5, 9)])
def test_the_chain_is_its_sum(horizon, ratio, n):
    problem = all_or_nothing(horizon, ratio)
    want = naive([(0.5, 1.0)] + [(1 / ratio, ratio)] * (horizon - 1), n)
    assert branch_law(problem, n)[0] == pytest.approx(want, abs=1e-13)


def test_the_steps_of_the_rare_path_put_half_of_the_weight_on_it():
    q = path_probability(8, 3)
    (p1, r1), (p2, r2), (p3, r3) = branch_steps(rare_path(8, 3))
    assert (p1, p2, p3) == pytest.approx((q * q, 2 * q * q, 2 * q * q))
    assert p1 * r1 == pytest.approx(1 - p1)
    assert p2 * r2 == pytest.approx(1)
    assert p3 * r3 == pytest.approx(q / (1 - q))


SLOPES = {1: (8192, -0.9995), 2: (4096, -0.673), 3: (1024, -0.618), 4: (1024, -0.590)}


@pytest.mark.slow
@pytest.mark.parametrize("horizon", SLOPES)
def test_the_error_on_the_rare_path_falls_at_the_proved_rate(horizon):
    """Local slopes of the exact error, near -H/(2H-1), and not near -1 from H = 2 on."""
    n, published = SLOPES[horizon]
    errors = [branch_error(rare_path(m, horizon), m) for m in (n // 2, n)]
    slope = math.log2(errors[1] / errors[0])
    assert slope == pytest.approx(published, abs=1e-3)
    assert abs(slope + horizon / (2 * horizon - 1)) < 0.02
    q = path_probability(n, horizon)
    assert q / 2 <= errors[1] < q


def test_the_sum_of_chi_squares_over_n_is_passed():
    """Its factor at H = 2 is already 2.88 at N = 8192."""
    problem = rare_path(8192, 2)
    c = criteria(problem).proposal_chi2
    assert branch_error(problem, 8192) / (c.sum() / 8192) == pytest.approx(2.88, abs=0.005)


@pytest.mark.parametrize("ratio", [2.0, 5.0])
def test_the_bias_of_all_or_nothing_is_a_function_of_h_over_n(ratio):
    """At one M; (H - 1)(M - 1)/N = 2."""
    biases = [
        0.5 - branch_law(all_or_nothing(1 + round(2 * n / (ratio - 1)), ratio), n)[0]
        for n in (32, 64, 128)
    ]
    assert np.ptp(biases) < 0.03 * max(biases)
    assert biases[0] > 0.15


def test_other_problems_and_samplers_are_not_spoken_of():
    with pytest.raises(InputError, match="rare-path or all-or-nothing"):
        branch_law(reference(3), 2)
    with pytest.raises(InputError, match="at least 1"):
        branch_law(rare_path(2, 2), 0)
    problem = rare_path(8, 3)
    assert exact_limits(problem, SMC(4)).value == branch_error(problem, 4)
    assert exact_limits(problem, SMCRejection(4)) is None
    assert exact_limits(problem, SMC(4, "residual")) is None
    assert exact_limits(problem, SMC(2000)) is None
