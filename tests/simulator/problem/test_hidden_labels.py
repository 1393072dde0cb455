"""The recursive hard instances against their text, prefix by prefix."""

from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.hidden_labels import (
    block_counts,
    hidden_bits,
    hidden_labels,
    recursive_delay,
)
from simulator.problem.library import make_problem
from simulator.problem.problem import Problem
from theory.criteria import criteria


def simple_block(counts, start=1):
    """(length, {level of a label: level at which V^ takes it in}), levels from 1."""
    if not counts:
        return 0, {}
    shown, at = {}, start
    for _ in range(counts[-1]):
        length, inner = simple_block(counts[:-1], at + 1)
        shown |= inner | {at: at + 1 + length}
        at += length + 2
    return at - start, shown


def paper_block(counts, start=1):
    if len(counts) == 1:
        last = start + counts[0] - 1
        return counts[0], {h: min(h + 1, last) for h in range(start, last + 1)}
    shown, at = {}, start
    for _ in range(counts[-1]):
        length, inner = paper_block(counts[:-1], at + 1)
        close = at + 1 + length
        shown |= inner | {at: close, close: close}
        at = close + 1
    return at - start, shown


def agrees(problem, shown, theta, y):
    """Whether pi_ref, V^ and V* of every prefix are those of the text."""

    def worth(prefix, levels):
        return np.prod([1 + theta if prefix[h - 1] == y[h - 1] else 1 - theta for h in levels])

    for h in range(problem.horizon + 1):
        for prefix in product((0, 1), repeat=h):
            s, p, gain = 0, 1.0, 1.0
            for level, a in enumerate(prefix):
                p *= problem.model.probs[level][s, a]
                if problem.edge_reward[level] is not None:
                    gain *= problem.edge_reward[level][s, a]
                s = int(problem.model.next_state[level][s, a])
            seen = worth(prefix, [g for g, late in shown.items() if late <= h])
            full = worth(prefix, [g for g in shown if g <= h])
            if not np.allclose(
                [p, gain * problem.prm[h][s], gain * problem.value[h][s]],
                [0.5**h, seen, full], rtol=1e-12,
            ):  # fmt: skip
                return False
    return True


SIMPLE = [(3,), (1, 2), (2, 1), (1, 1, 1)]
PAPER = [(4,), (1,), (3, 1), (2, 2), (1, 1, 1), (2, 1, 1)]


@pytest.mark.parametrize("counts", SIMPLE)
@pytest.mark.parametrize("theta", [0.5, 0.0, 0.9])
def test_hidden_labels_is_its_text(counts, theta):
    problem = hidden_labels(counts, theta, seed=7)
    length, shown = simple_block(counts)
    assert problem.horizon == length
    assert agrees(problem, shown, theta, hidden_bits(length, 7))


@pytest.mark.parametrize("counts", PAPER)
def test_recursive_delay_is_its_text(counts):
    problem = recursive_delay(counts, 0.3, seed=5)
    length, shown = paper_block(counts)
    assert problem.horizon == length
    assert agrees(problem, shown, 0.6, hidden_bits(length, 5))


@pytest.mark.parametrize(("family", "block", "counts"), [
    (hidden_labels, simple_block, (1, 2)), (recursive_delay, paper_block, (2, 2)),
])  # fmt: skip
def test_mutants_do_not_agree(family, block, counts):
    """Reveal one level late or early, theta of the other sign, another hidden bit."""
    problem = family(counts, 0.25, seed=5)
    theta = problem.instance.arguments["theta"]
    length, shown = block(counts)
    y = hidden_bits(length, 5)
    assert agrees(problem, shown, theta, y)
    label = next(h for h, late in shown.items() if h < late < length)
    for shift in (1, -1):
        assert not agrees(problem, shown | {label: shown[label] + shift}, theta, y)
    assert not agrees(problem, shown, -theta, y)
    assert not agrees(problem, shown, theta, [*y[: label - 1], 1 - y[label - 1], *y[label:]])


@pytest.mark.parametrize(
    ("problem", "n", "theta"),
    [
        (hidden_labels("16", 0.75), 1, 0.75),
        (hidden_labels("42/248", 0.5, 3), 2, 0.5),
        (hidden_labels("3/4/5/2", 0.5, 3), 4, 0.5),
        (recursive_delay("81", 1 / 3), 1, 2 / 3),
        (recursive_delay("81/79", 1 / 3), 2, 2 / 3),
    ],
)
def test_the_prm_is_as_accurate_as_promised_at_every_state(problem, n, theta):
    gap = problem.log_value_flat - problem.log_prm_flat
    assert gap.max() <= n * np.log(1 + theta) + 1e-9
    assert gap.min() >= n * np.log(1 - theta) - 1e-9
    c = criteria(problem)
    assert c.prm_accuracy == pytest.approx((1 - theta) ** -n, rel=1e-9)
    assert c.action_coverage == pytest.approx(1 + theta, rel=1e-9)
    assert problem.log_z == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("n_particles", [4, 5, 10])
def test_the_papers_constants_hold_from_four_on(n_particles):
    """gamma = 1/N and n <= N levels: C_act <= 2 and C_inf <= e^3; N = n = 3 gives 27 > e^3."""
    top = recursive_delay([2] * min(n_particles, 8), 1 / n_particles)
    c = criteria(top)
    assert c.action_coverage <= 2
    assert c.prm_accuracy <= np.exp(3)
    assert (1 - 2 / n_particles) ** -n_particles <= np.exp(3)
    assert criteria(recursive_delay([2, 1, 1], 1 / 3)).prm_accuracy == pytest.approx(27)


@pytest.mark.slow
def test_half_a_million_levels_share_a_few_tables():
    problem = make_problem("recursive-delay:counts=81/79/81,seed=1")
    assert problem.horizon == 531_279  # 3^12 = 531,441
    assert problem.model.n_states.max() == 8
    assert len(problem.model.tables) <= 9
    assert problem.tables.log_factor.size < 400
    gap = problem.log_value_flat
    assert gap.min() == pytest.approx(-3 * np.log(3), abs=1e-8)
    assert gap.max() == pytest.approx(3 * np.log(5 / 3), abs=1e-8)


def test_states_do_not_show_the_hidden_bits():
    a, b = hidden_labels("2/3", 0.5, seed=1), hidden_labels("2/3", 0.5, seed=2)
    for h in range(a.horizon):
        assert (a.model.next_state[h] == b.model.next_state[h]).all()
        assert (a.prm[h] == b.prm[h]).all()
    assert a.digest != b.digest


def test_only_a_family_sets_the_instance():
    problem = hidden_labels("2/3", 0.5, seed=1)
    assert problem.instance.arguments == {"counts": (2, 3), "theta": 0.5, "seed": 1}
    assert problem.with_prm("exact").instance is None
    assert Problem(problem.model, [1.0], "exact").instance is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: hidden_labels("4x4"), "counts: '4x4' is not of the form"),
        (lambda: hidden_labels(""), "counts: '' is not"),
        (lambda: hidden_labels([]), "counts: 0 levels"),
        (lambda: hidden_labels([0]), "counts: 0 is not a whole number"),
        (lambda: hidden_labels("9999/9999"), "more than 10000000 levels"),
        (lambda: hidden_labels("3", 1.0), "theta < 1"),
        (lambda: hidden_labels("3", 0.5, -1), "seed: -1"),
        (lambda: recursive_delay("3", 0.6), "gamma"),
        (lambda: recursive_delay("3", 0.5), "gamma < 1/2"),
    ],
)
def test_bad_arguments_are_told(make, text):
    with pytest.raises(InputError, match=text):
        make()
    assert block_counts([3, 2]) == (3, 2)


def test_problems_that_differ_by_their_bits_share_the_model():
    one, other = hidden_labels("4/3", 0.5, 1), hidden_labels("4/3", 0.5, 2)
    assert one.model is other.model
    assert one.digest != other.digest
    assert recursive_delay("4/3", 0.25, 1).model is not one.model
