"""Problems: values against enumeration of all sequences, validation, digests."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given

from simulator.errors import InputError
from simulator.problem.model import TabularModel
from simulator.problem.prms import ConstantPRM
from simulator.problem.problem import PRM, Problem
from simulator.strategies import problems

FAIR = [[0.5, 0.5]]
TREE = TabularModel.tree([FAIR, [[0.9, 0.1], [0.2, 0.8]]])


def paths(problem):
    """(states, pi_ref, product of edge rewards and reward) of every sequence."""
    model = problem.model
    for tokens in product(range(model.n_actions), repeat=problem.horizon):
        states, p, r = [0], 1.0, 1.0
        for h, a in enumerate(tokens):
            s = states[-1]
            p *= model.probs[h][s, a]
            if problem.edge_reward is not None and problem.edge_reward[h] is not None:
                r *= np.asarray(problem.edge_reward[h])[s, a]
            states.append(int(model.next_state[h][s, a]))
        yield states, p, r * problem.reward[states[-1]]


@given(problems(max_leaves=27))
def test_z_and_target_agree_with_all_sequences(problem):
    z = 0.0
    marginal = [np.zeros(n) for n in problem.model.n_states]
    for states, p, r in paths(problem):
        z += p * r
        for h, s in enumerate(states):
            marginal[h][s] += p * r
    assert np.exp(problem.log_z) == pytest.approx(z, rel=1e-12)
    for found, expected in zip(problem.target, marginal, strict=True):
        assert found == pytest.approx(expected / z, abs=1e-12)


@given(problems(max_leaves=27))
def test_lost_states_are_those_the_target_visits_where_the_prm_is_zero(problem):
    visited = {(h, s) for states, p, r in paths(problem) if p * r > 0 for h, s in enumerate(states)}
    lost = [(h, s) for h, s in sorted(visited) if problem.prm[h][s] == 0]
    assert problem.lost_states == lost


def test_values_of_a_small_tree_by_hand():
    problem = Problem(TREE, [0.0, 1.0, 2.0, 1.0], "exact")
    assert problem.value[1] == pytest.approx([0.1, 1.2], abs=1e-15)
    assert problem.log_z == pytest.approx(np.log(0.65), abs=1e-15)
    assert problem.is_tree
    assert problem.horizon == 2


def test_edge_rewards_multiply_along_the_path():
    # one state; token 1 doubles on the first stage and triples on the last, the second is plain
    fair, stay = np.array(FAIR), np.array([[0, 0]])
    problem = Problem(
        TabularModel([fair] * 3, [stay] * 3), [1.0], "exact",
        edge_reward=[[[1, 2]], None, [[1, 3]]],
    )  # fmt: skip
    assert problem.has_edge_reward
    assert problem.log_z == pytest.approx(np.log(1.5 * 1.0 * 2.0), abs=1e-15)
    assert not problem.is_tree


def test_all_edge_rewards_none_is_no_edge_reward():
    problem = Problem(TREE, np.ones(4), "exact", edge_reward=[None, None])
    assert not problem.has_edge_reward
    assert problem.edge_reward is None


def test_a_graph_that_is_reached_by_one_path_each_counts_as_a_tree():
    move = [[0, 1]]
    one_way = TabularModel([FAIR, [[1.0, 0.0]] * 2], [move, [[1, 0], [0, 1]]])
    both = TabularModel([FAIR, FAIR * 2], [move, [[1, 0], [0, 1]]])
    assert Problem(one_way, [1, 1], "exact").is_tree
    assert not Problem(both, [1, 1], "exact").is_tree


def test_the_scale_of_the_prm_below_the_leaves_is_free():
    problem = Problem(TREE, np.ones(4), [[100.0], [1e-3, 7.0], np.ones(4)])
    assert problem.prm[0] == pytest.approx([100.0])
    assert problem.log_z == pytest.approx(0, abs=1e-15)


def test_the_leaves_take_the_exact_reward_when_v_is_within_1e9():
    reward = np.array([1.0, 2.0, 3.0, 0.0])
    problem = Problem(TREE, reward, [[1.0], [1.0, 1.0], reward * (1 + 5e-10)])
    assert (problem.log_prm[-1] == problem.log_reward).all()
    with pytest.raises(InputError, match="prm: stage 2, row 0"):
        Problem(TREE, reward, [[1.0], [1.0, 1.0], reward * (1 + 2e-9)])


def test_with_prm_keeps_model_and_reward():
    problem = Problem(TREE, [1, 2, 3, 4], "exact", name="n")
    for prm in (ConstantPRM(), [[1.0], [1.0, 1.0], [1, 2, 3, 4]]):
        other = problem.with_prm(prm)
        assert other.prm[1].tolist() == [1.0, 1.0]
        assert other.log_z == problem.log_z
        assert other.name == "n"
    assert other.with_prm("exact").digest == problem.digest


@pytest.mark.parametrize("prm", ["typo", "Exact", "", 3, None, [[1.0], [1.0, 1.0]]])
def test_with_prm_refuses_what_the_constructor_refuses_in_the_same_words(prm):
    problem = Problem(TREE, [1, 2, 3, 4], "exact")
    told = []
    for call in (lambda: Problem(TREE, [1, 2, 3, 4], prm), lambda: problem.with_prm(prm)):
        with pytest.raises(InputError, match=r"\Aprm: [^\n]*\Z") as refused:
            call()
        told.append(str(refused.value))
    assert told[0] == told[1]
    if isinstance(prm, str):
        assert told[0] == f'prm: {prm!r} is not known, only "exact" or a list is'


def test_exact_is_the_value_in_the_constructor_and_in_with_prm():
    problem = Problem(TREE, [1, 2, 3, 4], [[1.0], [5.0, 0.1], [1, 2, 3, 4]])
    for made in (Problem(TREE, [1, 2, 3, 4], "exact"), problem.with_prm("exact")):
        assert made.prm[1] == pytest.approx([1.1, 3.8], abs=1e-15)
        assert made.prm[0] == pytest.approx([2.45], abs=1e-15)


def test_any_object_with_log_values_is_a_prm():
    class Twice:
        def log_values(self, problem):
            out = problem.log_value_flat + np.log(2)
            out[problem.model.state_start[-2] :] = problem.log_reward
            return out

    assert isinstance(Twice(), PRM)
    assert Problem(TREE, np.ones(4), Twice()).prm[1] == pytest.approx([2, 2])


def test_rewards_beyond_the_range_of_floats():
    problem = Problem.from_log(TREE, np.full(4, 5000.0), np.full(7, 5000.0))
    assert problem.log_z == pytest.approx(5000, abs=1e-9)
    assert problem.target[1] == pytest.approx([0.5, 0.5], abs=1e-12)


def test_a_prm_given_as_an_array_is_not_changed():
    flat = np.log(np.array([1.0, 1, 1, 1 + 1e-10, 1, 1, 1]))
    before = flat.copy()
    Problem.from_log(TREE, np.zeros(4), flat)
    assert (flat == before).all()


# digest


def shared_and_not():
    fair, stay = np.array(FAIR), np.array([[0, 0]])
    gain = np.array([[0.5, 1.5]])
    for copied in (lambda x: x, np.copy):
        model = TabularModel([copied(fair) for _ in range(4)], [copied(stay) for _ in range(4)])
        yield Problem(model, [1.0], "exact", edge_reward=[copied(gain) for _ in range(4)])


def test_the_digest_ignores_sharing_and_name():
    one, four = shared_and_not()
    assert (len(one.model.tables), len(four.model.tables)) == (1, 4)
    assert one.digest == four.digest
    four.name = "another"
    assert Problem(four.model, [1.0], "exact", edge_reward=one.edge_reward).digest == one.digest


def test_the_digest_sees_every_ingredient():
    base = {
        "probs": [FAIR, FAIR * 2], "moves": [[[0, 1]], [[0, 1], [1, 2]]], "reward": [1.0, 2, 3],
        "prm": [[1.0], [1.0, 1.0], [1.0, 2, 3]], "edges": [None, [[1.0, 1], [1, 1]]],
    }  # fmt: skip
    changes = {
        "probs": [FAIR, [[0.5, 0.5], [0.4, 0.6]]], "moves": [[[0, 1]], [[0, 1], [2, 1]]],
        "prm": [[1.0], [1.0, 2.0], [1.0, 2, 3]], "edges": [None, [[1.0, 1], [1, 2]]],
    }  # fmt: skip

    def made(c):
        model = TabularModel(c["probs"], c["moves"])
        return Problem(model, c["reward"], c["prm"], edge_reward=c["edges"]).digest

    digests = [made(base | {key: value}) for key, value in changes.items()]
    digests += [made(base), made(base | {"reward": [2.0, 2, 3], "prm": [[1.0], [1, 1], [2, 2, 3]]})]
    assert len(set(digests)) == 6


# validation

LEAVES = [1.0, 1.0, 1.0, 1.0]
BAD = {
    "reward too short": (([1.0], "exact"), "reward: 1 entries, but the level has 4 states"),
    "reward of two dimensions": ((np.ones((4, 1)), "exact"), "reward: 2 dimensions"),
    "reward is a number": ((1.0, "exact"), "reward: not a list"),
    "reward negative": (([1, -1, 1, 1], "exact"), "reward, row 1: -1.0 is negative"),
    "reward nan": (([1, 1, np.nan, 1], "exact"), "reward, row 2: nan"),
    "reward infinite": (([1, 1, np.inf, 1], "exact"), "reward, row 2: inf"),
    "reward boolean": (([True] * 4, "exact"), "reward, row 0: list holds True"),
    "reward zero": ((np.zeros(4), "exact"), "reward: zero everywhere"),
    "prm name": ((LEAVES, "perfect"), "prm: 'perfect' is not known"),
    "prm number": ((LEAVES, 3), "prm: not a list of levels"),
    "prm levels": ((LEAVES, [[1.0], LEAVES]), "prm: 2 levels, but the model has 3"),
    "prm too short": ((LEAVES, [[1.0], [1.0], LEAVES]), "prm: stage 1: 1 entries"),
    "prm negative": ((LEAVES, [[1.0], [1.0, -1], LEAVES]), "prm: stage 1, row 1: -1.0"),
    "prm nan": ((LEAVES, [[1.0], [np.nan, 1], LEAVES]), "prm: stage 1, row 0: nan"),
    "root zero": ((LEAVES, [[0.0], [1, 1], LEAVES]), r"prm: stage 0, row 0: V\^\(root\)"),
    "leaf": ((LEAVES, [[1.0], [1, 1], [1, 1, 1, 0]]), "prm: stage 2, row 3: V.* = 0 differs"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_malformed_problems_are_refused(case):
    arguments, message = BAD[case]
    with pytest.raises(InputError, match=message):
        Problem(TREE, *arguments)


def test_reward_on_unreachable_states_only_is_refused():
    sure = TabularModel.tree([[[1.0, 0.0]]])
    with pytest.raises(InputError, match="zero on every sequence"):
        Problem(sure, [0.0, 1.0], "exact")


EDGES = {
    "too few": ([None], "edge_reward has 1 stages, but the model 2"),
    "shape": ([None, [[1.0, 1.0]]], r"stage 1: edge_reward has shape \(1, 2\)"),
    "negative": ([None, [[1, 1], [1, -1]]], "stage 1, row 1: edge_reward -1.0"),
    "nan": ([[[1, np.nan]], None], "stage 0, row 0: edge_reward nan"),
    "text": ([[[1, "2"]], None], "stage 0, row 0: edge_reward holds '2'"),
    "shared, does not fit": ([np.ones((1, 2))] * 2, "stage 1: edge_reward does not fit"),
}


@pytest.mark.parametrize("case", EDGES)
def test_malformed_edge_rewards_are_refused(case):
    edges, message = EDGES[case]
    with pytest.raises(InputError, match=message):
        Problem(TREE, LEAVES, "exact", edge_reward=edges)


LOGS = {
    "reward nan": ([np.nan, 0, 0, 0], np.zeros(7), "reward: not finite"),
    "reward inf": ([np.inf, 0, 0, 0], np.zeros(7), "reward: not finite"),
    "reward zero": ([-np.inf] * 4, np.zeros(7), "reward: zero everywhere"),
    "reward length": ([0.0], np.zeros(7), "reward: 1 entries, but level 2 has 4"),
    "prm length": (np.zeros(4), np.zeros(6), "prm: 6 values, but the model has 7"),
    "prm inf": (np.zeros(4), [0, 0, np.inf, 0, 0, 0, 0], "prm: stage 1, row 1: value is not"),
}


@pytest.mark.parametrize("case", LOGS)
def test_malformed_logarithms_are_refused(case):
    reward, prm, message = LOGS[case]
    with pytest.raises(InputError, match=message):
        Problem.from_log(TREE, reward, prm)
