"""Families that attain rates, against their docstrings, prefix by prefix (T0)."""

import math

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.all_or_nothing import all_or_nothing
from simulator.problem.families.dips import branch_probability, dips, dips_to_lose
from simulator.problem.families.rare_path import path_probability, rare_path
from simulator.problem.families.two_branch import two_branch
from simulator.problem.library import open_problem
from simulator.samplers.smc.sampler import SMC
from tests.support.prefixes import Tree, real
from theory.criteria import criteria

SIZES = [(1, 1), (1, 4), (5, 2), (32, 3), (1000, 5)]  # N and j


def places(tree, h, kind):
    """Prefixes of the first block at level h that are at out, beta or alpha."""

    def kind_of(x):
        if x[0] == 0:
            return "out"
        return "alpha" if 1 in x[1::2] else "beta"  # dips are at even levels

    return [x for x in tree.levels[h] if kind_of(x) == kind]


@pytest.mark.parametrize(("n", "j"), SIZES)
def test_a_block_of_dips_has_the_values_of_its_text(n, j):
    problem = dips(n, dips=j)
    tree, q = Tree(problem, real), branch_probability(n)
    assert tree.horizon == problem.horizon == 2 * j + 1
    assert tree.z == pytest.approx(1, rel=1e-12)
    for i in range(j + 1):
        (beta,) = places(tree, 2 * i + 1, "beta")
        (out,) = places(tree, 2 * i + 1, "out")
        assert tree.p[out] == 0.5
        assert tree.p[beta] == 0.5 ** (i + 1)
        if i < j:
            assert (tree.hat[beta], tree.hat[out]) == pytest.approx((2.0**i, 1.0), rel=1e-12)
        else:
            want = 2 ** (j + 1) * q, 2 * (1 - q)
            assert (tree.v[beta], tree.v[out]) == pytest.approx(want, rel=1e-12)
            assert (tree.hat[beta], tree.hat[out]) == pytest.approx(want, rel=1e-12)
        for x in places(tree, 2 * i + 1, "alpha"):
            assert tree.hat[x] == tree.v[x] == 0
        if i:
            (parent,) = places(tree, 2 * i - 1, "beta")
            (dipped,) = places(tree, 2 * i, "beta")
            assert tree.hat[dipped] == pytest.approx(tree.hat[parent] / (4 * n), rel=1e-12)
            assert tree.hat[(*parent, 1)] == pytest.approx(tree.hat[parent], rel=1e-12)
            assert tree.v[(*parent, 1)] == 0
        for x in (beta, out):
            assert tree.target(x) == pytest.approx(q if x == beta else 1 - q, rel=1e-12)


def test_blocks_are_independent_under_the_target_and_start_alike():
    n, blocks, j = 3, 3, 2
    tree, q = Tree(dips(n, blocks, j), real), branch_probability(n)
    live = [y for y in tree.paths if tree.v[y] > 0]
    assert len(live) == 2**blocks
    for y in live:
        ends = sum(y[b * 5] for b in range(blocks))  # the fork's bit: beta that lives to the end
        assert tree.target(y) == pytest.approx(q**ends * (1 - q) ** (blocks - ends), rel=1e-12)
    for x in tree.levels[5]:
        assert tree.hat[x] == pytest.approx(tree.v[x], rel=1e-12)  # finished blocks are exact


def test_the_dips_that_the_proof_asks_for():
    assert dips_to_lose(32) == 11
    for n in (1, 2, 32, 1000, 10**6):
        j, q = dips_to_lose(n), branch_probability(n)
        assert (5 / 8) ** j <= q / 8 < (5 / 8) ** (j - 1)
    assert dips(32).horizon == 23


@pytest.mark.parametrize("n", [1, 4, 300])
@pytest.mark.parametrize("horizon", [1, 2, 3, 6])
def test_a_rare_path_has_the_values_of_its_text(n, horizon):
    problem = rare_path(n, horizon)
    tree, q = Tree(problem, real), path_probability(n, horizon)
    assert q ** (2 * horizon - 1) == pytest.approx((2 * n) ** -horizon, rel=1e-9)
    assert tree.z == pytest.approx(1, rel=1e-12)
    quiet, rare = (0,) * horizon, (1,) * horizon
    assert {y for y in tree.paths if tree.v[y] > 0} == {quiet, rare}
    assert tree.target(rare) == pytest.approx(q, rel=1e-12)
    reach = 1.0
    for h in range(1, horizon + 1):
        reach *= q * q if h == 1 else 2 * q * q
        assert tree.p[rare[:h]] == pytest.approx(reach, rel=1e-12)
        if h < horizon:
            for x in (quiet[:h], rare[:h]):
                assert tree.p[x] * tree.hat[x] / tree.z_hat[h] == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.5])
def test_all_or_nothing_has_the_values_of_its_text(ratio):
    horizon = 5
    tree = Tree(all_or_nothing(horizon, ratio), real)
    assert tree.z == pytest.approx(1, rel=1e-12)
    for h in range(1, horizon + 1):
        for x in tree.levels[h]:
            lives = not x[0] or all(x)
            want = 0.0 if not lives else ratio ** (h - 1) if x[0] else 1.0
            assert tree.hat[x] == pytest.approx(want, rel=1e-12)
            assert tree.v[x] == pytest.approx(want, rel=1e-12)
    problem = all_or_nothing(horizon, ratio)
    assert criteria(problem).action_coverage == pytest.approx(ratio, rel=1e-12)


def test_all_or_nothing_with_two_is_the_two_branch_instance_without_a_half():
    """Steps of 0 or 2: on the branch bits, the law of SMC is that of two-branch with s = 1."""
    laws = [
        SMC(3).exact_law(p, on="states").law for p in (all_or_nothing(4, 2.0), two_branch(4, 1))
    ]
    assert laws[0] == pytest.approx(laws[1], abs=1e-13)


def test_long_ones_share_their_tables():
    for problem, most in (
        (dips(32, 2000, 4), 4),
        (rare_path(32, 10**4), 2),
        (all_or_nothing(10**4), 2),
    ):
        assert len(problem.model.tables) == most
        assert math.isfinite(problem.log_z)
        assert abs(problem.log_z) < 1e-7
    assert int(dips(32, 2000, 4).model.n_states.max()) == 3


def test_they_are_made_by_name():
    for spec in ("dips:particles=4,blocks=2,dips=3", "rare-path:particles=8,horizon=3",
                 "all-or-nothing:horizon=6,ratio=3"):  # fmt: skip
        problem = open_problem(spec)
        assert problem.name == spec
        assert problem.instance.family == spec.partition(":")[0]
    assert open_problem("dips").instance.arguments == {"particles": 32, "blocks": 1, "dips": 11}


@pytest.mark.parametrize(
    ("make", "arguments", "name"),
    [
        (dips, {"particles": 0}, "particles"), (dips, {"blocks": 0}, "blocks"),
        (dips, {"dips": -1}, "dips"), (dips, {"dips": 501}, "dips"),
        (dips, {"dips": 500, "blocks": 10**4}, "number of levels"),
        (dips, {"particles": 2.5}, "particles"), (rare_path, {"particles": 0}, "particles"),
        (rare_path, {"horizon": 0}, "horizon"), (all_or_nothing, {"horizon": 0}, "horizon"),
        (all_or_nothing, {"ratio": 0.9}, "ratio"), (all_or_nothing, {"ratio": np.inf}, "ratio"),
    ],
)  # fmt: skip
def test_arguments_out_of_range_are_refused_by_name(make, arguments, name):
    with pytest.raises(InputError, match=f"^{name}: "):
        make(**arguments)
