"""The generator of the kernels against its published numbers and its plain twin."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.streams.plain import Xoshiro
from simulator.streams.seeds import run_seeds
from simulator.streams.xoshiro import next_word, to_unit, uniforms

WORD = st.integers(0, 2**64 - 1)
# xoshiro256++ 1.0, C code of Blackman and Vigna, state 1, 2, 3, 4
PUBLISHED = [
    41943041,
    58720359,
    3588806011781223,
    3591011842654386,
    9228616714210784205,
    9973669472204895162,
    14011001112246962877,
    12406186145184390807,
    15849039046786891736,
    10450023813501588000,
]


def kernel_words(state, n):
    words = []
    for _ in range(n):
        word, *state = next_word(*(np.uint64(s) for s in state))
        words.append(int(word))
    return words, [int(s) for s in state]


def test_the_kernel_gives_the_published_words():
    assert kernel_words([1, 2, 3, 4], len(PUBLISHED))[0] == PUBLISHED


def test_the_twin_gives_the_published_words():
    twin = Xoshiro([1, 2, 3, 4])
    assert [twin.word() for _ in PUBLISHED] == PUBLISHED


@given(st.lists(WORD, min_size=4, max_size=4))
def test_kernel_and_twin_agree_in_words_and_state(state):
    twin = Xoshiro(state)
    words, after = kernel_words(state, 20)
    assert [twin.word() for _ in range(20)] == words
    assert twin.state == after


@given(WORD)
def test_a_unit_number_is_the_upper_53_bits(word):
    assert to_unit(np.uint64(word)) == (word >> 11) / 2**53


@pytest.mark.parametrize(("word", "u"), [(0, 0.0), (2**11 - 1, 0.0), (2**64 - 1, 1 - 2**-53)])
def test_a_unit_number_reaches_zero_but_never_one(word, u):
    assert to_unit(np.uint64(word)) == u


def test_the_twin_draws_the_kernels_unit_numbers():
    twin = Xoshiro([5, 6, 7, 8])
    words, _ = kernel_words([5, 6, 7, 8], 50)
    assert [twin.uniform() for _ in words] == [to_unit(np.uint64(w)) for w in words]


def test_uniforms_are_the_next_numbers_of_each_stream():
    seeds = run_seeds(3, 5)
    twins = [Xoshiro(words.tolist()) for words in seeds]
    for _ in range(3):
        assert uniforms(seeds).tolist() == [g.uniform() for g in twins]
