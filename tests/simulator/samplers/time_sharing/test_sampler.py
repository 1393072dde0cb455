"""The filter that holds both labels: its twin, its budget, and the law of its output."""

from itertools import product

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.families.hidden_labels import hidden_bits, hidden_labels, recursive_delay
from simulator.problem.families.reference import reference
from simulator.samplers.registry import SAMPLERS
from simulator.samplers.time_sharing.plain import run_plain
from simulator.samplers.time_sharing.sampler import TimeSharing
from theory.instances.hidden_labels import sufficient_particles

PROBLEMS = [
    hidden_labels("2/3/2", 0.5, 3), hidden_labels("5", 0.9, 1), hidden_labels("2/2", 0.0, 1),
    recursive_delay("3/3/2", 0.25, 3), recursive_delay("1/2", 0.4, 2),
]  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("share", [None, 1.0, 0.3])
def test_the_kernel_draws_what_plain_python_draws(problem, n, share):
    sampler = TimeSharing(n, share)
    runs = sampler.run(problem, 20, rng=2, keep=("tokens",))
    twin = run_plain(problem, sampler, 20, 2)
    assert runs.tokens.tolist() == [list(tokens) for tokens, _, _ in twin]
    assert runs.prm_evaluations.tolist() == [e for _, e, _ in twin]
    assert runs.model_calls.tolist() == [c for _, _, c in twin]
    assert (runs.model_calls <= n * problem.horizon).all()


def test_runs_do_not_depend_on_threads_or_calls():
    problem, sampler = hidden_labels("4/300", 0.5, 3), TimeSharing(3)
    one = sampler.run(problem, 1100, rng=5, keep=("tokens",), n_threads=1)
    two = sampler.run(problem, 1100, rng=5, keep=("tokens",), n_threads=2)
    rest = sampler.run(problem, 76, rng=5, keep=("tokens",), first_block=1)
    assert (one.tokens == two.tokens).all()
    assert (one.tokens[1024:] == rest.tokens).all()


RUNS = 200_000
CLOSE = np.sqrt(np.log(2 * 8 / 1e-10) / (2 * RUNS))  # Hoeffding for 8 events: 1e-10 each test


def largest_gap(n, share, theta=0.5):
    """Largest difference of the law of (label good) on three nested labels from pi*."""
    problem = hidden_labels("1/1/1", theta, 4)
    runs = TimeSharing(n, share).run(problem, RUNS, rng=n, keep=("tokens",))
    good = runs.tokens[:, :3] == hidden_bits(6, 4)[:3]
    seen = np.bincount(good @ [4, 2, 1], minlength=8) / RUNS
    up = (1 + theta) / 2
    want = [np.prod([up if g else 1 - up for g in bits]) for bits in product((0, 1), repeat=3)]
    return np.abs(seen - want).max()


@pytest.mark.parametrize(
    ("n", "share", "theta"),
    [(5, None, 0.5), (8, 1.0, 0.5), (4, None, 1 / 3), (8, 1.0, 0.9), (8, None, 0.9)],
)
def test_with_enough_particles_the_law_is_the_target(n, share, theta):
    """200,000 runs; every cell within 0.008 but for 1e-10 in all (Hoeffding)."""
    if share is None:
        assert n == sufficient_particles(3, theta)
    assert largest_gap(n, share, theta) < CLOSE < 0.009


@pytest.mark.parametrize(("n", "share"), [(4, None), (5, 1.0), (2, None), (1, None), (5, 0.2)])
def test_with_too_few_it_is_not(n, share):
    """Power of the test above: what it misses is smaller than this."""
    assert largest_gap(n, share) > 2 * CLOSE


def test_it_is_no_sampler_for_other_problems():
    assert TimeSharing not in SAMPLERS.values()
    with pytest.raises(InputError, match="not a problem of hidden-labels"):
        TimeSharing(2).run(reference(3), 2, rng=1)
    with pytest.raises(InputError, match="share"):
        TimeSharing(2, 0.0)
    with pytest.raises(InputError, match="n_particles"):
        TimeSharing(0)
    with pytest.raises(InputError, match="not offered"):
        TimeSharing(2).run(hidden_labels("2"), 2, rng=1, keep=("ess",))
