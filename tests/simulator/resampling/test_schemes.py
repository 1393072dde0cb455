"""Resampling: kernel equal to twin, textbook inversion, and the whole law by sweeping uniforms.

The generator can be put into a state whose next words are chosen, so uniforms are swept over
a grid on whose cells the result is constant: laws come out exactly, without sampling.
"""

from collections import Counter
from fractions import Fraction
from itertools import accumulate, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.resampling.multinomial import invert
from simulator.resampling.offspring import offspring_law
from simulator.resampling.schemes import SCHEMES as NAMED
from simulator.resampling.schemes import SWEEP, scheme_for
from simulator.resampling.single import pick, pick_from_sums
from simulator.resampling.systematic import mark, plain
from simulator.streams.plain import Xoshiro

MASK = 2**64 - 1
LAST = MASK  # the word of the largest uniform, 1 - 2^-53
SCHEMES = {**NAMED, "sweep": SWEEP}  # "multinomial" of many particles
schemes = pytest.mark.parametrize("scheme", SCHEMES)


def turn(x, k):
    """Rotate right."""
    return ((x >> k) | (x << (64 - k))) & MASK


def state_for(word, following=LAST):
    """Return the state whose next two words are these."""
    s0 = turn(following, 4)
    s3 = (turn((word - s0) & MASK, 23) - s0) & MASK
    return [s0, s3 ^ s0, 12345, s3]


def rewind(state, steps):
    """Return the state `steps` words earlier."""
    a, b, c, d = state
    for _ in range(steps):
        d = turn(d, 45)
        a ^= d
        y = b ^ c
        before = (y ^ y << 17 ^ y << 34 ^ y << 51) & MASK
        c = b ^ before ^ a
        d ^= before
        b = before
    return [a, b, c, d]


def kernel(scheme, weights, state):
    """Return the ancestors and the new state of the compiled function."""
    n = weights.size
    ancestors, guide = np.zeros((2, n + 8), dtype=np.uint64)
    total = float(np.cumsum(weights)[-1])
    after = SCHEMES[scheme].fill(
        weights, n, total, ancestors, np.zeros(n + 8), guide, *np.array(state, dtype=np.uint64)
    )
    return ancestors[:n].astype(int).tolist(), [int(s) for s in after]


def same_as_twin(scheme, weights, state):
    rng = Xoshiro(state)
    twin = SCHEMES[scheme].plain(weights, rng).tolist()
    ancestors, after = kernel(scheme, weights, state)
    assert ancestors == twin
    assert after == rng.state
    return ancestors


def textbook(scheme, weights, state):
    """Ancestors by exact fractions: the first i with C_i above the position."""
    n, total = len(weights), sum(weights)
    rng = Xoshiro(state)

    def uniform():
        return Fraction(rng.word() >> 11, 2**53)

    def invert(mass, position):
        return next(i for i, c in enumerate(accumulate(mass)) if c > position)

    if scheme == "multinomial":
        return [invert(weights, uniform() * total) for _ in range(n)]
    if scheme == "sweep":
        parts = sorted(rng.word() >> 52 for _ in range(n))
        within = [Fraction(rng.word() >> 23, 2**41) for _ in parts]
        return [invert(weights, (p + u) / 4096 * total) for p, u in zip(parts, within, strict=True)]
    if scheme == "systematic":
        u = uniform()
        return [invert(weights, (u + k) / n * total) for k in range(n)]
    if scheme == "stratified":
        return [invert(weights, (uniform() + k) / n * total) for k in range(n)]
    if scheme == "single":
        return [invert(weights, uniform() * total)] * n
    if scheme == "killing":
        kept = [i for i, w in enumerate(weights) if uniform() * max(weights) < w]
        return kept + [invert(weights, uniform() * total) for _ in range(n - len(kept))]
    share = [Fraction(n * w, total) for w in weights]
    if scheme == "ssp":
        while len(loose := [i for i, s in enumerate(share) if s.denominator > 1]) > 1:
            i, j = loose[:2]
            x, y, u = share[i] % 1, share[j] % 1, uniform()
            first_rises = u < (x / (x + y) if x + y < 1 else (1 - y) / (2 - x - y))
            step = min(1 - x, y) if first_rises else -min(x, 1 - y)
            share[i] += step
            share[j] -= step
        return [i for i, s in enumerate(share) for _ in range(int(s))]
    certain = [i for i, s in enumerate(share) for _ in range(int(s))]
    rest = [s - int(s) for s in share]
    return certain + [invert(rest, uniform() * sum(rest)) for _ in range(n - len(certain))]


@st.composite
def floats(draw):
    """Weights with zeros, denormals and up to 590 orders of magnitude, at least one normal."""
    number = st.one_of(
        st.sampled_from([0.0, 5e-324, 1e-310, 0.25, 0.5, 1.0]), st.floats(1e-290, 1e300)
    )
    weights = draw(st.lists(number, min_size=1, max_size=20))
    weights[draw(st.integers(0, len(weights) - 1))] = draw(st.floats(1e-290, 1e300))
    return np.array(weights)


whole = st.lists(st.integers(0, 9), min_size=1, max_size=20).filter(any)
words = st.one_of(st.integers(0, MASK), st.integers(0, 15).map(lambda k: k << 60))
states = st.builds(state_for, words, words)


@given(words, words, st.integers(0, 30))
def test_the_generator_can_be_put_before_chosen_words(word, following, steps):
    rng = Xoshiro(rewind(state_for(word, following), steps))
    assert [rng.word() for _ in range(steps + 2)][-2:] == [word, following]


@pytest.mark.slow
@schemes
@given(weights=floats(), state=states)
def test_kernel_equals_twin_on_any_weights(scheme, weights, state):
    same_as_twin(scheme, weights, state)


def test_the_multinomial_guide_is_exact_where_a_position_meets_an_end():
    # u = 1/2 belongs to the last particle, behind more zeros than the steps without a branch
    weights = np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    assert kernel("multinomial", weights, state_for(1 << 63))[0][0] == 5


@given(
    weights=st.one_of(floats(), whole.map(lambda x: np.array(x, dtype=float))),
    behind=st.integers(0, 3),
    word=st.one_of(words, st.just(LAST)),
)
@example(weights=np.array([1.0, 0.0, 1.0]), behind=0, word=1 << 63)
def test_a_pick_from_running_sums_is_the_pick_from_weights(weights, behind, word):
    weights, u = np.append(weights, np.zeros(behind)), (word >> 11) * 2.0**-53
    sums = np.cumsum(weights)
    chosen = pick(weights.size, weights, sums[-1], u)
    assert chosen == pick_from_sums(sums, u * sums[-1]) == invert(weights, u)
    assert weights[chosen] > 0


def test_the_multinomial_guide_is_exact_where_the_first_weight_vanishes_beside_the_sum():
    # 1e-290 / 8e33 underflows, yet u = 0 belongs to the first particle
    assert kernel("multinomial", np.array([1e-290, 8e33]), state_for(0, 0))[0] == [0, 0]


@pytest.mark.slow
@schemes
@given(weights=whole, state=states)
def test_kernel_equals_twin_where_positions_meet_ends(scheme, weights, state):
    # small whole numbers and u = 0, 1/2, ..: positions fall exactly on cumulative weights
    same_as_twin(scheme, np.array(weights, dtype=float), state)


@pytest.mark.slow
@schemes
@given(weights=whole, state=st.lists(st.integers(1, MASK), min_size=4, max_size=4))
def test_ancestors_are_the_textbook_inversion_of_the_uniforms(scheme, weights, state):
    ancestors, _ = kernel(scheme, np.array(weights, dtype=float), state)
    assert ancestors == textbook(scheme, weights, state)


@pytest.mark.slow
@schemes
@given(weights=floats(), behind=st.integers(1, 3), place=st.integers(0, 22))
def test_no_ancestor_has_weight_zero_even_as_u_goes_to_one(scheme, weights, behind, place):
    # particles of weight zero stand last, and the largest uniform comes at any place
    weights = np.append(weights, np.zeros(behind))
    state = rewind(state_for(LAST), min(place, weights.size - 1))
    assert (weights[same_as_twin(scheme, weights, state)] > 0).all()


@pytest.mark.parametrize("scheme", NAMED)
@pytest.mark.parametrize("n", range(2, 21))
def test_the_last_uniform_takes_the_last_live_particle(scheme, n):
    # 0.1 + 0.1 + .. rounds, and one particle of weight zero stands behind
    weights = np.full(n, 0.1)
    weights[-1] = 0.0
    # under killing, n chances of survival come before the last particle is redrawn
    draws = {"multinomial": n, "stratified": n, "killing": n + 1}.get(scheme, 1)
    ancestors = same_as_twin(scheme, weights, rewind(state_for(LAST), draws - 1))
    assert ancestors[-1] == n - 2


@given(weights=whole, state=states)
def test_systematic_gives_floor_or_ceiling(weights, state):
    counts = Counter(kernel("systematic", np.array(weights, dtype=float), state)[0])
    for i, w in enumerate(weights):
        share = Fraction(len(weights) * w, sum(weights))
        assert int(share) <= counts[i] <= -int(-share // 1)


@example(weights=np.array([*[0.1] * 9, 0.0]), state=state_for(LAST))  # rounding: the last live one
@given(weights=floats(), state=states)
def test_marks_held_are_the_rows_of_the_ancestors(weights, state):
    n, total = weights.size, float(np.cumsum(weights)[-1])
    rows = np.arange(3, 3 + 8 * (n + 1), 8, dtype=np.uint32)
    marks = np.zeros(n + 1, dtype=np.uint32)
    u = Xoshiro(state).uniform()
    mark(weights, n, n / total, u, rows, np.uint64(1), marks)
    held = list(accumulate(marks[:n].tolist(), lambda row, new: new or row))
    assert held == (rows[1:][plain(weights, Xoshiro(state))] + 1).tolist()


@given(weights=whole, state=states)
def test_residual_gives_at_least_the_floor(weights, state):
    counts = Counter(kernel("residual", np.array(weights, dtype=float), state)[0])
    assert all(counts[i] >= len(weights) * w // sum(weights) for i, w in enumerate(weights))


@pytest.mark.slow
@schemes
@given(weights=floats(), state=states)
def test_only_ordered_schemes_promise_order(scheme, weights, state):
    ancestors, _ = kernel(scheme, weights, state)
    if SCHEMES[scheme].ordered:
        assert ancestors == sorted(ancestors)


@pytest.mark.parametrize("scheme", ["systematic", "stratified", "residual"])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 10, 20])
def test_equal_weights_resample_to_themselves(scheme, n):
    for w in (0.1, 1 / 3, 1.0):
        assert kernel(scheme, np.full(n, w), [1, 2, 3, 4])[0] == list(range(n))


def swept_law(scheme, weights, n_uniforms):
    """Exact law of the offspring counts, from a grid of midpoints of up to two uniforms.

    With whole weights of sum S every end lies on a multiple of 1/(2 S) of each uniform.
    """
    cells = 2 * sum(weights)
    law = Counter()
    for k in product(range(cells), repeat=n_uniforms):
        chosen = [((2 * i + 1) * 2**53 // (2 * cells)) << 11 for i in k]
        ancestors, _ = kernel(scheme, np.array(weights, dtype=float), state_for(*chosen))
        law[tuple(np.bincount(ancestors, minlength=len(weights)).tolist())] += 1
    return {counts: Fraction(k, cells**n_uniforms) for counts, k in law.items()}


SWEEPS = [
    *(("systematic", w, 1) for w in ([3, 1], [1, 2, 4], [0, 5, 1, 1], [1, 0, 0, 7, 3, 2, 2, 1])),
    *((s, w, 2) for s in ("multinomial", "stratified") for w in ([3, 1], [2, 5], [0, 1], [1, 1])),
    *(("residual", w, 2) for w in ([3, 1], [1, 2, 4], [5, 5, 3, 1], [4, 1, 1, 0, 9])),
    *(("single", w, 1) for w in ([3, 1], [1, 2, 4], [0, 5, 1, 1])),
    ("killing", [1], 1),
]


@pytest.mark.parametrize(("scheme", "weights", "n_uniforms"), SWEEPS)
def test_the_law_over_all_uniforms_is_the_exact_offspring_law(scheme, weights, n_uniforms):
    swept = swept_law(scheme, weights, n_uniforms)
    exact = {counts: p for p, counts in offspring_law(scheme, weights)}
    assert swept.keys() == exact.keys()
    for counts, p in swept.items():
        assert float(p) == pytest.approx(exact[counts], abs=1e-12)


@pytest.mark.parametrize(("scheme", "weights", "n_uniforms"), SWEEPS)
def test_mean_offspring_is_exactly_n_times_the_weight(scheme, weights, n_uniforms):
    swept = swept_law(scheme, weights, n_uniforms)
    for i, w in enumerate(weights):
        mean = sum(p * counts[i] for counts, p in swept.items())
        assert mean == Fraction(len(weights) * w, sum(weights))


def test_the_schemes_differ_on_the_same_draws():
    # power of the comparisons above: no two schemes could be exchanged unnoticed
    weights = np.array([1.0, 2.0, 4.0, 3.0, 5.0, 1.5])
    state = [11**15, 13**14, 7**20, 3**35]
    found = {tuple(kernel(scheme, weights, state)[0]) for scheme in SCHEMES}
    assert len(found) == len(SCHEMES)


def test_scheme_codes_are_distinct():
    assert len({s.code for s in SCHEMES.values()}) == len(SCHEMES)


def test_many_particles_are_swept():
    assert scheme_for("multinomial", 10**6) is SWEEP
    assert scheme_for("multinomial", 10**4) is SCHEMES["multinomial"]
    assert scheme_for("systematic", 10**6) is SCHEMES["systematic"]
