"""C: the draws of the kernels to the last bit, also in SIMD lanes; eight generators: the law."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.bench.c_code import CSMC, LANES, SIMD, compiler
from scripts.bench.problems import filtering
from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.problem.model import TabularModel
from simulator.problem.problem import Problem
from simulator.samplers.smc.edge_tables import edge_tables
from simulator.samplers.smc.sampler import SMC
from simulator.strategies import problems
from simulator.streams.plain import Xoshiro
from tests.support.laws import l1_radius

pytestmark = pytest.mark.skipif(compiler() is None, reason="there is no C compiler")
schemes = pytest.mark.parametrize("resampling", ["multinomial", "systematic"])
N_RUNS = 100_000


@pytest.fixture(scope="module")
def c(tmp_path_factory):
    return CSMC(tmp_path_factory.mktemp("c"))


@pytest.fixture(scope="module", params=[None, *SIMD])
def simd(request, c):
    if request.param is not None and request.param not in c.simd:
        pytest.skip(f"this processor has no {request.param}")
    return request.param


def differ(runs, ours):
    return (runs.states != ours.states).any() or (runs.log_w != ours.log_w).any()


@pytest.mark.slow
@schemes
@settings(max_examples=60)
@given(problem=problems(max_leaves=27), n=st.integers(1, 20), seed=st.integers(0, 2**32))
def test_one_generator_gives_the_kernels_output_to_the_last_bit(
    c, simd, resampling, problem, n, seed
):
    runs = 1 + seed % 11  # not always a whole number of lanes
    ours = SMC(n, resampling).run(problem, runs, rng=seed)
    theirs = c.run(problem, n, resampling, runs, seed, simd=simd)
    assert not differ(theirs, ours)
    assert (n * theirs.levels == ours.model_calls).all()


@schemes
def test_it_does_so_over_long_horizons_many_particles_and_extreme_weights(c, simd, resampling):
    steps = np.random.default_rng(1).choice([-900.0, -290.0, 0.5, 290.0, 700.0], size=60)
    log_prm = np.concatenate([[0.0], np.cumsum(steps)])
    model = TabularModel([np.array([[0.5, 0.5]])] * 60, [np.array([[0, 0]])] * 60)
    climb = Problem.from_log(model, log_prm[-1:], log_prm)
    for problem, n in ((climb, 7), (filtering(16, 8, 500), 100), (filtering(64, 8, 4), 5000)):
        ours = SMC(n, resampling).run(problem, 3, rng=2, n_threads=1)
        assert not differ(c.run(problem, n, resampling, 3, 2, simd=simd), ours)
    assert differ(c.run(problem, n, resampling, 3, 3, simd=simd), ours)


@schemes
def test_a_failed_run_does_not_disturb_the_lanes_beside_it(c, simd, resampling):
    # half of the particles of a level have weight zero, and all of them in some runs
    table, stay = np.array([[0.5, 0.5], [0.5, 0.5]]), np.array([[0, 1], [0, 1]])
    model = TabularModel([table[:1]] + [table] * 5, [stay[:1]] + [stay] * 5)
    prm = [np.ones(1)] + [np.array([1.0, 0.0])] * 6
    problem = Problem(model, np.array([1.0, 0.0]), prm)
    ours = SMC(3, resampling).run(problem, 64, rng=5)
    assert 0 < ours.failed.sum() < 64
    theirs = c.run(problem, 3, resampling, 64, 5, simd=simd)
    assert not differ(theirs, ours)
    assert (3 * theirs.levels == ours.model_calls).all()


def test_many_particles_have_no_lanes(c):
    with pytest.raises(InputError, match="100000 particles: multinomial sweeps have no lanes"):
        c.run(filtering(2, 2, 2), 100_000, "multinomial", 2, 1, simd="avx2")


@schemes
@pytest.mark.parametrize("lanes", [False, True])
def test_the_output_has_the_exact_law(c, resampling, lanes):
    # false failure 1e-9 a case; a law at twice the radius is missed with that probability
    problem = open_problem("reference:horizon=3")
    exact = SMC(3, resampling).exact_law(problem, on="states")
    runs = c.run(problem, 3, resampling, N_RUNS, 17, lanes=lanes)
    assert (runs.states >= 0).all()
    law = np.bincount(runs.states, minlength=exact.law.size) / N_RUNS
    radius = l1_radius(exact.law.size, N_RUNS)
    assert np.abs(law - exact.law).sum() < radius
    other = SMC(1, resampling).exact_law(problem, on="states")
    assert np.abs(other.law - exact.law).sum() > 2 * radius


def test_particle_k_takes_the_word_of_generator_k(c):
    problem = filtering(5, 4, 1)
    seeds = c.seeds(3, 6, lanes=True)
    t = edge_tables(problem)
    runs = c.run(problem, LANES, "systematic", 6, 3, lanes=True)
    for r in range(6):
        x = [4 * Xoshiro(seeds[r, :, k].tolist()).uniform() for k in range(LANES)]
        w = [t.weight[int(u), int(u - int(u) >= t.threshold[int(u)])] for u in x]
        assert runs.log_w[r] == pytest.approx(math.log(sum(w) / LANES), abs=1e-14)


@schemes
def test_a_run_without_weight_fails_where_it_is(c, simd, resampling):
    table, stay = np.array([[0.5, 0.5]]), np.array([[0, 0]])
    model = TabularModel([table] * 4, [stay] * 4)
    problem = Problem.from_log(model, [0.0], [0.0, 0.0, -np.inf, 0.0, 0.0])
    for lanes in {False, simd is None}:
        runs = c.run(problem, 9, resampling, 5, 1, lanes=lanes, simd=simd)
        assert runs.states.tolist() == [-1] * 5
        assert runs.log_w.tolist() == [-np.inf] * 5
        assert runs.levels.tolist() == [2] * 5
