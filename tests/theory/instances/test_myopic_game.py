"""The value of the myopic game against all strategies, the theorem and the samplers."""

from functools import cache
from itertools import combinations, product

import numpy as np
import pytest

from simulator.errors import InputError, TooLargeError
from simulator.problem.families.hidden_labels import hidden_labels
from simulator.samplers.smc.sampler import SMC
from theory.instances.hidden_labels import myopic_limit
from theory.instances.label_event import in_event
from theory.instances.myopic_game import best_event_probability, copy_value


def moves(counts):
    """'open' or 'close' for each level of a block."""
    return [] if not counts else ([*["open"], *moves(counts[:-1]), "close"]) * counts[-1]


def reached(tree, counts, thresholds):
    """Whether the labels that are good (nested lists, one entry a copy) make E_n."""
    if not counts:
        return True
    done = sum(g and reached(t, counts[:-1], thresholds[:-1]) for g, t in tree)
    return done >= thresholds[-1]


def parse(labels, hidden, level, counts):
    """Read a path of labels into nested [good, inner] lists; returns the rest's place."""
    if not counts:
        return [], level
    out = []
    for _ in range(counts[-1]):
        good = labels[level] == hidden[level]
        inner, level = parse(labels, hidden, level + 1, counts[:-1])
        out.append((good, inner))
    return out, level


def brute_value(counts, thresholds, n):
    """Best P(some held path in E_n) over all strategies; states keep whole histories.

    A path is the tuple of its labels; tokens of reveals do not matter. The hidden bit of a
    label is drawn at its reveal, before the filter picks the nodes of that level.
    """
    plan = moves(counts)

    @cache
    def value(h, paths, hidden, opened):
        if h == len(plan):
            return float(
                any(reached(parse(p, hidden, 0, counts)[0], counts, thresholds) for p in paths)
            )
        if plan[h] == "open":
            children = [(*p, a) for p in paths for a in (0, 1)]
            new = (*opened, len(hidden))
            return max(value(h + 1, chosen, (*hidden, None), new) for chosen in subsets(children))
        total = 0.0
        for y in (0, 1):
            known = list(hidden)
            known[opened[-1]] = y
            total += max(
                value(h + 1, chosen, tuple(known), opened[:-1]) for chosen in subsets(paths)
            )
        return total / 2

    def subsets(nodes):
        nodes = sorted(set(nodes))
        sizes = range(1, min(n, len(nodes)) + 1)
        return [c for k in sizes for c in combinations(nodes, k)]

    return value(0, ((),), (), ())


TINY = [
    ((1,), (1,)), ((3,), (2,)), ((1, 1), (1, 1)), ((2, 1), (1, 1)), ((2, 1), (2, 1)),
    ((1, 2), (1, 1)), ((1, 2), (1, 2)), ((3, 1), (2, 1)), ((1, 1, 1), (1, 1, 1)),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("counts", "thresholds"), TINY)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_game_value_is_the_best_of_all_strategies(counts, thresholds, n):
    want = brute_value(counts, thresholds, n)
    assert best_event_probability(counts, thresholds, n) == pytest.approx(want, abs=1e-12)


SMALL = [
    ((m1, m2), (t1, t2))
    for m1, m2 in ((2, 3), (4, 3), (6, 8)) for t1 in (m1 // 2 + 1, m1) for t2 in (m2 // 2 + 1, m2)
]  # fmt: skip


@pytest.mark.parametrize(("counts", "thresholds"), SMALL)
def test_the_theorem_bounds_the_game_and_more_particles_do_not_hurt(counts, thresholds):
    values = [best_event_probability(counts, thresholds, n) for n in range(1, 6)]
    assert values[0] == pytest.approx(myopic_limit(counts, thresholds, 1), abs=1e-12)
    for n, value in enumerate(values, 1):
        assert value <= myopic_limit(counts, thresholds, n) + 1e-12
    assert (np.diff(values) >= -1e-12).all()
    assert values[3] == values[4] == pytest.approx(1.0)
    assert values[1] < values[2]


@pytest.mark.parametrize("n", [2, 3, 4])
def test_the_theorem_bounds_the_game_at_three_levels(n):
    counts, thresholds = (2, 2, 3), (2, 1, 2)
    value = best_event_probability(counts, thresholds, n)
    assert value <= myopic_limit(counts, thresholds, n) + 1e-12
    assert value < 1


def test_a_smaller_share_of_delta_would_be_wrong():
    """Mutants of the induction step: one half alone, or 1/2 + delta/4, are below the game."""
    counts, thresholds = (6, 8), (4, 6)
    delta, value = myopic_limit([6], [4], 1), copy_value(counts, thresholds, 2)
    assert 0.5 + delta / 4 < value <= 0.5 + delta / 2


@pytest.mark.parametrize("scheme", ["multinomial", "systematic", "killing"])
@pytest.mark.parametrize(
    ("counts", "thresholds", "n"),
    [
        ((3,), (2,), 1), ((3,), (3,), 2), ((1, 1), (1, 1), 2), ((1, 1), (1, 1), 3),
        ((2, 1), (2, 1), 2),
    ],
)  # fmt: skip
def test_no_sampler_beats_the_game(counts, thresholds, n, scheme):
    problem = hidden_labels(counts, 0.75, seed=2)
    paths = np.array(list(product((0, 1), repeat=problem.horizon)))
    law = SMC(n, resampling=scheme).exact_law(problem).law
    reach = law[in_event(problem, paths, thresholds)].sum()
    assert reach <= best_event_probability(counts, thresholds, n) + 1e-12
    assert reach > 0


def test_three_particles_are_enough_for_two_levels_where_two_fail():
    """Blocks of thm:hidden, paper/sections/lower.tex: N = 2 reaches E_2 with 7e-6, N = 3 surely."""
    two, three = (best_event_probability([42, 248], [27, 162], n) for n in (2, 3))
    assert two < 1e-5
    assert three > 0.999999
    assert copy_value([42, 248], [27, 162], 2) < 0.5 + myopic_limit([42], [27], 1) / 2


def test_limits_are_told():
    with pytest.raises(TooLargeError, match="too many"):
        copy_value([20, 3], [12, 2], 3, limit=50)
    for counts, thresholds in (([400, 3], [12, 2]), ([42, 68, 70], [27, 43, 44])):
        with pytest.raises(TooLargeError, match="too deep"):
            copy_value(counts, thresholds, 3)
    with pytest.raises(InputError):
        best_event_probability([2], [1], 0)
