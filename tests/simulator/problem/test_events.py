"""Problems made of an event: same clouds up to level H - 1, another reward at the end (T0)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.exact.cloud import final_clouds
from simulator.problem.events import chance_ahead, check_event, earning, restricted, shortened
from simulator.problem.families.product import product
from simulator.problem.families.reference import reference
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from tests.support.prefixes import Tree, real


def events(size):
    return st.lists(st.booleans(), min_size=size, max_size=size).map(np.array)


@given(problems(max_leaves=16), st.data())
@settings(max_examples=60)
def test_the_chance_ahead_is_that_of_the_tokens(problem, data):
    event = data.draw(events(int(problem.model.n_states[-1])))
    tree, found = Tree(problem, real), chance_ahead(problem, event)
    seen = np.zeros(found.size)
    for x in tree.levels[-2]:
        if tree.hat[x] > 0:
            seen[tree.state[x]] = sum(q for q, c in tree.kernel[x] if event[tree.state[c]])
    assert found == pytest.approx(seen, abs=1e-12)


@given(problems(max_leaves=16, max_horizon=3), st.data())
@settings(max_examples=60)
def test_a_run_that_earns_nothing_fails_and_the_parts_add_up(problem, data):
    event = data.draw(events(int(problem.model.n_states[-1])))
    tree = Tree(problem, real)
    for make, reward in (
        (restricted, lambda y: tree.v[y] * event[tree.state[y]]),
        (earning, lambda y: float(event[tree.state[y]]) * tree.factor[y[:-1]]),
    ):
        want = sum(tree.p[y] * reward(y) for y in tree.paths)
        if want == 0:
            with pytest.raises(InputError, match="zero"):
                make(problem, event)
            continue
        made = make(problem, event)
        assert np.exp(made.log_z) == pytest.approx(want, rel=1e-9)
        inner = int(problem.model.state_start[-2])
        assert (made.log_prm_flat[:inner] == problem.log_prm_flat[:inner]).all()


def test_a_problem_that_stops_earlier_has_the_clouds_of_the_longer_one():
    problem = reference(3)
    before = shortened(problem)
    values = problem.prm[2]
    marginal = np.exp(problem.forward_backward.log_forward[3:7])
    assert before.target[-1] == pytest.approx(marginal * values / (marginal @ values), abs=1e-12)
    assert before.horizon == 2
    law, every = SMC(3).exact_law(before).law, np.ones(8, dtype=bool)
    # a proposal of level 3 has parent x with probability nu^_2(x), on average
    seen = np.zeros(8)
    for states, _, p in final_clouds(earning(problem, every), SMC(3)):
        np.add.at(seen, states, np.broadcast_to(p[:, None] / 3, states.shape))
    assert seen.reshape(4, 2).sum(axis=1) == pytest.approx(law, abs=1e-12)


def test_long_chains_keep_their_shared_tables():
    assert len(shortened(product(1000)).model.tables) == len(product(1000).model.tables)


@pytest.mark.parametrize("event", [[0, 1], [True], [[True, False]]])
def test_what_is_no_event_is_named(event):
    with pytest.raises(InputError, match="correct: not an array of truth values"):
        check_event(reference(1), event)
