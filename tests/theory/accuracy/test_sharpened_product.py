"""Law A5: closed forms against enumerations, recursions and printed numbers (T0)."""

import itertools
import math

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.exact.lumped import product_one_probability, product_tv
from simulator.exact.second_moments import path_second_moment
from simulator.measure.cloud_accuracy import exact_accuracy
from simulator.problem.events import earning
from simulator.samplers.smc.sampler import SMC
from theory.accuracy.passed import passed_accuracy
from theory.accuracy.sampled import sampled_accuracy
from theory.accuracy.sharpened_product import SharpenedProduct

CASES = [(h, n, power, base, gain) for h, n in ((1, 3), (2, 3), (3, 2), (4, 2))
         for power, base, gain in ((0.0, 0.5, 1.0), (1.0, 0.3, 0.7), (2.5, 0.6, 1.2))]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_laws_are_those_of_all_clouds(case):
    at = SharpenedProduct(*case)
    problem, smc = at.problem(), SMC(at.n_particles)
    ones = np.arange(at.horizon + 1)
    for k in range(at.horizon + 1):
        exact = exact_accuracy(problem, smc, ones >= k)
        assert at.at_least(k) == pytest.approx(exact, abs=1e-12)
    hit = exact_accuracy(problem, smc, ones == at.horizon, "any")
    assert at.hit() == pytest.approx(hit, abs=1e-12)
    low, high = at.hit_limits()
    assert low - 1e-12 <= hit <= high + 1e-12


@pytest.mark.parametrize("case", CASES)
def test_the_mean_weight_along_ones_is_that_of_the_recursion(case):
    at = SharpenedProduct(*case)
    right = np.arange(at.horizon + 1) == at.horizon
    made = earning(at.problem(), right)
    m = path_second_moment(made, at.n_particles, [[1] * at.horizon])[0]
    assert at.hit_limits()[0] == pytest.approx(min(1 / m, 1), rel=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_error_and_chi_square_are_sums_over_all_words(case):
    at = SharpenedProduct(*case)
    words = list(itertools.product((0, 1), repeat=at.horizon))

    def law(p, length):
        return np.array([math.prod(p if b else 1 - p for b in w[:length]) for w in words])

    out, target = law(at.one_probability(), at.horizon), law(at.tilted(1), at.horizon)
    assert at.tv() == pytest.approx(np.abs(out - target).sum() / 2, abs=1e-12)
    for h in range(1, at.horizon + 1):
        short = {w[:h]: (law(at.tilted(1), h)[i], law(at.tilted(at.power), h)[i])
                 for i, w in enumerate(words)}  # fmt: skip
        chi2 = sum(p * p / q for p, q in short.values()) - 1
        assert at.chi2(h) == pytest.approx(chi2, abs=1e-12)


def test_the_fair_instance_of_the_paper_is_one_of_these():
    at = SharpenedProduct(64, 8, 1.0, 0.5, math.log(2))
    assert at.one_probability() == pytest.approx(product_one_probability(8), abs=1e-14)
    assert at.tv() == pytest.approx(product_tv(64, 8), abs=1e-12)
    assert at.chi2(63) == 0


def test_printed_numbers():
    """From the theory: H = 12, N = 16, p0 = 1/2, e^s = 3/2; and two thirds of 60 bits at N = 32."""
    printed = {1: (0.0112, 0.0155, 0.0260), 3: (0.0931, 0.1634, 0.3840),
               20: (0.4824, 0.9991, 0.9998)}  # fmt: skip
    for power, (low, hit, high) in printed.items():
        at = SharpenedProduct(12, 16, power)
        assert (*at.hit_limits(), at.hit()) == pytest.approx((low, high, hit), abs=5e-5)
    assert SharpenedProduct(12, 16, 3).chi2(11) == pytest.approx(4.45, abs=0.005)
    assert SharpenedProduct(12, 16, 20).chi2(11) == pytest.approx(1e30, rel=0.05)
    for power, accuracy, error in ((1, 0.166, 0.019), (3, 0.971, 0.836)):
        at = SharpenedProduct(60, 32, power)
        assert (at.at_least(40), at.tv()) == pytest.approx((accuracy, error), abs=5e-4)
    assert SharpenedProduct(60, 32, 1).target_at_least(40) == pytest.approx(0.179, abs=5e-4)


def test_accuracy_rises_in_lambda_up_to_its_limit():
    powers = (0, 0.5, 1, 2, 4, 8, 16, 64, 512)
    every = [SharpenedProduct(10, 6, power) for power in powers]
    for name in ("hit", "one_probability"):
        values = [getattr(at, name)() for at in every]
        assert (np.diff(values) > -1e-14).all(), name
        assert values[-1] > values[0] + 0.3
    assert every[-1].hit() == pytest.approx((1 - 0.5**6) ** 10, abs=1e-12)
    assert every[-1].hit_limits()[1] == pytest.approx(every[-1].hit(), abs=1e-12)
    assert every[-1].chi2(9) == math.inf
    assert all(at.one_probability() <= at.tilted(at.power) + 1e-14 for at in every)


def test_the_laws_of_accuracy_speak_of_it():
    at = SharpenedProduct(8, 4, 2.0)
    problem, right = at.problem(), np.arange(9) >= 6
    found = sampled_accuracy(problem, SMC(4), right)
    assert found.low < at.at_least(6) < found.high
    hit = passed_accuracy(problem, SMC(4), np.arange(9) == 8)
    assert hit.low - 1e-12 <= at.hit() <= hit.high
    assert hit.low >= at.hit_limits()[0] - 1e-12


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 2, 1.0), "horizon"), ((2, 0, 1.0), "n_particles"), ((2, 2, -1.0), "power"),
     ((2, 2, 1.0, 1.0), "base"), ((2, 2, 1.0, 0.5, 0.0), "log_gain")],
)  # fmt: skip
def test_bad_arguments_are_named(arguments, named):
    with pytest.raises(InputError, match=named):
        SharpenedProduct(*arguments)
