"""Every registered statement against every registered sampler, and what may not matter to them."""

from collections import Counter
from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.dips import dips
from simulator.problem.families.hidden_labels import hidden_labels, recursive_delay
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.rare_path import rare_path
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.problem.unfold import unfold
from simulator.samplers.quasi.sampler import QuasiSMC
from simulator.samplers.registry import SAMPLERS, make_sampler
from simulator.strategies import problems
from tests.support.transforms import rename, rescale, split
from theory.registry import BOUNDS, bounds_for

ROUNDING = 1e-10
LIMIT = 3e6  # transitions

# every registered sampler; where C_inf may be infinite the constant that stands for it is given
SETTINGS = [
    *((name, {}) for name in SAMPLERS if name not in ("smc-restart", "dmc")),
    ("smc-restart", {"accuracy": 1.5}), ("dmc", {"z_bound": 2.0}), ("dmc", {"restart": False}),
    ("smc", {"resampling": "systematic"}), ("smc", {"ess_threshold": 0.6}), ("smc", {"block": 2}),
    ("smc", {"ess_threshold": 0.6, "resample_when": "max_weight"}),
    ("smc", {"proposal": "optimal"}), ("smc", {"select": "best"}),
    ("smc-rs", {"method": "enumerate"}), ("vgb", {"stop": "visits"}),
    ("lookahead", {"rollouts": 0}),
]  # fmt: skip
ALONE = ("alrs", "greedy")  # have one particle


def every_sampler(problem, n, but=()):
    if np.isneginf(problem.forward_backward.log_z_alive):  # a rule without a limit is refused
        but = (*but, "audit")
    return [
        make_sampler(name, 1 if name in ALONE else n, **options)
        for name, options in SETTINGS if name not in but
    ]  # fmt: skip


def test_no_sampler_is_left_out():
    assert {name_of(s) for s in every_sampler(reference(2), 2)} == set(SAMPLERS)


# --- errors and statements -----------------------------------------------------------------------


def judged(bound, value, error):
    """Whether the error is on the right side of the value."""
    above, below = error <= value + ROUNDING, error >= value - ROUNDING
    return {"upper": above, "lower": below, "exact": above and below}[bound.kind]


def name_of(sampler):
    return next(name for name, kind in SAMPLERS.items() if type(sampler) is kind)


def measured(problem, n):
    """Every statement that speaks of a sampler, with its value and the sampler's error."""
    found = []
    for sampler in every_sampler(problem, n):
        with suppress(TooLargeError):
            error = sampler.exact_law(problem, limit=LIMIT).tv
            values = {b: b.value(problem, sampler) for b in bounds_for(problem, sampler)}
            found += [(bound, sampler, value, error) for bound, value in values.items()]
    return found


def compare(found, told, closest, factor=1.0):
    """Return what is on the wrong side; `factor` spoils the values."""
    wrong = []
    for bound, sampler, value, error in found:
        key = bound.id, name_of(sampler)
        told[key] += 1
        if bound.kind == "upper" and value > 0:
            closest[key[1]] = max(closest[key[1]], error / value)
        if not judged(bound, factor * value, error):
            wrong.append((bound.id, sampler, value, error))
    return wrong


@pytest.mark.slow
def test_no_sampler_is_on_the_wrong_side_of_a_statement():
    told, closest = Counter(), Counter()

    @settings(max_examples=80)
    @given(problems(max_leaves=9, max_horizon=3), st.integers(1, 3))
    def random_ones(problem, n):
        assert compare(measured(problem, n), told, closest) == []

    random_ones()
    upper = {name for name, b in BOUNDS.items() if b.kind == "upper"}
    assert {bound for bound, _ in told} >= upper
    assert min(times for (bound, _), times in told.items() if bound in upper) >= 20, told
    # so a sampler that erred a little more, or a bound a little smaller, would show
    assert min(closest.values()) > 0.95, closest


FAMILIES = [
    product(3), two_branch(3), two_branch(2), hidden_labels([3], 0.5), hidden_labels([3], 0.75, 1),
    recursive_delay([4], 0.25), dips(5, dips=2), rare_path(5, 2), all_or_nothing(3, 2.0),
    random_tree(horizon=3, seed=1, prm="exact"),
]  # fmt: skip


@pytest.fixture(scope="module")
def on_families():
    return {(i, n): measured(p, n) for i, p in enumerate(FAMILIES) for n in (1, 2, 5)}


@pytest.mark.slow
def test_lower_and_exact_statements_hold_on_their_families(on_families):
    told = Counter()
    for found in on_families.values():
        assert compare(found, told, Counter()) == []
    special = {b.id for b in BOUNDS.values() if b.kind != "upper"}
    assert special <= {name for name, _ in told}


def test_statements_with_wrong_values_are_found(on_families):
    for factor, kinds in ((0.5, {"upper", "exact"}), (30.0, {"lower", "exact"})):
        wrong = []
        for found in on_families.values():
            wrong += compare(found, Counter(), Counter(), factor)
        assert {BOUNDS[name].kind for name, *_ in wrong} >= kinds


# --- what does not matter ------------------------------------------------------------------------


def numbers(problem, sampler):
    """Law over terminal states, error over paths, moments, and the values of all statements."""
    paths = sampler.exact_law(problem, limit=LIMIT)
    states = sampler.exact_law(problem, on="states", limit=LIMIT)
    out = {"law": states.law, "tv": paths.tv, "failure": paths.failure}
    for name in ("mean_w_over_z", "relative_variance", "acceptance"):
        value = getattr(paths, name)
        out[name] = -1.0 if value is None else value
    return out | {b.id: b.value(problem, sampler) for b in bounds_for(problem, sampler)}


def unchanged(before, after, but=()):
    assert set(before) == set(after)
    for name, value in before.items():
        if name not in but:
            # a root of a difference near zero holds half of the digits only
            assert after[name] == pytest.approx(value, rel=1e-8, abs=2e-7), name


def same_for_all(problem, other, samplers, but=()):
    for sampler in samplers:
        unchanged(numbers(problem, sampler), numbers(other, sampler), but)


SMALL = problems(max_leaves=8, max_horizon=2)
INDEX = ("beam", "greedy")  # break ties by the index of the token
PLACES = (*INDEX, "quasi-smc")  # put cells in an order of states and tokens


@pytest.mark.slow
@settings(max_examples=30)
@given(SMALL, st.integers(1, 3), st.randoms(use_true_random=False))
def test_names_of_tokens_do_not_matter(problem, n, random):
    same_for_all(problem, rename(problem, random), every_sampler(problem, n, but=PLACES))


@pytest.mark.slow
@settings(max_examples=30)
@given(SMALL, st.integers(1, 2))
def test_a_token_split_into_two_equal_ones_does_not_matter(problem, n):
    same_for_all(problem, split(problem), every_sampler(problem, n, but=PLACES))


@pytest.mark.parametrize("name", INDEX)
def test_names_do_matter_where_ties_are_broken_by_index(name):
    model = TabularModel([[[0.5, 0.5]], [[0.5, 0.5]] * 2], [[[0, 1]], [[0, 1]] * 2])
    tie = Problem(model, [1.0, 1.0], "exact")
    other = rename(tie, Random(1))
    laws = [make_sampler(name, 1).exact_law(p, "states").law for p in (tie, other)]
    assert np.abs(laws[0] - laws[1]).max() == 1


def test_names_matter_where_cells_have_places():
    def error(order):
        probs, reward = np.array([0.4, 0.3, 0.2, 0.1])[order], np.array([1.0, 2.0, 4.0, 8.0])[order]
        problem = Problem(TabularModel([[probs]]), reward, "exact")
        return QuasiSMC(2).exact_law(problem).tv

    assert error([0, 2, 1, 3]) > error([0, 1, 2, 3]) + 0.03


# The walk and its particles compare V^ of a level with that of the next, and the restart of SMC
# the weight with V^(root); the others look at ratios within a level, or at W^_H.
ABSOLUTE = ("smc-ind", "vgb", "smc-restart")
THROUGH_SCALES = ("L", "ZL-4.3", "ZL-5.1")  # compare V^ with V*, or V^ of two levels
SCALES = st.lists(st.sampled_from([0.01, 0.5, 7.0]), min_size=3, max_size=3)


@pytest.mark.slow
@settings(max_examples=30)
@given(problems(max_leaves=8, max_horizon=3), st.integers(1, 2), SCALES)
def test_the_scale_of_a_level_does_not_matter(problem, n, scales):
    samplers = every_sampler(problem, n, but=ABSOLUTE)
    same_for_all(problem, rescale(problem, scales), samplers, but=THROUGH_SCALES)
    inner = rescale(problem, [1.0, *scales[1:]])
    same_for_all(problem, inner, [make_sampler("smc-restart", n, accuracy=1.5)])


@pytest.mark.parametrize("name", ABSOLUTE)
def test_the_scale_does_matter_to_the_others(name):
    problem, options = reference(3), {"accuracy": 1.0} if name == "smc-restart" else {}
    other = rescale(problem, [0.4, 1.0, 1.0])
    laws = [make_sampler(name, 2, **options).exact_law(p).law for p in (problem, other)]
    assert np.abs(laws[0] - laws[1]).max() > 1e-3


def test_the_others_see_the_scale():
    problem, other = reference(3), rescale(reference(3), [1.0, 10.0, 1.0])
    for name, kind in zip(THROUGH_SCALES, ("smc", "smc-rs", "smc"), strict=True):
        before, after = (BOUNDS[name].value(p, make_sampler(kind, 1)) for p in (problem, other))
        assert after > 1.5 * before


@pytest.mark.slow
@settings(max_examples=30)
@given(problems(max_leaves=8, max_horizon=3, tree=False), st.integers(1, 2))
def test_merging_equivalent_states_does_not_matter(problem, n):
    whole = unfold(problem)
    by_prefix = QuasiSMC(n, order="lexicographic")  # by state it draws otherwise, and better
    for sampler in (*every_sampler(problem, n, but=("quasi-smc",)), by_prefix):
        merged, apart = (numbers(p, sampler) for p in (problem, whole.problem))
        apart["law"] = np.bincount(whole.terminal, apart["law"], merged["law"].size)
        unchanged(merged, apart)


@pytest.mark.slow
@settings(max_examples=25)
@given(problems(max_leaves=9, max_horizon=3, tree=False), st.integers(1, 2))
def test_the_error_on_paths_is_at_least_that_on_states(problem, n):
    for sampler in every_sampler(problem, n):
        paths, states = (sampler.exact_law(problem, on, LIMIT).tv for on in ("paths", "states"))
        assert paths >= states - ROUNDING
