"""Run r has one stream, whatever is run around it."""

import numpy as np
import pytest
from numpy.random import SeedSequence

from simulator.errors import InputError
from simulator.streams.seeds import BLOCK, run_seeds, seed_sequence
from simulator.streams.xoshiro import seed_words


@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])
def test_fewer_runs_are_a_prefix_of_more(n):
    assert (run_seeds(7, n) == run_seeds(7, 4 * BLOCK)[:n]).all()


@pytest.mark.parametrize("block", [0, 1, 3])
def test_a_later_block_goes_on_where_the_call_before_stopped(block):
    every = run_seeds(7, 4 * BLOCK)
    assert (run_seeds(7, BLOCK, first_block=block) == every[block * BLOCK :][:BLOCK]).all()


def test_no_two_runs_share_a_state_and_none_is_all_zero():
    seeds = run_seeds(0, 20 * BLOCK)
    assert len(np.unique(seeds, axis=0)) == 20 * BLOCK
    assert len(np.unique(seeds)) == seeds.size
    assert seeds.any(axis=1).all()


def test_an_int_and_its_seed_sequence_give_the_same_again_and_again():
    sequence = np.random.SeedSequence(11)
    for rng in (11, np.int64(11), sequence, sequence):
        assert (run_seeds(rng, 5) == run_seeds(11, 5)).all()


def test_other_seeds_give_other_streams():
    assert not np.isin(run_seeds(1, 2000), run_seeds(2, 2000)).any()


def test_a_generator_moves_on_with_every_call():
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    first, second = run_seeds(rng, 5), run_seeds(rng, 5)
    assert not (first == second).any()
    assert (first == run_seeds(again, 5)).all()


def test_streams_are_apart_from_the_children_a_caller_spawns():
    root = np.random.SeedSequence(5)
    seeds = run_seeds(root, BLOCK)
    for child in root.spawn(20):
        assert not np.isin(child.generate_state(400, np.uint64), seeds).any()
        assert not np.isin(run_seeds(child, 100), seeds).any()


def test_spawning_from_the_sequence_does_not_move_its_streams():
    root = np.random.SeedSequence(5)
    before = run_seeds(root, 10)
    root.spawn(3)
    assert (run_seeds(root, 10) == before).all()


@pytest.mark.parametrize("rng", [-1, 1.5, "1", None, True, [1]])
def test_anything_else_is_refused_in_one_line(rng):
    with pytest.raises(InputError, match=r"\Arng: [^\n]*\Z"):
        seed_sequence(rng)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("n_runs", (0,)),
        ("n_runs", (2.0,)),
        ("n_runs", (True,)),
        ("first_block", (1, -1)),
        ("first_block", (1, 0.5)),
    ],
)
def test_bad_counts_are_refused_by_name(name, arguments):
    with pytest.raises(InputError, match=rf"\A{name}: [^\n]*\Z"):
        run_seeds(1, *arguments)


@pytest.mark.parametrize("sequence", [SeedSequence(0), SeedSequence([3, 2**70], spawn_key=(1, 5)),
                                      SeedSequence(9, pool_size=8)])  # fmt: skip
@pytest.mark.parametrize("n", [1, 2, 5, 4096])
def test_seed_words_are_those_of_numpy(sequence, n):
    out = np.zeros(n, dtype=np.uint64)
    seed_words(sequence.pool, out)
    assert (out == sequence.generate_state(n, np.uint64)).all()
