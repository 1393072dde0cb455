"""Each family against the formula in its docstring, by enumeration of all sequences."""

from itertools import product
from math import comb

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.brackets import brackets
from simulator.problem.families.delayed import delayed
from simulator.problem.families.eos import eos
from simulator.problem.families.product import product as product_instance
from simulator.problem.families.random_automaton import random_automaton
from simulator.problem.families.random_tree import random_tree
from simulator.problem.families.reference import reference
from simulator.problem.families.two_branch import two_branch
from simulator.problem.families.variance import variance
from simulator.problem.problem import Problem


def walk(problem, tokens):
    """(level, state, pi_ref, product of edge rewards) after a prefix."""
    s, p, gain = 0, 1.0, 1.0
    for h, a in enumerate(tokens):
        p *= problem.model.probs[h][s, a]
        if problem.edge_reward is not None and problem.edge_reward[h] is not None:
            gain *= problem.edge_reward[h][s, a]
        s = int(problem.model.next_state[h][s, a])
    return s, p, gain


def sequences(problem, length=None):
    length = problem.horizon if length is None else length
    return product(range(problem.model.n_actions), repeat=length)


def target_law(problem):
    """pi* of every sequence, and Z."""
    law = {}
    for y in sequences(problem):
        s, p, gain = walk(problem, y)
        law[y] = p * gain * problem.reward[s]
    z = sum(law.values())
    return {y: m / z for y, m in law.items()}, z


def dead_ends_apart(values, expected):
    assert values == pytest.approx(expected, rel=1e-12, abs=1e-300)


# product


def test_the_product_target_is_ber_two_thirds():
    problem = product_instance(6)
    law, z = target_law(problem)
    assert z == pytest.approx(1, abs=1e-14)
    assert problem.log_z == pytest.approx(0, abs=1e-14)
    for y, mass in law.items():
        assert mass == pytest.approx((2 / 3) ** sum(y) * (1 / 3) ** (6 - sum(y)), rel=1e-12)


def test_the_product_target_has_the_ratio():
    problem = product_instance(5, 1.25)
    assert problem.target[-1].size == 1
    factors = np.exp(problem.tables.log_factor)
    assert factors[-1] / factors[-2] == pytest.approx(1.25)
    assert problem.log_z == pytest.approx(0, abs=1e-14)
    assert problem.digest != product_instance(5).digest
    assert product_instance(5, 2.0).digest == product_instance(5).digest


def test_the_product_prm_is_perfect_and_tells_a_one_from_a_zero_by_two():
    problem = product_instance(5)
    for h in range(1, 6):
        for y in sequences(problem, h):
            s, _, gain = walk(problem, y)
            expected = (4 / 3) ** sum(y) * (2 / 3) ** (h - sum(y))
            assert gain * problem.prm[h][s] == pytest.approx(expected, rel=1e-13)
            assert gain * problem.value[h][s] == pytest.approx(expected, rel=1e-13)


@pytest.mark.slow
def test_a_million_bits_need_one_table():
    problem = product_instance(10**6)
    assert len(problem.model.tables) == 1
    assert problem.tables.log_prob.size == problem.tables.next_state.size == 2
    assert problem.tables.log_factor.size <= 4
    assert problem.log_z == pytest.approx(0, abs=1e-9)  # 10^6 roundings of 1e-16


# two branches


@pytest.mark.parametrize("s", [0.0, 0.5, 1.0])
def test_two_branch_target_and_values(s):
    problem = two_branch(6, s)
    law, z = target_law(problem)
    assert z == pytest.approx(1, abs=1e-14)
    for y, mass in law.items():
        gain = np.prod([1 + s if bit else 1 - s for bit in y[1:]]) if y[0] else 1.0
        assert mass == pytest.approx(gain / 2**6, abs=1e-15)
    assert sum(m for y, m in law.items() if y[0] == 0) == pytest.approx(0.5, abs=1e-14)
    assert problem.prm[3].tolist() == [1.0, 1.0]
    dead_ends_apart(problem.value[3], [1.0, 1.0])


def test_long_two_branch_instances_share_two_tables():
    problem = two_branch(10**5)
    assert len(problem.model.tables) == 2
    assert problem.tables.log_prob.size == 2 + 4


# variance


@pytest.mark.parametrize("horizon", [2, 3, 4, 7, 12, 41])
def test_variance_instance_is_harmless_by_every_criterion(horizon):
    problem = variance(horizon)
    n = horizon // 2
    rare = 2.0**-n
    assert problem.model.probs[0].tolist() == [[rare, 1 - rare]]
    ratios = []
    for h in range(1, horizon + 1):
        assert problem.value[h] == pytest.approx([1, 1], abs=1e-15)
        expected = 2.0**h if h <= n else 2.0 ** max(2 * n - h, 0)
        v = problem.prm[h]
        assert v == pytest.approx([expected, 1.0], rel=1e-13)
        # pi*_h = pi_h: chi2(pi_h || pi_h V^) = E[V^] E[1/V^] - 1
        chi2 = (rare * v[0] + 1 - rare) * (rare / v[0] + 1 - rare) - 1
        assert chi2 <= 1
        before = problem.prm[h - 1] if h > 1 else np.ones(2)
        ratios.extend(v / before)
        for state in (0, 1):
            assert problem.model.next_state[h - 1][min(state, h - 1), 0] in (0, 1)
    assert max(ratios) == pytest.approx(2, rel=1e-13)
    # one particle: W^_n = V^ at level n, whose variance the docstring states
    v = problem.prm[n][0]
    exact = rare * v**2 + 1 - rare - (rare * v + 1 - rare) ** 2
    assert exact == pytest.approx(2.0**n - 3 + 3 * rare - rare**2, rel=1e-9)


def test_variance_branches_absorb():
    model = variance(5).model
    for h in range(1, 5):
        assert model.probs[h].tolist() == [[1, 0], [1, 0]]
        assert model.next_state[h][:, 0].tolist() == [0, 1]


# brackets


def closes(text, depth=0):
    """Whether a text of 0 = "(" and 1 = ")" is balanced; a ")" too many fails at once."""
    for bit in text:
        depth += -1 if bit else 1
        if depth < 0:
            return False
    return depth == 0


@pytest.mark.parametrize("length", [2, 4, 6, 8])
@pytest.mark.parametrize("failed", [0.0, 0.25])
def test_bracket_values_count_the_ways_to_close(length, failed):
    problem = brackets(length, failed_reward=failed)
    good = [y for y in sequences(problem) if closes(y)]
    assert len(good) == comb(length, length // 2) // (length // 2 + 1)  # Catalan
    for h in range(length + 1):
        for y in sequences(problem, h):
            share = sum(g[:h] == y for g in good) / 2 ** (length - h)
            s, p, _ = walk(problem, y)
            assert p == 2.0**-h
            assert problem.value[h][s] == pytest.approx(share + failed * (1 - share), abs=1e-15)


@pytest.mark.parametrize("length", [100, 1000])
def test_long_brackets_have_catalan_z(length):
    n = length // 2
    catalan = comb(2 * n, n) // (n + 1)  # exact whole number, beyond floats at length 1000
    log = np.log2(float(catalan >> max(0, catalan.bit_length() - 53)))
    log = (log + max(0, catalan.bit_length() - 53) - length) * np.log(2)
    assert brackets(length).log_z == pytest.approx(log, abs=1e-9)


@pytest.mark.parametrize("failed", [0.0, 0.5])
def test_greedy_and_constant_checkers(failed):
    greedy, constant = brackets(6, "greedy", failed), brackets(6, "constant", failed)
    for h in range(1, 6):
        for y in sequences(greedy, h):
            s, _, _ = walk(greedy, y)
            too_many = any(sum(y[:j]) * 2 > j for j in range(h + 1))
            assert greedy.prm[h][s] == pytest.approx(failed if too_many else 1.0)
            assert constant.prm[h][s] == 1.0
    assert greedy.log_z == constant.log_z == brackets(6, failed_reward=failed).log_z
    assert greedy.lost_states == []


# end of sequence


@pytest.mark.parametrize(("horizon", "stop"), [(1, 0.3), (2, 0.3), (4, 0.3), (4, 1.0), (5, 0.05)])
def test_eos_values_by_enumeration(horizon, stop):
    problem = eos(horizon, stop, prm="exact")
    chance = {"a": 2 * (1 - stop) / 3, "b": (1 - stop) / 3, "e": stop}
    value = {}
    for length in range(horizon + 1):
        for y in product("abe", repeat=length):
            alive = y[: y.index("e")] if "e" in y else y
            if set(y[len(alive) :]) - {"e"}:
                continue  # a token after the end: impossible
            p = np.prod([chance[t] for t in alive]) * (stop if "e" in y else 1.0)
            value[y] = p * (1 + alive.count("b") if "e" in y else 0.0) if length == horizon else 0.0
            s, found, _ = walk(problem, ["abe".index(t) for t in y])
            assert found == pytest.approx(p, abs=1e-15)
            below = [z for z in value if len(z) == horizon and z[:length] == y]
            if length == horizon and p > 0:
                earned = 1 + alive.count("b") if "e" in y else 0
                assert problem.reward[s] == pytest.approx(earned, rel=1e-15)
                assert below == [y]
    z = sum(value.values())
    assert problem.log_z == pytest.approx(np.log(z), abs=1e-13)


def test_eos_of_two_tokens_by_hand():
    problem = eos(2, 0.3, prm="exact")
    # stop at once: 1; one token then stop: 1 + P(b) = 4/3 on average
    assert problem.log_z == pytest.approx(np.log(0.3 + 0.7 * 0.3 * 4 / 3), abs=1e-15)
    # level 1: alive with 0 or 1 b's, stopped with 0 b's
    assert problem.value[1] == pytest.approx([0.3, 0.6, 1.0], abs=1e-15)


# reference and delayed


@pytest.mark.parametrize(("horizon", "log_z"), [(3, 0.587786664902), (4, 0.490622916448)])
def test_the_reference_tree_has_its_tabulated_formulas(horizon, log_z):
    problem = reference(horizon)
    assert problem.log_z == pytest.approx(log_z, abs=1e-12)
    value = 1.0 + np.arange(2**horizon) % 3
    for h in range(horizon, -1, -1):
        i = np.arange(2**h)
        assert problem.value[h] == pytest.approx(value, rel=1e-13)
        bias = 1 + (-1.0) ** i / 2 if 0 < h < horizon else 1.0
        assert problem.prm[h] == pytest.approx(value * bias, rel=1e-13)
        one = (np.arange(2**h // 2) + 1) / (2 ** (h - 1) + 1)
        if h:
            assert problem.model.probs[h - 1][:, 1] == pytest.approx(one, abs=1e-15)
            value = (1 - one) * value[::2] + one * value[1::2]


def test_delayed_is_the_random_tree_judged_one_step_late():
    late, tree = delayed(3, 3, seed=4), random_tree(3, 3, 4, prm="exact")
    assert (late.log_value_flat == tree.log_value_flat).all()
    for h in (1, 2):
        assert late.prm[h] == pytest.approx(np.repeat(tree.value[h - 1], 3), rel=1e-13)


# random families

MAKERS = [
    lambda seed, **o: random_tree(2, 4, seed, **o),
    lambda seed, **o: random_automaton(5, 2, 9, seed, **o),
]


@pytest.mark.parametrize("make", MAKERS)
def test_random_problems_are_reproducible_by_their_seed(make):
    assert make(3).digest == make(3).digest
    assert len({make(seed).digest for seed in range(20)}) == 20


@pytest.mark.parametrize("make", MAKERS)
def test_one_option_leaves_the_rest_of_a_random_problem_alone(make):
    plain, other = make(3), make(3, zero_rewards=0.5)
    for p, q in zip(plain.model.probs, other.model.probs, strict=True):
        assert (p == q).all()
    kept = other.reward > 0
    assert 0 < kept.sum() < kept.size
    assert (plain.reward[kept] == other.reward[kept]).all()


def test_sparse_drops_edges_and_rescales_the_others():
    plain, sparse = random_tree(3, 4, 1), random_tree(3, 4, 1, sparse=0.5)
    dropped = 0
    for p, q in zip(plain.model.probs, sparse.model.probs, strict=True):
        kept = np.where(q > 0, p, 0)
        assert q == pytest.approx(kept / kept.sum(axis=1, keepdims=True), abs=1e-13)
        dropped += int((q == 0).sum())
    assert dropped > 10
    reached = sparse.reward > 0  # what nothing leads to any more counts as 0
    assert 0 < reached.sum() < reached.size
    assert (plain.reward == sparse.reward)[reached].all()


@pytest.mark.parametrize("seed", range(12))
def test_a_tree_without_rewards_gets_its_likeliest_leaf_back(seed):
    full = random_tree(2, 3, seed, sparse=0.6)
    problem = random_tree(2, 3, seed, zero_rewards=1.0, sparse=0.6)
    chance = [walk(full, y)[1] for y in sequences(full)]
    expected = np.zeros(8)
    expected[np.argmax(chance)] = full.reward[np.argmax(chance)]
    assert problem.reward.tolist() == expected.tolist()


@pytest.mark.parametrize("horizon", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("seed", range(6))
def test_an_automaton_without_rewards_gets_a_reachable_one_back(horizon, seed):
    # peaked rows underflow to exact zeros, so that many states are out of reach
    problem = random_automaton(
        6, 2, horizon, seed, concentration=0.01, zero_rewards=1.0, prm="exact"
    )
    assert (problem.reward > 0).sum() == 1
    assert problem.log_z > -np.inf
    here = {0}
    for p, nxt in zip(problem.model.probs, problem.model.next_state, strict=True):
        here = {int(nxt[s, a]) for s in here for a in range(2) if p[s, a] > 0}
    assert int(np.argmax(problem.reward)) in here


def test_edge_sigma_gives_edge_rewards():
    plain, gains = random_automaton(seed=2), random_automaton(seed=2, edge_sigma=0.7)
    assert not plain.has_edge_reward
    assert gains.has_edge_reward
    assert len({id(e) for e in gains.edge_reward}) == 2
    tenth = random_automaton(seed=2, edge_sigma=0.07)
    assert np.log(gains.edge_reward[1]) == pytest.approx(10 * np.log(tenth.edge_reward[1]))


def test_automata_share_two_tables_at_any_horizon():
    problem = random_automaton(horizon=10**5)
    assert len(problem.model.tables) == 2
    assert np.isfinite(problem.log_z)


@pytest.mark.parametrize("concentration", [0.5, 1.0, 5.0])
@pytest.mark.parametrize("family", ["tree", "automaton"])
def test_rows_are_dirichlet(family, concentration):
    if family == "tree":
        stages = random_tree(2, 13, 5, concentration=concentration, prm="exact").model.probs
    else:
        stages = random_automaton(
            8191, 2, 2, 5, concentration=concentration, prm="exact"
        ).model.probs[1:]  # fmt: skip
    p = np.concatenate([s[:, 0] for s in stages])
    # Beta(c, c) has variance 1/(4(2c+1)): .125, .083, .023. The square lies in [0, 1/4], so
    # by Hoeffding 8191 of them miss their mean by .0091 with probability < 1e-9
    assert abs(((p - 0.5) ** 2).mean() - 1 / (4 * (2 * concentration + 1))) < 0.0091
    assert abs(p.mean() - 0.5) < 0.037  # Hoeffding again; a lopsided law would show


def test_tiny_concentrations_give_laws_and_not_nan():
    problem = random_tree(3, 4, 0, concentration=1e-6)
    for p in problem.model.probs:
        assert p.sum(axis=1) == pytest.approx(1, abs=1e-12)
    assert np.isfinite(problem.log_z)


@pytest.mark.parametrize("make", [random_tree, random_automaton, eos])
def test_a_rule_may_stand_for_the_name_of_a_prm(make):
    class Flat:
        def log_values(self, problem):
            out = np.zeros_like(problem.log_value_flat)
            out[problem.model.state_start[-2] :] = problem.log_reward
            return out

    assert isinstance(make(prm=Flat()), Problem)
    made = make(prm=Flat())
    (reached,) = np.nonzero(made.target[1])
    assert (made.prm[1][reached] == 1).all()


BAD = [
    (product_instance, {"horizon": 0}, "horizon"), (product_instance, {"horizon": 2.0}, "horizon"),
    (product_instance, {"horizon": True}, "horizon"), (two_branch, {"s": 1.5}, "s"),
    (two_branch, {"s": -0.1}, "s"), (two_branch, {"horizon": 0}, "horizon"),
    (variance, {"horizon": 1}, "horizon"), (variance, {"horizon": 2001}, "horizon"),
    (brackets, {"length": 5}, "length"), (brackets, {"length": 0}, "length"),
    (brackets, {"prm": "noisy"}, "prm"), (brackets, {"failed_reward": 1.1}, "failed_reward"),
    (brackets, {"failed_reward": np.nan}, "failed_reward"), (eos, {"stop": 0.0}, "stop"),
    (eos, {"stop": 1.1}, "stop"), (eos, {"horizon": 1001}, "horizon"),
    (eos, {"prm": "best"}, "prm"), (reference, {"horizon": 0}, "horizon"),
    (delayed, {"horizon": 0}, "horizon"), (random_tree, {"n_actions": 0}, "n_actions"),
    (random_tree, {"seed": -1}, "seed"), (random_tree, {"seed": 0.5}, "seed"),
    (random_tree, {"concentration": 0.0}, "concentration"), (random_tree, {"sparse": 2}, "sparse"),
    (random_tree, {"zero_rewards": -0.1}, "zero_rewards"),
    (random_automaton, {"n_states": 0}, "n_states"),
    (random_automaton, {"edge_sigma": -1}, "edge_sigma"),
    (random_automaton, {"concentration": 0.001}, "concentration"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "arguments", "name"), BAD)
def test_arguments_out_of_range_are_refused_by_name(make, arguments, name):
    with pytest.raises(InputError, match=f"^{name}: "):
        make(**arguments)


@pytest.mark.parametrize("make", [reference, delayed, random_tree])
def test_trees_too_large_to_store_are_refused(make):
    with pytest.raises(TooLargeError, match=r"2\^23 leaves is too large"):
        make(horizon=23)
