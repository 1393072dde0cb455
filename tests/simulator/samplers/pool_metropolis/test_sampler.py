"""Metropolis-Hastings over pools: exact kernel, balance, contract, mutants."""

import itertools
import math
from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import TooLargeError
from simulator.problem.families.reference import reference
from simulator.samplers.baselines.action_is import ActionImportanceSampling
from simulator.samplers.contract import parametrize_with_clauses
from simulator.samplers.pool_metropolis import sampler as module
from simulator.samplers.pool_metropolis.sampler import PoolMetropolis
from simulator.strategies import problems
from simulator.text.tabular import as_language_model
from tests.support.prefixes import Tree


def pools(tree, n):
    """Law of (path, W) in fractions, pool by pool; (None, 0) where it fails."""
    law = defaultdict(Fraction)

    def go(x, w, p):
        if len(x) == tree.horizon:
            law[x, w] += p
            return
        for pool in itertools.product(tree.kernel[x], repeat=n):
            chance = p * math.prod(q for q, _ in pool)
            ratio = [tree.hat[c] / tree.hat[x] for _, c in pool]
            if not sum(ratio):
                law[None, Fraction(0)] += chance
                continue
            for r, (_, c) in zip(ratio, pool, strict=True):
                if r:
                    go(c, w * sum(ratio) / n, chance * r / sum(ratio))

    go((), tree.hat[()], Fraction(1))
    return law


def chain(tree, n, steps, *, accept=lambda new, old: min(Fraction(1), new / old)):
    """Law of the path after so many steps, atom by atom."""
    q = pools(tree, n)
    p = dict(q)
    for _ in range(steps):
        after = defaultdict(Fraction)
        for (x, w), here in p.items():
            for (y, v), there in q.items():
                moves = Fraction(1) if w == 0 else accept(v, w)
                after[y, v] += here * there * moves
                after[x, w] += here * there * (1 - moves)
        p = after
    law = defaultdict(Fraction)
    for (x, _), here in p.items():
        law[x] += here
    return law


@pytest.mark.slow
@given(problem=problems(max_leaves=8, max_horizon=3), n=st.integers(1, 2), steps=st.integers(0, 2))
def test_the_law_is_that_of_the_chain(problem, n, steps):
    tree = Tree(problem)
    right = chain(tree, n, steps)
    law = PoolMetropolis(n, steps).exact_law(problem)
    for y, p in zip(law.tokens.tolist(), law.law, strict=True):
        assert p == pytest.approx(float(right[tuple(y)]), abs=1e-12)
    assert law.failure == pytest.approx(float(right[None]), abs=1e-12)


WRONG = {
    "always accepted": lambda new, old: Fraction(1),
    "ratio upside down": lambda new, old: min(Fraction(1), old / new) if new else Fraction(0),
    "Barker": lambda new, old: new / (new + old),
}


@pytest.mark.parametrize("name", WRONG)
def test_another_acceptance_is_another_law(name):
    wrong = chain(Tree(reference(2)), 2, 2, accept=WRONG[name])
    law = PoolMetropolis(2, 2).exact_law(reference(2))
    gap = [
        abs(p - float(wrong[tuple(y)])) for y, p in zip(law.tokens.tolist(), law.law, strict=True)
    ]
    assert max(gap) > 1e-3


def test_steps_converge_to_the_target():
    errors = [PoolMetropolis(2, steps).exact_law(reference(3)).tv for steps in (0, 1, 4, 16, 400)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-9


def test_no_step_is_action_level_importance_sampling():
    problem = reference(3)
    ours, theirs = PoolMetropolis(3, 0), ActionImportanceSampling(3)
    assert ours.exact_law(problem).law == pytest.approx(theirs.exact_law(problem).law, abs=1e-12)
    assert (ours.run(problem, 50, rng=1).states == theirs.run(problem, 50, rng=1).states).all()


def test_costs_are_those_of_all_proposals():
    runs = PoolMetropolis(3, 4).run(reference(2), 5, rng=1)
    assert (runs.prm_evaluations == 5 * 3 * 2).all()
    assert (runs.model_calls == 5 * 2).all()


@parametrize_with_clauses(PoolMetropolis(2, 3))
def test_contract(sampler, clause):
    clause(sampler)


def test_a_wrong_acceptance_shows_in_the_draws(monkeypatch):
    problem, sampler = reference(3), PoolMetropolis(2, 4)
    right = sampler.run(problem, 200, rng=1).states
    monkeypatch.setattr(module, "_accepts", lambda here, there, u: ~there.failed)
    assert (sampler.run(problem, 200, rng=1).states != right).any()


def test_texts_are_drawn():
    problem = reference(2)
    runs = PoolMetropolis(2, 3).run(as_language_model(problem), 400, rng=1)
    law = PoolMetropolis(2, 3).exact_law(problem).law
    seen = np.bincount(runs.states, minlength=law.size) / 400
    assert abs(seen - law).max() < 6 * 0.5 / 20  # six standard deviations


def test_too_much_work_is_refused():
    with pytest.raises(TooLargeError, match="cloud transitions"):
        PoolMetropolis(4).exact_law(reference(4), limit=100)
