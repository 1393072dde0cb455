"""[P E.1]: VGB until its (N+1)-st visit to s, and SMC-IND with N particles, visit alike."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.reference import reference
from simulator.samplers.backtracking import coupling
from simulator.samplers.backtracking.coupling import couple, coupling_table
from simulator.samplers.backtracking.sampler import Backtracking
from simulator.samplers.branching.sampler import SMCIndependent
from simulator.strategies import problems
from tests.support.prefixes import Tree
from tests.support.wandering import INDEPENDENT_MUTANTS, chances


def walk_function(tree, n, z, mutant=None):
    """E[prod over x of z_x^(visits)] of VGB until its n-th return to s, by one linear system.

    The state is (returns, place); a visit of x counts when entered from the parent.
    """
    places = ["s", *(x for level in tree.levels for x in level if tree.hat[x] > 0)]
    index = {(k, x): k * len(places) + i for k in range(n) for i, x in enumerate(places)}
    a, b = np.eye(len(index)), np.zeros(len(index))
    for (k, x), i in index.items():
        if x == "s":
            a[i, index[k, ()]] -= z[()]
            continue
        leaf = len(x) == tree.horizon
        p, children = (1, []) if leaf else chances(tree, x)
        for q, c in children:
            a[i, index[k, c]] -= float((1 - p) * q) * z[c]
        if x == ():
            if k + 1 == n:
                b[i] += float(p)
            else:
                a[i, index[k + 1, "s"]] -= float(p)
        else:
            to = () if leaf and mutant == "leaf to root" else x[:-1]
            a[i, index[k, to]] -= float(p) * (z[to] if mutant == "both ways" else 1.0)
    return np.linalg.solve(a, b)[index[0, "s"]]


def branch_function(tree, n, z, mutant=None):
    """The same of SMC-IND with n particles, by generating functions of offspring."""

    def particle(x):
        if len(x) == tree.horizon:
            return z[x]
        p, children = chances(tree, x, mutant)
        p = float(1 - p if mutant == "swapped" else p)
        if not children:
            return z[x]
        child = sum(float(q) * particle(c) for q, c in children)
        first = child if mutant == "from one" else 1.0
        return z[x] * first * p / (1 - (1 - p) * child)

    return particle(()) ** n


def points(tree, seed):
    rng = np.random.default_rng(seed)
    return {x: rng.uniform(0.2, 1.0) for level in tree.levels for x in level}


@settings(max_examples=80)
@given(problems(max_leaves=9, max_horizon=3), st.integers(1, 3), st.integers(0, 99))
def test_both_laws_have_one_generating_function(problem, n, seed):
    tree = Tree(problem)
    z = points(tree, seed)
    assert walk_function(tree, n, z) == pytest.approx(branch_function(tree, n, z), rel=1e-11)


@pytest.mark.parametrize("mutant", [*INDEPENDENT_MUTANTS, "leaf to root", "both ways"])
def test_a_wrong_rule_breaks_the_equality(mutant):
    tree = Tree(reference(2))
    z = points(tree, 1)
    walk = walk_function(tree, 2, z, mutant)
    assert abs(walk / branch_function(tree, 2, z, mutant) - 1) > 1e-3


@settings(max_examples=60)
@given(problems(max_leaves=27), st.integers(1, 6), st.integers(0, 2**32))
def test_coupled_runs_visit_the_same_prefixes_equally_often(problem, n, seed):
    run = couple(problem, n, seed)
    assert run.walk == run.particles
    assert run.walk[()] == n
    assert run.steps == 2 * run.walk.total()


def counted_when_entered_from_a_child(right):
    """The walk leaves each prefix to its parent as often as it enters it."""

    def walk(*arguments):
        entered, steps = right(*arguments)
        from_below = Counter()
        for x, times in entered.items():
            if x:
                from_below[x[:-1]] += times
        return entered + from_below, steps

    return walk


class OneMove:
    """Lists of moves that answer "parent" after each child, without reading on."""

    def __init__(self, moves):
        self.problem, self.moves = moves.problem, moves
        self.read, self.stop = Counter(), set()

    def get(self, x, i):
        parent = self.problem.model.n_actions
        if x in self.stop:
            self.stop.remove(x)
            return parent
        a = self.moves.get(x, self.read[x])
        self.read[x] += 1
        if a < parent:
            self.stop.add(x)
        return a


# name: (function, the wrong one made of the right one)
WRONG = {
    "counted when entered from a child": ("_walk", counted_when_entered_from_a_child),
    "leaf to root": ("_parent", lambda right: lambda x: right(x) if len(x) < 3 else ()),
    "one visit fewer": ("_walk", lambda right: lambda moves, n, most: right(moves, n - 1, most)),
    "one child at most": ("_branch", lambda right: lambda moves, n: right(OneMove(moves), n)),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_function_breaks_the_coupling(name, monkeypatch):
    function, wrong = WRONG[name]
    problem = reference(3)
    assert all(row["equal"] for row in coupling_table(problem, 4, 20, 1))
    monkeypatch.setattr(coupling, function, wrong(getattr(coupling, function)))
    assert not all(row["equal"] for row in coupling_table(problem, 4, 20, 1))


def hoeffding(n_runs):
    """P(|mean - E| >= x) <= 2 exp(-2 n x^2) = 1e-9 for variables in [0, 1]."""
    return math.sqrt(math.log(2e9) / (2 * n_runs))


@pytest.mark.slow
@pytest.mark.parametrize("s", [0.0, 0.8])
def test_coupled_runs_have_the_law_of_smc_ind(s):
    # E[s^K], K leaves: false failure 1e-9; catches another N, for which it differs by 0.1
    problem, n, n_runs = reference(3), 2, 3000
    rows = coupling_table(problem, n, n_runs, 7)
    seen = np.mean([s ** row["leaves"] for row in rows])
    tree = Tree(problem)
    z = {x: s if len(x) == 3 else 1.0 for level in tree.levels for x in level}
    assert abs(seen - branch_function(tree, n, z)) < hoeffding(n_runs) < 0.06
    assert abs(seen - branch_function(tree, n + 1, z)) > 0.06


@pytest.mark.parametrize("sampler", [SMCIndependent(2), Backtracking(2, "visits")], ids=str)
@pytest.mark.parametrize("s", [0.9, 0.95])
def test_costs_have_the_law_of_the_visits_of_prefixes_that_are_no_leaves(sampler, s):
    # E[s^calls]: false failure 1e-9; catches a cost of leaves, or none of the root
    problem, n_runs = reference(3), 100_000
    seen = (s ** sampler.run(problem, n_runs, rng=3).model_calls).mean()
    tree = Tree(problem)

    def expected(levels):
        z = {x: s if len(x) in levels else 1.0 for level in tree.levels for x in level}
        return branch_function(tree, 2, z)

    assert abs(seen - expected({0, 1, 2})) < hoeffding(n_runs)
    for wrong in ({0, 1, 2, 3}, {1, 2}):
        assert abs(expected(wrong) - expected({0, 1, 2})) > 2 * hoeffding(n_runs)


def test_table_and_refusals():
    rows = coupling_table(reference(3), 2, 5, 3)
    assert rows == coupling_table(reference(3), 2, 5, 3)
    assert rows != coupling_table(reference(3), 2, 5, 4)
    assert [row["run"] for row in rows] == list(range(5))
    run = couple(reference(3), 2, np.random.SeedSequence(3, spawn_key=(0,)))
    assert isinstance(run.walk, Counter)
    assert rows[0]["visits"] == run.walk.total()
    assert rows[0]["prefixes"] == len(run.walk)
    with pytest.raises(TooLargeError, match="more than 3 steps"):
        couple(reference(3), 2, 1, max_steps=3)
    for call in (lambda: couple(reference(3), 0, 1), lambda: coupling_table(reference(3), 2, 0, 1)):
        with pytest.raises(InputError, match="whole number"):
            call()
