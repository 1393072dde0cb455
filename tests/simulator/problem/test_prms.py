"""Each rule for V^ against its formula, by hand on a small tree."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.problem.families.product import product as product_instance
from simulator.problem.families.random_tree import random_tree
from simulator.problem.model import TabularModel
from simulator.problem.prms import (
    PRM_NAMES,
    CappedPRM,
    ConstantPRM,
    DelayedPRM,
    ExactPRM,
    NoisyPRM,
    TemperedPRM,
    named_prm,
)
from simulator.problem.problem import Problem
from simulator.strategies import problems

# pi_ref(1) is .5 at the root, .1 after 0 and .8 after 1; the last token is fair
REWARD = [0.0, 0.0, 1.0, 3.0, 2.0, 2.0, 0.0, 1.0]
TREE = Problem(
    TabularModel.tree([[[0.5, 0.5]], [[0.9, 0.1], [0.2, 0.8]], [[0.5, 0.5]] * 4]), REWARD, "exact"
)
VALUE = [[0.5], [0.2, 0.8], [0.0, 2.0, 2.0, 0.5]]

BY_HAND = {
    "exact": (ExactPRM(), VALUE),
    "tempered 2": (TemperedPRM(2), [[0.25], [0.04, 0.64], [0.0, 4.0, 4.0, 0.25]]),
    "tempered 1/2": (
        TemperedPRM(0.5),
        [[0.5**0.5], [0.2**0.5, 0.8**0.5], [0.0, 2**0.5, 2**0.5, 0.5**0.5]],
    ),
    "tempered 1": (TemperedPRM(1), VALUE),
    "tempered 0 tells dead ends": (TemperedPRM(0), [[1.0], [1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]),
    "constant": (ConstantPRM(), [[1.0], [1.0, 1.0], [1.0] * 4]),
    "delayed": (DelayedPRM(), [[0.5], [0.5, 0.5], [0.2, 0.2, 0.8, 0.8]]),
    "capped at 1.5 Z": (CappedPRM(1.5), [[0.5], [0.2, 0.75], [0.0, 0.75, 0.75, 0.5]]),
    "capped below Z": (CappedPRM(0.5), [[0.25], [0.2, 0.25], [0.0, 0.25, 0.25, 0.25]]),
    "noise of size zero": (NoisyPRM(0.0, seed=3), VALUE),
}


@pytest.mark.parametrize("case", BY_HAND)
def test_formula_by_hand(case):
    rule, expected = BY_HAND[case]
    found = TREE.with_prm(rule).prm
    for level, hand in zip(found, [*expected, REWARD], strict=True):
        assert level == pytest.approx(hand, abs=1e-14)


def test_noise_is_one_factor_a_state_between_root_and_leaves():
    log = [TREE.with_prm(NoisyPRM(sigma, seed=7)).log_prm_flat for sigma in (0.5, 1.0, 2.0)]
    inner = np.isfinite(TREE.log_value_flat)
    noise = [x[inner] - TREE.log_value_flat[inner] for x in log]
    levels = np.repeat([0, 1, 2, 3], TREE.model.n_states)[inner]
    assert (noise[1][(levels == 0) | (levels == 3)] == 0).all()
    assert len(set(noise[1][(levels == 1) | (levels == 2)])) == 5  # all but the dead end
    # the same g whatever sigma is
    assert noise[0] == pytest.approx(noise[1] / 2, abs=1e-14)
    assert noise[2] == pytest.approx(noise[1] * 2, abs=1e-14)
    assert np.isneginf(log[1][3])  # V* = 0 stays 0


def test_noise_is_reproducible_by_its_seed():
    same = [TREE.with_prm(NoisyPRM(0.5, seed=s)).digest for s in (1, 1, 2)]
    assert same[0] == same[1] != same[2]


def test_noise_is_standard_normal():
    tree = random_tree(2, 13, 0, prm="exact")
    g = (tree.with_prm(NoisyPRM(2.0, seed=1)).log_prm_flat - tree.log_value_flat)[1 : 2**13 - 1] / 2
    # each limit is 7 standard deviations: fails by chance with probability < 1e-10; would catch
    # a variance off by 11%, an off-centre noise (mean V^ = V* instead of median) and reuse
    assert abs(g.mean()) < 7 / g.size**0.5
    assert abs((g**2).mean() - 1) < 7 * (2 / g.size) ** 0.5
    assert abs((g[1:] * g[:-1]).mean()) < 7 / g.size**0.5


@given(problems(max_leaves=27, tree=True), st.sampled_from(["exact", "delayed", "constant"]))
def test_leaves_keep_the_reward_and_the_root_is_positive(problem, name):
    made = Problem(problem.model, problem.reward, named_prm(name))
    assert (made.log_prm[-1] == made.log_reward).all()
    assert np.isfinite(made.log_prm_flat[0])


@pytest.mark.slow
@given(problems(max_leaves=27, tree=True, edges=True))
def test_delayed_is_the_value_of_the_parent_along_every_path(problem):
    model, edges = problem.model, problem.edge_reward
    late = problem.with_prm(DelayedPRM())
    for tokens in product(range(model.n_actions), repeat=problem.horizon - 1):
        s, p, gain = 0, 1.0, 1.0
        for h, a in enumerate(tokens):
            before = gain * problem.value[h][s]  # V* of the path to the parent
            p *= model.probs[h][s, a]
            gain *= edges[h][s, a]
            s = model.next_state[h][s, a]
            if p > 0:
                assert gain * late.prm[h + 1][s] == pytest.approx(before, rel=1e-11)


def test_delayed_needs_parents_of_equal_value():
    fork, join = [[0, 1]], [[0, 1], [1, 0]]
    half = [[0.5, 0.5]]

    def joined(reward):
        # both states of level 1 lead to both of level 2, which lead to leaves 0, 1 and 2, 3
        model = TabularModel(
            [half, [[1.0, 0.0]] * 2, half * 2], [fork, [[0, 0], [0, 0]], [[0, 1], [2, 3]]]
        )
        return Problem(model, reward, "exact").with_prm(DelayedPRM())

    assert joined([1, 2, 3, 4]).prm[2][0] == pytest.approx(1.5)
    model = TabularModel([half, half * 2, half * 2], [fork, join, [[0, 1], [2, 3]]])
    equal = Problem(model, [1, 2, 2, 1], "exact").with_prm(DelayedPRM())
    assert equal.prm[2] == pytest.approx([1.5, 1.5])
    apart = TabularModel(
        [half, [[0.9, 0.1], [0.2, 0.8]], half * 2], [fork, [[0, 1]] * 2, [[0, 1], [2, 3]]]
    )
    with pytest.raises(InputError, match="prm: stage 2, row 0: parents of different value"):
        Problem(apart, [1, 2, 3, 4], "exact").with_prm(DelayedPRM())


def test_delayed_cannot_look_behind_an_edge_reward_of_zero():
    tree = TabularModel.tree([[[0.5, 0.5]], [[0.5, 0.5]] * 2])
    problem = Problem(tree, np.ones(4), "exact", edge_reward=[[[0.0, 1.0]], None])
    with pytest.raises(InputError, match="prm: stage 0, row 0: a delayed PRM cannot show"):
        problem.with_prm(DelayedPRM())


@pytest.mark.parametrize("rule", [TemperedPRM(2.0), ConstantPRM(), CappedPRM(1.5), DelayedPRM()])
def test_rules_that_are_no_function_of_the_state_refuse_edge_rewards(rule):
    with pytest.raises(InputError, match=r"^prm: .*unfold it"):
        product_instance(3).with_prm(rule)


def test_rules_that_are_keep_working_with_edge_rewards():
    problem = product_instance(3)
    for rule in (ExactPRM(), TemperedPRM(1.0)):
        assert problem.with_prm(rule).log_prm_flat == pytest.approx(0.0, abs=1e-14)
    noisy = problem.with_prm(NoisyPRM(1.0)).log_prm_flat
    assert (np.abs(noisy[1:3]) > 1e-6).all()


def test_names_make_their_rules():
    made = [named_prm(n, sigma=0.1, beta=0.2, cap=0.3, seed=4) for n in PRM_NAMES]
    assert made == [
        ExactPRM(), NoisyPRM(0.1, 4), TemperedPRM(0.2), DelayedPRM(), ConstantPRM(), CappedPRM(0.3)
    ]  # fmt: skip
    with pytest.raises(InputError, match="prm: 'perfect' is not known, only exact, noisy"):
        named_prm("perfect")


BAD = [
    (NoisyPRM, (-0.1,), "sigma"), (NoisyPRM, (np.nan,), "sigma"), (NoisyPRM, (np.inf,), "sigma"),
    (NoisyPRM, ("1",), "sigma"), (NoisyPRM, (True,), "sigma"), (NoisyPRM, (1.0, -1), "seed"),
    (NoisyPRM, (1.0, 0.5), "seed"), (NoisyPRM, (1.0, True), "seed"),
    (TemperedPRM, (-1,), "beta"), (TemperedPRM, (np.inf,), "beta"), (TemperedPRM, (None,), "beta"),
    (CappedPRM, (0,), "cap"), (CappedPRM, (-1,), "cap"), (CappedPRM, (np.nan,), "cap"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "arguments", "name"), BAD)
def test_parameters_out_of_range_are_refused_by_name(rule, arguments, name):
    with pytest.raises(InputError, match=f"^{name}: "):
        rule(*arguments)
