"""Closed forms of the recursive hard instances against all sequences, and SMC on them."""

import math
from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.measure.confidence import clopper_pearson
from simulator.problem.families.hidden_labels import hidden_bits, hidden_labels, recursive_delay
from simulator.problem.families.product import product as product_instance
from simulator.samplers.smc.sampler import SMC
from theory.instances.hidden_labels import (
    best_thresholds,
    block_sizes,
    error_limit,
    event_probability,
    label_counts,
    myopic_limit,
    sufficient_particles,
)
from theory.instances.label_event import count_hits, in_event


def happens(good, counts, thresholds, papers=False):
    """E_n of one block, from its text; good: per level, whether the token is the hidden bit."""
    if not counts:
        return True
    if papers and len(counts) == 1:
        return sum(good[: counts[0]]) >= thresholds[0]
    size = len(good) // counts[-1]
    done = 0
    for i in range(counts[-1]):
        copy = good[i * size : (i + 1) * size]
        done += copy[0] and happens(copy[1:-1], counts[:-1], thresholds[:-1], papers)
    return done >= thresholds[-1]


CASES = [
    (hidden_labels((4,), 0.5, 1), (3,)),
    (hidden_labels((2, 2), 0.75, 2), (1, 2)),
    (hidden_labels((1, 2), 0.5, 3), (1, 1)),
    (hidden_labels((1, 1, 2), 0.5, 4), (1, 1, 1)),
    (recursive_delay((5,), 0.3, 1), (3,)),
    (recursive_delay((3, 2), 0.3, 1), (1, 2)),
]


def everything(problem):
    return np.array(list(product((0, 1), repeat=problem.horizon)))


@pytest.mark.parametrize(("problem", "thresholds"), CASES)
def test_event_and_its_target_law_are_those_of_all_sequences(problem, thresholds):
    paths, counts = everything(problem), label_counts(problem)
    good = paths == hidden_bits(problem.horizon, problem.instance.arguments["seed"])
    papers = problem.instance.family == "recursive-delay"
    want = [happens(list(row), counts, thresholds, papers) for row in good.tolist()]
    hit = in_event(problem, paths, thresholds)
    assert hit.tolist() == want
    law = np.ones(len(paths))
    for h in range(problem.horizon):  # one state a prefix is not needed: follow all paths
        state = np.zeros(len(paths), dtype=int) if h == 0 else state  # noqa: F821
        edge = problem.edge_reward[h]
        law *= 0.5 * (1 if edge is None else edge[state, paths[:, h]])
        state = problem.model.next_state[h][state, paths[:, h]]
    assert law.sum() == pytest.approx(1, abs=1e-12)
    theta = problem.instance.arguments["theta"]
    reach = event_probability(counts, thresholds, theta)
    assert law[hit].sum() == pytest.approx(reach, abs=1e-12)
    assert law[hit].sum() != pytest.approx(event_probability(counts, thresholds, -theta), abs=1e-3)


def test_published_values():
    assert event_probability([16], [12], 0.75) == pytest.approx(0.96, abs=0.005)
    assert event_probability([42, 248], [27, 162], 0.5) == pytest.approx(0.99, abs=0.005)
    assert myopic_limit([16], [12], 1) == pytest.approx(0.0384, abs=5e-5)
    assert hidden_labels("16").horizon == 32
    assert hidden_labels("42/248", 0.5).horizon == 21_328
    assert block_sizes(1, 0.75, 0.05) == ((16,), (12,))
    assert block_sizes(2, 0.5, 0.05) == ((42, 248), (27, 162))


def tail(m, t, p):
    return sum(math.comb(m, k) * p**k * (1 - p) ** (m - k) for k in range(t, m + 1))


@pytest.mark.parametrize("sharp", [False, True])
@pytest.mark.parametrize(("theta", "delta"), [(0.5, 0.05), (0.75, 0.05), (0.6, 0.02)])
def test_block_sizes_separate_and_are_least(theta, delta, sharp):
    counts, thresholds = block_sizes(3, theta, delta, sharp)
    for n in (1, 2, 3):
        assert myopic_limit(counts[:n], thresholds[:n], n) <= delta
        assert event_probability(counts[:n], thresholds[:n], theta) >= 1 - delta
    miss = 0.5 + 2 * delta if not sharp else 0.5 + myopic_limit(counts[:1], thresholds[:1], 1) / 2
    hit = (1 + theta) / 2
    hit = hit * event_probability(counts[:1], thresholds[:1], theta) if sharp else hit - delta
    for m, good in ((counts[1], True), (counts[1] - 1, False)):
        found = any(
            tail(m, t, miss) <= delta and 1 - tail(m, t, hit) <= delta for t in range(m + 1)
        )
        assert found == good


def test_no_block_is_made_if_theta_is_too_small():
    with pytest.raises(InputError, match="too small"):
        block_sizes(2, 0.2, 0.05)


def test_particles_that_suffice():
    for n in range(1, 12):
        assert sufficient_particles(n, 1 / n) == n + 1
        assert sufficient_particles(n, 1 / n + 0.01) > n + 1 - (n == 1)
        assert sufficient_particles(n, 1.0) == 2**n


@pytest.mark.parametrize("m", [3, 5])
@pytest.mark.parametrize("t", [2, 3])
def test_one_particle_reaches_the_event_as_the_closed_form_says(m, t):
    """N = 1 copies each label blindly: Bin(M, 1/2), by the exact law over all paths."""
    problem = hidden_labels([m], 0.5, seed=m)
    hit = in_event(problem, everything(problem), [t])
    law = SMC(1).exact_law(problem).law
    assert law[hit].sum() == pytest.approx(myopic_limit([m], [t], 1), abs=1e-12)


@pytest.mark.parametrize("problem", [hidden_labels([5], 0.75, 3), recursive_delay([6], 0.4, 3)])
def test_the_limit_is_below_the_exact_error(problem):
    limit = error_limit(problem, 1)
    assert 0.3 < limit <= SMC(1).exact_law(problem).tv + 1e-12


def test_thresholds_are_the_best_at_one_level():
    counts, theta = (9,), 0.5
    gaps = [event_probability(counts, [t], theta) - myopic_limit(counts, [t], 1) for t in range(10)]
    assert best_thresholds(counts, theta, 1) == (int(np.argmax(gaps)),)


# frequency of E_2 under SMC with (counts 42/248, thresholds 27/162), theta = 1/2, by other runs
SEEN = [(32, 0.9999, 0.0), (128, 0.9999, 0.4), (256, 0.9999, 0.85), (256, 1.0, 0.3)]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "ess_threshold", "frequency"), SEEN)
def test_smc_reaches_the_event_as_often_as_stated(n, ess_threshold, frequency):
    """Resampling where the weights differ (the reveals), or at every level.

    60 runs; the stated frequency lies in the Clopper-Pearson interval but for 1e-9. The
    interval is at most 0.7 wide: it tells 0 from 0.4 and 0.3 from 0.85 at N = 256.
    """
    problem = hidden_labels("42/248", 0.5, seed=1)
    hits = count_hits(
        problem, SMC(n, ess_threshold=ess_threshold), (27, 162), 60, rng=int(1000 * ess_threshold)
    )
    low, high = clopper_pearson(hits, 60, 1e-9)
    assert low <= frequency <= high


def test_the_interval_tells_the_two_schedules_apart():
    """Power of the test above: 0.3 and 0.85, or 0 and 0.4, share no count of 60."""
    for k in range(61):
        low, high = clopper_pearson(k, 60, 1e-4)
        assert not low <= 0.3 <= 0.85 <= high
        assert not low <= 0.0 <= 0.4 <= high


def test_count_hits_does_not_depend_on_the_size_of_its_parts(monkeypatch):
    problem = hidden_labels([6], 0.75, seed=1)
    monkeypatch.setattr("theory.instances.label_event.CHUNK_TOKENS", 12 * 7)
    hits = count_hits(problem, SMC(1), [0], 20, rng=1)
    assert hits == 20  # a threshold of 0 is always met
    assert count_hits(problem, SMC(1), [7], 20, rng=1) == 0


def test_wrong_input_is_told():
    problem = hidden_labels([2], 0.5)
    for call, text in (
        (lambda: label_counts(product_instance(3)), "not a problem of hidden-labels"),
        (lambda: in_event(problem, [[0, 1]], [1]), "shape"),
        (lambda: in_event(problem, [[0, 1, 0, 1]], [1, 1]), "2 thresholds for 1 levels"),
        (lambda: event_probability([2], [1, 1], 0.5), "1 counts, but 2 thresholds"),
        (lambda: myopic_limit([2], [1], 0), "at least 1"),
    ):
        with pytest.raises(InputError, match=text):
            call()
