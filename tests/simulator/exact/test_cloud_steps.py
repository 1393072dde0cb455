"""Steps of the chain of clouds: what will pass a limit is told before it is listed, and wide
clouds are merged by their digits."""

import numpy as np
import pytest

from simulator.errors import TooLargeError
from simulator.exact.cloud_steps import Clouds, Work, mixture_blocks
from simulator.exact.merging_kernel import mix
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
    found = Clouds(few[pick], moments, w).merged()
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
