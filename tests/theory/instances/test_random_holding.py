"""The filter that holds late labels twice at random: refusals, and its law, exactly (T0)."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from simulator.errors import InputError
from simulator.problem.families.hidden_labels import hidden_bits
from simulator.problem.families.late_labels import late_labels
from theory.instances.label_event import in_event
from theory.instances.random_holding import good_label_law, queue_refusals, refusal_limit

QUEUES = [(5, 2, 0.25, 1), (6, 3, 0.5, 1), (6, 3, 0.5, 2), (5, 4, 0.75, 2), (4, 1, 0.5, 0),
          (4, 1, 0.5, 1), (6, 6, 0.25, 2)]  # fmt: skip


def outputs(problem, most):
    """(probability, tokens, refused) of the filter, as particles that only V^ judges.

    All choices: which labels are wanted twice, and the fair value of each label if held once.
    """
    delay, theta = (problem.instance.arguments[k] for k in ("delay", "theta"))
    horizon, model = problem.horizon, problem.model
    for wanted in itertools.product((False, True), repeat=horizon):
        p = math.prod(theta if w else 1 - theta for w in wanted)
        for values in itertools.product((0, 1), repeat=horizon):
            particles, doubled, refused = [((), 0, 0.0)], [], 0  # tokens, state, log V^
            for h in range(horizon):
                both = wanted[h] and len(doubled) < most
                refused += wanted[h] and not both
                doubled += [h] if both else []
                children = []
                for tokens, state, log_v in particles:
                    for a in (0, 1) if both else (values[h],):
                        edge = problem.edge_reward[h]
                        gain = 1.0 if edge is None else edge[state][a]
                        children.append(
                            ((*tokens, a), int(model.next_state[h][state, a]), log_v + np.log(gain))
                        )
                assert len(children) <= 2**most
                shown = [i for i in doubled if h >= i + delay - 1 or h == horizon - 1]
                for i in shown:  # of two that differ in label i alone, keep the one V^ likes
                    groups = {}
                    for child in children:
                        rest = child[0][:i] + child[0][i + 1 :]
                        groups.setdefault(rest, []).append(child)
                    children = [max(g, key=lambda c: c[2]) for g in groups.values()]
                doubled = [i for i in doubled if i not in shown]
                particles = children
            ((tokens, _, _),) = particles
            yield p / 2**horizon, tokens, refused


@pytest.mark.parametrize(("horizon", "delay", "theta", "most"), QUEUES)
def test_the_filter_has_the_stated_law_and_refusals(horizon, delay, theta, most):
    problem = late_labels(horizon, delay, theta, seed=1)
    good = hidden_bits(horizon, 1)
    counts, law, some, mean = np.zeros(horizon + 1), {}, 0.0, 0.0
    for p, tokens, refused in outputs(problem, most):
        counts[int((np.array(tokens) == good).sum())] += p
        law[tokens] = law.get(tokens, 0.0) + p
        some += p * (refused > 0)
        mean += p * refused
    found = queue_refusals(horizon, delay, theta, most)
    assert (found.any, found.mean) == (pytest.approx(some, abs=1e-12), pytest.approx(mean))
    np.testing.assert_allclose(good_label_law(horizon, delay, theta, most), counts, atol=1e-12)
    right = (1 + theta) / 2
    error = sum(
        max(math.prod(right if a == y else 1 - right for a, y in zip(t, good, strict=True)) - p, 0)
        for t, p in law.items()
    )
    pending = theta * (min(delay, horizon) - 1)
    chain = [error, found.any, found.mean]
    if most > 0:
        chain.append(refusal_limit(horizon, theta, pending, most))
        chain.append(refusal_limit(horizon, theta, pending + theta, most))
    assert all(a <= b + 1e-12 for a, b in itertools.pairwise(chain)), chain
    assert (error < 1e-12) == (found.any < 1e-12) == (most >= delay)


def test_half_of_the_refusals_would_be_too_few():
    """So P(some refusal) cannot be halved at will: here the error is more than a third of it."""
    problem, good = late_labels(2, 2, 0.5, seed=1), hidden_bits(2, 1)
    law = {}
    for p, tokens, _ in outputs(problem, 1):
        law[tokens] = law.get(tokens, 0.0) + p
    error = sum(
        max(math.prod(0.75 if a == y else 0.25 for a, y in zip(t, good, strict=True)) - p, 0)
        for t, p in law.items()
    )
    assert error > queue_refusals(2, 2, 0.5, 1).any / 4 > 0.05


@settings(max_examples=30)
@given(st.integers(1, 40), st.integers(1, 6), st.sampled_from([0.0, 0.1, 0.5]), st.integers(0, 6))
def test_refusals_are_ordered_and_the_law_sums_to_one(horizon, delay, theta, most):
    found = queue_refusals(horizon, delay, theta, most)
    assert 0 <= found.any <= found.mean + 1e-12
    assert found.any <= queue_refusals(horizon, delay, theta, max(most - 1, 0)).any + 1e-12
    law = good_label_law(horizon, delay, theta, most)
    assert law.sum() == pytest.approx(1, abs=1e-12)
    gap = np.abs(law - binom.pmf(np.arange(horizon + 1), horizon, (1 + theta) / 2)).sum() / 2
    assert gap <= found.any + 1e-12
    if most >= delay or theta == 0:
        assert gap < 1e-12


def test_the_stated_numbers():
    means = [queue_refusals(1000, 8, 1 / 8, b).mean for b in (5, 6)]
    assert means == [pytest.approx(0.053, abs=5e-4), pytest.approx(0.0025, abs=5e-5)]


def test_the_number_of_particles_grows_slower_than_any_power():
    """Least 2^b with refusals below 1/20: from H = 10^3 to 10^9 the limit asks for 2^6 times."""

    def asked(horizon):
        return next(2**b for b in range(1, 99) if refusal_limit(horizon, 1 / 8, 1.0, b) < 0.05)

    sizes = [asked(10**k) for k in (3, 6, 9)]
    powers = [math.log(s) / math.log(10**k) for s, k in zip(sizes, (3, 6, 9), strict=True)]
    assert sizes == sorted(sizes)
    assert powers == sorted(powers, reverse=True)


# ---- the family


def test_the_family_is_what_its_docstring_says():
    problem = late_labels(6, 3, 0.5, seed=2)
    good = hidden_bits(6, 2)
    paths = np.array(list(itertools.product((0, 1), repeat=6)))
    law = np.prod(np.where(paths == good, 0.75, 0.25), axis=1)
    for path, want in zip(paths, law, strict=True):
        state, log_r, log_v = 0, 0.0, []
        for h, a in enumerate(path):
            edge = problem.edge_reward[h]
            log_r += 0.0 if edge is None else math.log(edge[state][a])
            log_v.append(log_r)
            state = int(problem.model.next_state[h][state, a])
        assert math.exp(log_r) / 64 == pytest.approx(want)
        each = np.where(path == good, 1.5, 0.5)
        taken = [h - 2 if h < 6 else 6 for h in range(1, 7)]  # labels that V^ has heard of
        assert np.exp(log_v) == pytest.approx([each[: max(k, 0)].prod() for k in taken])
    assert problem.log_z == pytest.approx(0, abs=1e-12)
    hit = in_event(problem, paths, [4])
    assert (hit == ((paths == good).sum(axis=1) >= 4)).all()
    assert law[hit].sum() == pytest.approx(binom.sf(3, 6, 0.75))
    from theory.criteria import criteria

    c = criteria(problem)
    assert (c.action_coverage, c.prm_accuracy) == (pytest.approx(1.5), pytest.approx(4.0))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: late_labels(0), "horizon"), (lambda: late_labels(3, 17), "delay"),
        (lambda: late_labels(3, 2, 1.0), "theta"), (lambda: queue_refusals(3, 0, 0.1, 1), "delay"),
        (lambda: good_label_law(3, 2, 0.1, -1), "most_doubled"),
        (lambda: refusal_limit(3, 0.1, 1.0, 0), "most_doubled"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_by_name(call, name):
    with pytest.raises(InputError, match=rf"\A{name}: [^\n]*\Z"):
        call()
