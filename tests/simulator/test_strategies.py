"""What is drawn is what was asked for, and shrinks to what is small (T1)."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.families.reference import reference
from simulator.problem.model import TabularModel
from simulator.samplers.registry import SAMPLERS
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import _Drawn, _Level, models, prms, problems, samplers
from tests.support.subprocesses import python
from theory.verdict import check

SMALLEST = settings(suppress_health_check=list(HealthCheck), max_examples=500)


def smallest(strategy, wanted):
    return find(strategy, wanted, settings=SMALLEST)


def full_tree(model):
    return all(n == model.n_actions**h for h, n in enumerate(model.n_states))


# --- options -------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(
    models(horizon=3, n_actions=4, tree=False, sparse=False),
    models(max_leaves=9, tree=True),
    models(max_horizon=2),
)
def test_models_are_as_asked_for(automaton, tree, short):
    assert (automaton.horizon, automaton.n_actions) == (3, 4)
    assert automaton.n_states.max() <= 3
    assert all((p > 0).all() for p in automaton.probs)
    assert full_tree(tree)
    assert tree.n_actions**tree.horizon <= 9
    assert short.horizon <= 2


@settings(max_examples=50)
@given(problems(lossy=False, edges=False, zero_rewards=False), problems(edges=True, prm="perfect"))
def test_problems_are_as_asked_for(kept, perfect):
    assert kept.forward_backward.lost_mass == 0
    assert not kept.has_edge_reward
    assert (kept.target[-1] > 0).sum() == np.isfinite(kept.log_reward).sum()
    for exact, values in zip(perfect.log_value, perfect.log_prm, strict=True):
        alive = np.isfinite(exact)
        assert (np.isfinite(values) == alive).all()
        assert np.ptp(values[alive] - exact[alive]) < 1e-12


HARD = {
    "all lost": lambda p: p.forward_backward.lost_mass == 1,
    "lost": lambda p: 0 < p.forward_backward.lost_mass < 1,
    "hopeful": lambda p: (np.isfinite(p.log_prm_flat) & np.isneginf(p.log_value_flat)).any(),
    "deep": lambda p: p.is_tree and p.horizon == 5,
    "edges": lambda p: not p.is_tree and p.has_edge_reward,
    "zero reward": lambda p: np.isneginf(p.log_reward).any(),
    "three tokens": lambda p: p.model.n_actions == 3 and p.horizon >= 2,
    "perfect": lambda p: np.array_equal(p.log_prm_flat, p.log_value_flat),
}


def seen(strategy, kinds, examples):
    """How often each kind comes."""
    counts = Counter()

    @settings(max_examples=examples)
    @given(strategy)
    def count(problem):
        counts.update(name for name, is_one in kinds.items() if is_one(problem))

    count()
    return counts


@pytest.mark.slow
def test_what_makes_statements_fail_is_drawn():
    assert set(seen(problems(), HARD, 300)) == set(HARD)


@settings(max_examples=50)
@given(st.data())
def test_a_prm_fits_its_problem(data):
    problem = data.draw(problems(prm="perfect"))
    values = data.draw(prms(problem, lossy=False))
    assert problem.with_prm(values).forward_backward.lost_mass == 0


def test_samplers_are_as_asked_for():
    chosen = Counter()

    @settings(max_examples=200)
    @given(samplers(), samplers(SMC, "smc-rs", max_particles=2, resampling=["ssp", "single"]))
    def count(any_of_them, one):
        chosen[type(any_of_them)] += 1
        chosen[getattr(one, "resampling", "none")] += 1
        assert any_of_them.n_particles <= 4
        assert one.n_particles <= 2

    count()
    assert {*SAMPLERS.values(), "ssp", "single", "none"} == set(chosen)


# --- extreme numbers -----------------------------------------------------------------------------


EXTREME = {
    "tiny": lambda p: p.log_prm_flat[np.isfinite(p.log_prm_flat)].min() < -400,
    "huge": lambda p: p.log_prm_flat.max() > 400,
    "rounded": lambda p: any((t.sum(axis=1) != 1).any() for t in p.model.probs),
    "rare": lambda p: any(((t > 0) & (t < 1e-15)).any() for t in p.model.probs),
}


@pytest.mark.slow
def test_extreme_numbers_are_drawn():
    assert set(seen(problems(extreme=True, max_horizon=3), EXTREME, 100)) == set(EXTREME)
    assert not set(seen(problems(max_horizon=3), EXTREME, 50)) - {"rounded"}


@settings(max_examples=25)
@given(
    problems(max_leaves=9, max_horizon=3, extreme=True),
    samplers("smc", "smc-rs", "sis", max_particles=3),
)
def test_statements_hold_at_extreme_numbers(problem, sampler):
    assert all(1e-300 < v < 1e300 for level in problem.prm for v in level[level > 0])
    report = check(problem, sampler)
    assert 0 <= report.error.value <= 1 + 1e-12
    assert {v.status for v in report.verdicts} == {"holds"}


# --- small examples ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "wanted",
    [
        lambda p: SMC(2).exact_law(p).tv > 0.3,
        lambda p: SMC(1).exact_law(p).failure > 0.5,
        lambda p: p.log_z < -1 and len(p.lost_states) > 0,
    ],
)
def test_examples_shrink_to_two_levels_of_two_tokens(wanted):
    found = smallest(problems(max_leaves=9), wanted)
    assert found.horizon <= 2
    assert found.model.n_actions == 2


def test_dead_tokens_are_left_out_of_trees_and_automata():
    rng = np.random.default_rng(1)

    def level(n, a, m, tree):
        law = rng.random((n, a)) * ([1, 0, 1] if a == 3 else 1)
        moves = np.arange(n * a) if tree else rng.integers(0, m, n * a)
        edge = rng.random((n, a))
        law /= law.sum(axis=1, keepdims=True)
        return _Level(law, moves.reshape(n, a), edge, np.arange(1.0, m + 1), False)

    tree = _Drawn(True, [level(1, 3, 3, True), level(3, 3, 9, True)])
    kept = tree.without_dead_tokens()
    assert kept.levels[-1].numbers.tolist() == [1, 3, 7, 9]
    assert np.array_equal(kept.levels[1].law, tree.levels[1].law[[0, 2]][:, [0, 2]])
    shared = _Drawn(False, [level(1, 3, 2, False), level(2, 3, 3, False)])
    kept = shared.without_dead_tokens()
    assert np.array_equal(kept.levels[1].moves, shared.levels[1].moves[:, [0, 2]])
    assert kept.levels[1].numbers.tolist() == [1, 2, 3]
    alive = _Drawn(True, [level(1, 2, 2, True)])
    assert alive.without_dead_tokens() is alive
    certain = _Level(
        np.array([[0.0, 0, 1]]), np.arange(3)[None], np.ones((1, 3)), np.ones(3), False
    )
    assert _Drawn(True, [certain]).without_dead_tokens().levels[0].law.tolist() == [[0.0, 1.0]]


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: models(horizon=0), "horizon: 0"),
        (lambda: models(n_actions=1), "n_actions: 1"),
        (lambda: problems(max_leaves=1), "max_leaves: 1"),
        (lambda: problems(prm="best"), "prm: 'best'"),
        (lambda: prms(reference(2), prm="best"), "prm: 'best'"),
        (lambda: samplers("nothing"), "sampler 'nothing' is not known"),
        (lambda: samplers(TabularModel), "TabularModel: not a dataclass"),
        (lambda: samplers("sis", resampling=["ssp"]), "option 'resampling': none of the samplers"),
        (lambda: samplers("smc", resampling="ssp"), "option 'resampling': 'ssp' is not a list"),
        (lambda: samplers("smc", resampling=[]), r"option 'resampling': \[\] is not a list"),
        (lambda: samplers("smc", max_particles=0), "max_particles: 0"),
    ],
)
def test_bad_arguments_are_told_in_a_line(make, line):
    with pytest.raises(InputError, match=line) as told:
        make()
    assert len(str(told.value).splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("module", ["simulator.strategies", "theory.testing"])
def test_without_hypothesis_one_line_says_what_to_install(module):
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "from simulator.errors import InputError\n"
        f"try:\n    import {module}\nexcept InputError as fault:\n    print(fault)\n"
    )
    line = "property tests need one more package: pip install 'particlebounds[test]'\n"
    assert python(code) == line


@pytest.mark.slow
def test_nothing_else_loads_hypothesis():
    code = (
        "import sys, simulator, theory, theory.verdict, scripts.cli.app\n"
        "[getattr(simulator, name) for name in simulator.__all__]\n"
        "print('hypothesis' in sys.modules)"
    )
    assert python(code) == "False\n"
