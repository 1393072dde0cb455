"""Steps of the chain of clouds: what will pass a limit is told before it is listed, and wide
clouds are merged by their digits."""

from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import combinations_with_replacement
from math import factorial, prod

import numpy as np
import pytest

from simulator.errors import TooLargeError
from simulator.exact.cloud_steps import Clouds, Mixture, Pool, Work, mixture_blocks
from simulator.exact.merging_kernel import mix
from simulator.exact.output_kernel import last_children
from simulator.exact.particle_types import root_types, step_from
from simulator.problem.families.reference import reference


def at_level(n, level):
    """Clouds of a level, by hand: all multisets of its kinds."""
    problem, types = reference(4), root_types()
    for h in range(level):
        types = step_from(problem, h, types, always_reset=True).types
    rng = np.random.default_rng(0)
    rows = np.unique(np.sort(rng.integers(0, types.dead, (200, n)), axis=1), axis=0)
    step = step_from(problem, level, types, always_reset=True)
    return Clouds(rows, np.ones((3, len(rows)))), types, step


@pytest.mark.parametrize(("n", "level"), [(2, 1), (3, 2), (9, 1)])
def test_a_level_that_passes_the_limit_is_refused_before_its_first_block(n, level):
    clouds, types, step = at_level(n, level)
    work = Work(np.inf)
    listed = sum(block.probability.size for block in mixture_blocks(clouds, types, step, work))
    assert work.done == listed
    enough, short = Work(7.0 + listed, done=7.0), Work(6.0 + listed, done=7.0)
    assert len(list(mixture_blocks(clouds, types, step, enough))) > 0
    with pytest.raises(TooLargeError, match="cloud transitions"):
        next(mixture_blocks(clouds, types, step, short))
    assert short.done == 7.0


@pytest.mark.parametrize(("n", "base"), [(1, 5), (3, 2), (64, 3), (40, 1), (70, 1000), (5, 2**15)])
@pytest.mark.parametrize("joint", [False, True])
def test_merging_adds_up_equal_clouds(n, base, joint):
    rng = np.random.default_rng(n)
    few = rng.integers(0, base, (20, n))
    pick = rng.integers(0, 20, 300)
    w = np.array([0.5, 2.0])[rng.integers(0, 2, 300)] if joint else None
    moments = rng.random((3, 300))
    pool = Pool(n, joint)
    for some in (slice(0, 5), slice(5, 5), slice(5, 300)):
        pool.add(Clouds(few[pick][some], moments[:, some], None if w is None else w[some]))
    found = pool.all()
    keys = np.column_stack([few[pick], np.zeros(300) if w is None else w])
    wanted, where = np.unique(keys, axis=0, return_inverse=True)
    got = np.column_stack([found.rows, np.zeros(len(found.rows)) if w is None else found.w])
    order = np.lexsort(got.T[::-1])
    np.testing.assert_array_equal(got[order], wanted)
    for sums, m in zip(found.moments, moments, strict=True):
        np.testing.assert_allclose(sums[order], np.bincount(where.ravel(), m), rtol=1e-14)


def test_the_children_of_a_cloud_are_a_mixture_of_those_of_its_particles():
    rows = np.array([[0, 2, 2], [1, 1, 1], [3, 0, 3]], dtype=np.int32)
    weight = np.array([1.0, 2.0, 3.0, 0.0])  # kind 3 is dead
    fresh, start = np.array([0, 1, 1, 2]), np.array([0, 2, 4, 5])
    child, chance = np.array([2, 0, 0, 1, 3]), np.array([0.25, 0.75, 0.5, 0.5, 1.0])
    width, kind, share = mix(rows, weight, fresh, start, child, chance, 4)
    assert width.tolist() == [3, 2, 2]
    assert kind.tolist() == [0, 1, 2, 0, 1, 0, 2]
    wanted = [0.75 / 7 + 3 / 7, 3 / 7, 0.25 / 7, 0.5, 0.5, 0.75, 0.25]
    assert share == pytest.approx(wanted, rel=1e-15)


# shares that are exact in floats; in the last case beginnings of likely clouds have chances below
# all floats
MIXTURES = {
    "few": (3, [[0.5, 0.25, 0.25], [0.75, 0.25]], [[0, 1, 3], [1, 2]]),
    "one kind": (4, [[1.0], [0.5, 0.5]], [[2], [0, 2]]),
    "weight zero": (2, [[0.5, 0.5], [1.0]], [[2, 4], [4]]),
    "many": (2400, [[0.5, 0.5]], [[0, 1]]),
}
WEIGHT = np.array([0.5, 2.0, 1.0, 8.0, 0.0])
STATE = np.array([0, 1, 0, 2, -1])
SCORE = np.array([1.0, 0.5, 1.0 + 1e-12, 0.25, -np.inf])
MOMENTS, W = np.array([[0.25, 0.5], [0.5, 1.0], [2.0, 4.0]]), np.array([0.5, 2.0])


@cache
def by_hand(case):
    """All multisets of children of each cloud: (parent, {kind: how many}, chance, mean weight)."""
    n, shares, kinds = MIXTURES[case]
    found = []
    for c, (share, kind) in enumerate(zip(shares, kinds, strict=True)):
        for picked in combinations_with_replacement(range(len(kind)), n):
            counts = [picked.count(i) for i in range(len(kind))]
            ways = factorial(n) // prod(factorial(x) for x in counts)
            chance = ways * prod(Fraction(s) ** x for s, x in zip(share, counts, strict=True))
            total = sum(Fraction(WEIGHT[k]) * x for k, x in zip(kind, counts, strict=True))
            present = {k: x for k, x in zip(kind, counts, strict=True) if x > 0}
            found.append((c, present, chance, total / n))
    return found


def as_mixture(shares, kinds):
    return Mixture(
        0, np.array([len(s) for s in shares]), np.concatenate(kinds), np.concatenate(shares)
    )


@pytest.mark.parametrize("case", MIXTURES)
@pytest.mark.parametrize("joint", [False, True])
def test_children_are_gathered_as_by_hand(case, joint):
    n, shares, kinds = MIXTURES[case]
    wanted = defaultdict(lambda: [Fraction(0)] * 3)
    for c, present, chance, mean in by_hand(case):
        if mean > 0 and float(chance) > 0:
            row = tuple(k for k, x in present.items() for _ in range(x))
            key = (row, float(Fraction(W[c]) * mean)) if joint else row
            p, f, s = (Fraction(m) for m in MOMENTS[:, c])
            gained = (p * chance, f * chance * mean, s * chance * mean**2)
            wanted[key] = [a + b for a, b in zip(wanted[key], gained, strict=True)]
    parents = Clouds(np.zeros((len(shares), n), dtype=np.int64), MOMENTS, W if joint else None)
    pool = Pool(n, joint)
    pool.add_children(parents, as_mixture(shares, kinds), WEIGHT)
    found = pool.all()
    rows = [tuple(row) for row in found.rows.tolist()]
    keys = rows if found.w is None else list(zip(rows, found.w.tolist(), strict=True))
    assert {str(key) for key in keys} == {str(key) for key in wanted}
    for key, sums in zip(keys, found.moments.T.tolist(), strict=True):
        assert sums == pytest.approx([float(x) for x in wanted[key]], rel=1e-12)


@pytest.mark.parametrize("case", MIXTURES)
@pytest.mark.parametrize("accept", [None, np.inf, 0.75])
@pytest.mark.parametrize("best", [False, True])
def test_last_children_are_summed_as_by_hand(case, accept, best):
    n, shares, kinds = MIXTURES[case]
    survival = 0.5
    sums, law, weighted = [Fraction(0)] * 5, [Fraction(0)] * 3, [Fraction(0)] * 3
    for c, present, chance, mean in by_hand(case):
        if mean == 0:
            continue
        p, f, s = (Fraction(m) * chance for m in MOMENTS[:, c])
        ratio, taken = Fraction(W[c]) * mean * Fraction(survival), Fraction(1)
        if accept == 0.75:
            taken = min(Fraction(accept) * ratio, Fraction(1))
        more = [p, f * mean, s * mean**2, p * max(1 - ratio, 0), p * taken]
        sums = [a + b for a, b in zip(sums, more, strict=True)]
        each = {k: Fraction(WEIGHT[k]) * x for k, x in present.items()}
        if best:
            highest = max(SCORE[k] for k in each)
            each = {k: x for k, x in present.items() if SCORE[k] > highest - 1e-10}
        for k, share in each.items():
            law[STATE[k]] += p * taken * share / sum(each.values())
            weighted[STATE[k]] += f * mean * share / sum(each.values())
    if accept is None:
        sums[3:] = [Fraction(0)] * 2
    mixture, found_law, found_weighted = as_mixture(shares, kinds), np.zeros(3), np.zeros(3)
    found = last_children(
        mixture.width, mixture.kind, mixture.share, STATE, WEIGHT, SCORE if best else np.zeros(0),
        np.ascontiguousarray(MOMENTS[:, : len(shares)]),
        np.zeros(0) if accept is None else W[: len(shares)], survival,
        np.inf if accept is None else accept, n, found_law, found_weighted,
    )  # fmt: skip
    for got, exact in ((found, sums), (found_law, law), (found_weighted, weighted)):
        assert got == pytest.approx([float(x) for x in exact], rel=1e-12)
    assert found_law.sum() == pytest.approx(found[0 if accept is None else 4], rel=1e-12)


def test_sums_over_a_million_clouds_lose_nothing():
    one, count = np.ones(1), 10**6
    law, weighted = np.zeros(1), np.zeros(1)
    sums = last_children(
        np.ones(count, dtype=np.int64), np.zeros(count, dtype=np.int64), np.ones(count),
        np.zeros(1, dtype=np.int64), one, np.zeros(0), np.full((3, count), 0.1), np.zeros(0),
        1.0, np.inf, 1, law, weighted,
    )  # fmt: skip
    # added up one by one it would be off by 1e-11
    assert [*sums[:3], law[0], weighted[0]] == pytest.approx([1e5] * 5, rel=1e-15)
