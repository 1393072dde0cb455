"""The least error of any choice from the last cloud: against all events and all systems (T0)."""

import itertools
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.exact.cloud_sets import SetLaw
from simulator.measure.best_choice import best_choice_error, least_error
from simulator.problem.families.product import product
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.problem import Problem
from simulator.samplers.lookahead.sampler import Lookahead
from simulator.samplers.smc.sampler import SMC
from simulator.samplers.smc_rejection.action_level import ActionLevelRejection
from simulator.samplers.smc_rejection.sampler import SMCRejection
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.systems import levels, step
from tests.support.transforms import rename

FORMS = {"smc": SMC, "smc-rs": SMCRejection}


def final_sets(tree, n, rejection):
    """{set of paths: probability}, empty for a failure, from all systems of particles."""
    *before, _ = levels(tree, n, rejection)
    out = defaultdict(float)
    for (nu, w), p in before[-1].items():
        for q, cloud, _ in step(tree, nu, w, n, rejection):
            out[frozenset(x for x, _ in cloud)] += float(p * q)
    return out


def over_all_events(tree, sets, contains=frozenset.issubset):
    """max_D [P(S within D) - pi*(D)] over all sets D of paths."""
    paths = [y for y in tree.paths if tree.v[y] > 0]
    return max(
        sum(p for s, p in sets.items() if contains(s, frozenset(d)))
        - sum(float(tree.target(y)) for y in d)
        for size in range(len(paths) + 1) for d in itertools.combinations(paths, size)
    )  # fmt: skip


SMALL = problems(max_leaves=9, max_horizon=3)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=40)
@given(SMALL, st.integers(1, 3))
def test_it_is_the_maximum_over_all_events(form, problem, n):
    tree = Tree(problem)
    sets = final_sets(tree, n, form == "smc-rs")
    sampler = FORMS[form](n)
    if form == "smc-rs" and np.isinf(problem.forward_backward.log_z_alive):
        sampler = SMCRejection(n, method="enumerate")
    found = best_choice_error(problem, sampler)
    assert found.error == pytest.approx(over_all_events(tree, sets), abs=1e-9)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    SMALL, st.integers(1, 3), st.sampled_from(["multinomial", "systematic", "ssp"]),
    st.sampled_from([0.0, 0.6, 1.0]), st.integers(1, 2), st.sampled_from(["reference", "optimal"]),
)  # fmt: skip
def test_no_choice_of_a_sampler_is_better(problem, n, resampling, t, block, proposal):
    options = {"ess_threshold": t, "block": block, "proposal": proposal}
    made = [SMC(n, resampling, select=s, **options) for s in ("sample", "best")]
    try:
        errors = [s.exact_law(problem, limit=1e6).tv for s in made]
    except TooLargeError:
        return
    found = [best_choice_error(problem, s).error for s in made]
    assert found[0] == found[1] <= min(errors) + 1e-9


@settings(max_examples=30)
@given(SMALL, st.integers(1, 3))
def test_one_particle_leaves_no_choice(problem, n):
    for sampler in (SMC(1), SMCRejection(1, method="enumerate")):
        error = best_choice_error(problem, sampler).error
        assert error == pytest.approx(sampler.exact_law(problem).tv, abs=1e-9)


@settings(max_examples=20)
@given(SMALL, st.integers(2, 3), st.randoms(use_true_random=False))
def test_names_of_tokens_do_not_matter(problem, n, random):
    a, b = (best_choice_error(p, SMC(n)).error for p in (problem, rename(problem, random)))
    assert a == pytest.approx(b, abs=1e-9)


@settings(max_examples=25)
@given(problems(max_leaves=9, max_horizon=3, tree=False), st.integers(1, 2))
def test_states_can_be_had_more_easily_than_paths(problem, n):
    for sampler in (SMC(n), SMCRejection(n, method="enumerate")):
        paths, states = (
            best_choice_error(problem, sampler, on).error for on in ("paths", "states")
        )
        assert states <= paths + 1e-9


@pytest.mark.slow
@pytest.mark.parametrize(
    ("horizon", "n", "sampler", "best"),
    [(3, 3, 0.133395806144, 0.0231), (3, 2, 0.167576191303, None), (4, 4, 0.110959947614, 0.0029)],
)
def test_the_reference_problem(horizon, n, sampler, best):
    problem = reference(horizon)
    found = best_choice_error(problem, SMC(n))
    assert SMC(n).exact_law(problem).tv == pytest.approx(sampler, abs=1e-11)
    assert 0 < found.error < sampler
    if best is not None:
        assert found.error == pytest.approx(best, abs=5e-5)
    target, inside = problem.target[-1], found.event
    assert 0 < inside.sum() < inside.size
    assert target[inside].sum() + found.error <= 1


def test_wrong_variants_are_other_numbers():
    """Sets that meet D in place of those within it; failure forgotten."""
    sets = final_sets(Tree(reference(3)), 3, rejection=False)
    right = best_choice_error(reference(3), SMC(3)).error
    assert over_all_events(Tree(reference(3)), sets, lambda s, d: bool(s & d)) > right + 0.1
    tree = random_tree(horizon=3, seed=1)
    reward = np.where(np.arange(8) == 5, 1.0, 0.0)
    needle = Problem(tree.model, reward, [*(np.ones(2**h) for h in range(3)), reward])
    failure = SMC(2).exact_law(needle).failure
    assert failure > 0.1  # and nothing else is wrong: each live set is the needle
    assert best_choice_error(needle, SMC(2)).error == pytest.approx(failure, abs=1e-9)


@pytest.mark.slow
def test_it_falls_with_n_on_the_product_instance_faster_than_the_sampled_error():
    problem = product(4)
    for n in (2, 3):
        error = SMC(n).exact_law(problem).tv
        assert best_choice_error(problem, SMC(n)).error < 0.75 * error
    assert best_choice_error(problem, SMC(4)).error < 0.01


def test_flow_and_cut_of_random_laws_agree():
    rng = np.random.default_rng(5)
    for _ in range(30):
        k, size, n = 6, 12, 3
        members = [rng.choice(k, rng.integers(1, n + 1), replace=False) for _ in range(size)]
        rows = np.full((size, n), -1)
        for row, m in zip(rows, members, strict=True):
            row[: len(m)] = m
        p = rng.dirichlet(np.ones(size + 1))
        target = rng.dirichlet(np.ones(k) * 0.5)
        found = least_error(SetLaw(rows, p[:-1], p[-1]), target)
        brute = max(
            p[-1]
            + sum(q for m, q in zip(members, p, strict=False) if set(m.tolist()) <= set(d))
            - target[list(d)].sum()
            for r in range(k + 1) for d in itertools.combinations(range(k), r)
        )  # fmt: skip
        assert found.error == pytest.approx(brute, abs=1e-9)
        inside = set(np.flatnonzero(found.event).tolist())
        reached = p[-1] + sum(
            q for m, q in zip(members, p, strict=False) if set(m.tolist()) <= inside
        )
        assert reached - target[found.event].sum() == pytest.approx(found.error, abs=1e-9)


def test_all_runs_fail():
    empty = SetLaw(np.zeros((0, 2), dtype=np.int64), np.zeros(0), 1.0)
    assert least_error(empty, np.array([0.5, 0.5])).error == 1.0


def test_alrs_has_one_particle_and_others_are_refused():
    problem = reference(3)
    alrs = ActionLevelRejection()
    assert best_choice_error(problem, alrs).error == pytest.approx(alrs.exact_law(problem).tv)
    with pytest.raises(InputError, match=r"\Abest choice: [^\n]*\Z"):
        best_choice_error(problem, Lookahead(2))
    with pytest.raises(TooLargeError):
        best_choice_error(problem, SMC(4), limit=10)
    with pytest.raises(InputError, match=r"\Aon: [^\n]*\Z"):
        best_choice_error(problem, SMC(2), on="leaves")
