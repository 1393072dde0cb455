"""Packed edges: the alias tables draw pi_ref, the weights are edge reward x V^ ratio."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulator.samplers.smc.edge_tables as tables_module
from simulator.errors import InputError
from simulator.problem.families.product import product
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.strategies import problems


def outcomes(problem, h, state):
    """(mass, token, next state, log weight) of both outcomes of each cell of a row."""
    t, a = edge_tables(problem), problem.model.n_actions
    for cell in range(a):
        i = int(t.cell_start[h]) // 4 + state * a + cell
        for side, mass in enumerate((t.threshold[i], 1 - t.threshold[i])):
            with np.errstate(divide="ignore"):
                w = np.log(t.weight[i, side])
            token, child = int(t.action[2 * i + side]), int(t.next_state[i, side])
            yield mass / a, token, child, w + t.log_scale[h]


def one_step(row):
    return Problem(TabularModel.tree([[row]]), np.ones(len(row)), "exact")


def climb(steps):
    """One state a level, two tokens; the weight of stage h is e^steps[h]."""
    log_prm = np.concatenate([[0.0], np.cumsum(steps)])
    table, stay = np.array([[0.5, 0.5]]), np.array([[0, 0]])
    model = TabularModel([table] * len(steps), [stay] * len(steps))
    return Problem.from_log(model, log_prm[-1:], log_prm)


@st.composite
def rows(draw):
    numbers = st.one_of(st.sampled_from([0.0, 1e-300, 1e-17, 1.0]), st.floats(0, 1))
    row = np.array(draw(st.lists(numbers, min_size=1, max_size=30)))
    if not row.sum() > 1e-3:
        row[draw(st.integers(0, row.size - 1))] = 1.0
    return row / row.sum()


@given(rows())
def test_masses_of_both_outcomes_add_up_to_the_probabilities(row):
    mass = np.zeros(row.size)
    for m, token, _, _ in outcomes(one_step(row), 0, 0):
        assert 0 <= m <= 1 / row.size
        mass[token] += m
    np.testing.assert_allclose(mass, row, rtol=0, atol=1e-14)


@given(rows())
def test_a_token_of_probability_zero_is_never_an_outcome(row):
    assert all(row[token] > 0 for m, token, _, _ in outcomes(one_step(row), 0, 0) if m > 0)


@pytest.mark.parametrize("n_actions", [*range(1, 70), 1000, 50257])
def test_the_largest_uniform_falls_into_the_last_cell(n_actions):
    assert int((1 - 2**-53) * n_actions) == n_actions - 1


@given(problems(max_leaves=27))
def test_outcomes_lead_to_the_right_state_with_the_right_weight(problem):
    v = problem.prm
    for h in range(problem.horizon):
        p, nxt = problem.model.probs[h], problem.model.next_state[h]
        for s in range(p.shape[0]):
            for mass, token, child, log_weight in outcomes(problem, h, s):
                assert child == nxt[s, token]
                w = 0.0
                if p[s, token] > 0 and v[h][s] > 0:
                    edge = 1.0 if problem.edge_reward is None else problem.edge_reward[h][s][token]
                    w = edge * v[h + 1][child] / v[h][s]
                if mass > 0:
                    assert np.exp(log_weight) == pytest.approx(w, rel=1e-12)


def test_a_level_whose_rows_would_leave_32_bits_is_refused(monkeypatch):
    monkeypatch.setattr(tables_module, "MOST", 9)
    assert edge_tables(one_step([0.25, 0.25, 0.5])).next_state.max() == 2
    with pytest.raises(InputError, match=r"^a level has 4 states, more than 2\^30/4$"):
        edge_tables(one_step([0.25] * 4))


def test_equal_stages_share_their_cells():
    t = edge_tables(product(1000))
    assert set(t.cell_start) == {0}
    assert t.cells.size == 2 * 4
    assert t.action.size == 2 * 2


def test_a_cell_never_lies_in_two_cache_lines():
    for horizon in range(1, 9):
        t = edge_tables(climb(np.arange(horizon)))
        assert t.cells.ctypes.data % 64 == 0
        assert np.shares_memory(t.cells, t.rows)


def test_stages_that_differ_in_v_only_do_not_share():
    t = edge_tables(climb([0.5, 0.25, 0.5]))
    assert t.cell_start.tolist() == [0, 8, 0]
    assert t.cells.size == 2 * 2 * 4


@pytest.mark.parametrize("step", [-1e4, -301.0, -299.0, 0.0, 299.0, 301.0, 1e4])
def test_weights_beyond_e300_are_scaled_and_others_are_not(step):
    problem = climb([0.5, step, 0.5])
    t = edge_tables(problem)
    assert t.log_scale.tolist() == [0.0, step if abs(step) > 300 else 0.0, 0.0]
    for *_, log_weight in outcomes(problem, 1, 0):
        assert log_weight == pytest.approx(step, rel=1e-12)


@pytest.mark.parametrize(("low", "fits"), [(-479.0, True), (-481.0, False)])
def test_a_stage_may_span_e480_and_no_more(low, fits):
    model = TabularModel.tree([[[1.0, 0.0]], [[0.5, 0.5], [0.5, 0.5]]])
    problem = Problem.from_log(model, [0.0, low, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, low, 0.0, 0.0])
    if fits:
        assert min(w for *_, w in outcomes(problem, 1, 0)) == pytest.approx(low, rel=1e-12)
        return
    with pytest.raises(InputError, match=r"^stage 1: .*e\^480$"):
        edge_tables(problem)


def test_edges_that_no_particle_takes_do_not_count_for_the_span():
    model = TabularModel.tree([[[0.5, 0.5, 0.0]]])
    problem = Problem.from_log(model, [0.0, -np.inf, -1e5], [0.0, 0.0, -np.inf, -1e5])
    assert edge_tables(problem).log_scale.tolist() == [0.0]


def test_tables_are_built_once_and_die_with_the_problem():
    problem = climb([1.0])
    tables, alive = edge_tables(problem), weakref.ref(problem)
    assert edge_tables(problem) is tables
    del problem
    gc.collect()
    assert alive() is None
