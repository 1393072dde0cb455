"""Base models: layout of trees, validation, and tables that long horizons share."""

import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.model import TabularModel

FAIR = [[0.5, 0.5]]


def end(model, tokens):
    """State in which a sequence of tokens ends."""
    state = 0
    for h, token in enumerate(tokens):
        state = model.next_state[h][state, token]
    return state


@pytest.mark.parametrize(("actions", "horizon"), [(1, 3), (2, 4), (3, 3), (5, 2)])
def test_the_state_of_a_tree_is_its_tokens_read_as_digits(actions, horizon):
    row = [1 / actions] * actions
    model = TabularModel.tree([[row] * actions**h for h in range(horizon)])
    ends = [end(model, tokens) for tokens in product(range(actions), repeat=horizon)]
    assert ends == list(range(actions**horizon))  # itertools lists in lexicographic order
    assert model.n_states.tolist() == [actions**h for h in range(horizon + 1)]


def test_omitted_next_state_is_a_tree_stage():
    mixed = TabularModel([FAIR, [[0.5, 0.5]] * 2], [None, [[0, 0], [1, 1]]])
    assert mixed.next_state[0].tolist() == [[0, 1]]
    assert mixed.n_states.tolist() == [1, 2, 2]


def test_end_of_sequence_is_absorbing():
    # state 0 alive, 1 ended; token 1 ends
    first, later = [[0.75, 0.25]], [[0.75, 0.25], [0.0, 1.0]]
    model = TabularModel([first, later, later], [[[0, 1]], [[0, 1], [1, 1]], [[0, 1], [1, 1]]])
    law = np.array([1.0])
    for p, nxt in zip(model.probs, model.next_state, strict=True):
        after = np.zeros(2)
        np.add.at(after, nxt, law[:, None] * p)
        law = after
    assert law == pytest.approx([0.75**3, 1 - 0.75**3], abs=1e-15)


def test_n_terminal_names_states_that_no_edge_enters():
    assert TabularModel([FAIR], [[[0, 0]]]).n_states.tolist() == [1, 1]
    assert TabularModel([FAIR], [[[0, 0]]], n_terminal=3).n_states.tolist() == [1, 3]


@pytest.mark.slow
def test_many_levels_with_two_tables_stay_small():
    first, later = np.array(FAIR), np.array([[0.5, 0.5], [0.1, 0.9]])
    fork, stay = np.array([[0, 1]]), np.array([[0, 0], [1, 1]])
    horizon = 10**5
    tracemalloc.start()
    try:
        model = TabularModel([first] + [later] * (horizon - 1), [fork] + [stay] * (horizon - 1))
        assert model.horizon == horizon
        assert len(model.tables) == 2
        # two pointers a level for each list, one index, one size, one offset: far below the
        # 300 bytes or more that a table of its own would take
        assert tracemalloc.get_traced_memory()[1] < 100 * horizon
    finally:
        tracemalloc.stop()
    assert np.bincount(model.stage_table).tolist() == [1, horizon - 1]
    assert model.probs[1] is model.probs[-1]
    assert int(model.state_start[-1]) == 1 + 2 * horizon


def test_equal_tables_that_are_not_one_object_are_not_merged():
    model = TabularModel([np.array(FAIR), np.array(FAIR)], [np.array([[0, 0]])] * 2)
    assert len(model.tables) == 2


def test_tables_are_read_only_copies():
    p, nxt = np.array(FAIR), np.array([[0, 1]])
    model = TabularModel([p], [nxt])
    p[:], nxt[:] = 0.0, 0
    assert model.probs[0].tolist() == FAIR
    assert model.next_state[0].tolist() == [[0, 1]]
    for array in (model.probs[0], model.next_state[0], model.n_states):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(lambda x: sum(x) > 0.01))
def test_rows_within_1e9_of_one_are_rescaled(row):
    row = np.array(row) / sum(row)
    model = TabularModel([[row * (1 + 9e-10)]])
    assert model.probs[0].sum() == pytest.approx(1, abs=1e-14)
    assert model.probs[0][0] == pytest.approx(row, rel=1e-13)
    for factor in (1 + 2e-9, 1 - 2e-9):
        with pytest.raises(InputError, match="stage 0, row 0: probabilities sum to"):
            TabularModel([[row * factor]])


def test_split_cuts_the_flat_order_into_levels():
    model = TabularModel.tree([FAIR, FAIR * 2])
    assert [x.tolist() for x in model.split(np.arange(7.0))] == [[0], [1, 2], [3, 4, 5, 6]]
    assert model.state_start.tolist() == [0, 1, 3, 7]


BAD = {
    "no stage": (([],), "stages: at least one"),
    "lengths": (([FAIR], [None, None]), "next_state has 2 stages but probs has 1"),
    "row sum": (([[[0.5, 0.4]]],), "stage 0, row 0: probabilities sum to 0.9"),
    "negative": (([FAIR, [[1.0, 0.0], [1.5, -0.5]]],), "stage 1, row 1: probability -0.5"),
    "nan": (([[[np.nan, 1.0]]],), "stage 0, row 0: probability nan"),
    "infinite": (([[[np.inf, 0.0]]],), "stage 0, row 0: probability inf"),
    "boolean": (([np.array([[True, False]])],), "stage 0, row 0: probs holds True"),
    "text": (([[["1", 0]]],), "stage 0, row 0: probs holds '1'"),
    "complex": (([np.array([[1 + 0j, 0]])],), "stage 0, row 0: probs holds"),
    "huge": (([[[10**400, 0]]],), "stage 0, row 0: probs holds a number beyond"),
    "ragged": (([FAIR, [[0.5, 0.5], [1.0]]],), "stage 1, row 1: probs has 1 entries"),
    "one dimension": (([np.array([0.5, 0.5])],), "stage 0: probs has 1 dimensions"),
    "flat list": (([[0.5, 0.5]],), "stage 0, row 0: probs is not a list"),
    "empty": (([[]],), "stage 0: probs is empty"),
    "empty rows": (([np.zeros((0, 2))],), "stage 0: probs is empty"),
    "two roots": (([FAIR * 2],), "stage 0: 2 rows, but the root is one state"),
    "actions differ": (([FAIR, [[1.0]] * 2],), "stage 1: 1 actions, but stage 0 has 2"),
    "out of range": (
        ([FAIR, FAIR * 2], [[[0, 2]], None]), "stage 0, row 0: next_state 2 is out of range"),
    "negative index": (([FAIR], [[[0, -1]]]), "stage 0, row 0: next_state -1"),
    "index 0.5": (([FAIR], [[[0, 0.5]]]), "stage 0, row 0: next_state 0.5"),
    "index nan": (([FAIR], [[[0, np.nan]]]), "stage 0, row 0: next_state nan"),
    "index beyond 2^53": (([FAIR], [[[0, 2**60]]]), "stage 0, row 0: next_state"),
    "shape": (([FAIR], [[[0, 1, 2]]]), r"stage 0: next_state has shape \(1, 3\)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_malformed_tables_are_refused_with_stage_and_row(case):
    arguments, message = BAD[case]
    with pytest.raises(InputError, match=message):
        TabularModel(*arguments)


def test_n_terminal_below_the_named_states_is_refused():
    with pytest.raises(InputError, match="stage 0, row 0: next_state 1 is out of range, stage 1"):
        TabularModel([FAIR], n_terminal=1)


def test_a_tree_must_be_full():
    with pytest.raises(InputError, match="stage 1: 3 rows"):
        TabularModel.tree([FAIR, FAIR * 3])
