"""Sweeps: the same totals whoever does the work, however it is cut, in flat memory."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.problem.library import open_problem
from simulator.problem.problem import Problem
from simulator.runs.shard import Total, read_sampler, run_shard
from simulator.runs.spent import peak_memory
from simulator.runs.store import read_table
from simulator.runs.sweep import Grid, run_sweep
from simulator.runs.workers import Workers
from simulator.samplers.registry import SAMPLERS
from simulator.samplers.runs import Runs
from simulator.samplers.smc.sampler import SMC
from tests.support.subprocesses import python

GRID = Grid(("reference:horizon=3", "eos"), ("smc", "smc:select=best"), (1, 3), 5000, 7, 1024)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The sweep of one process, as bytes of its shards and as tables."""
    folder = tmp_path_factory.mktemp("plain")
    summary, states = run_sweep(GRID, folder)
    return shards(folder), summary, states


def shards(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_totals_are_those_of_one_call(plain):
    """The seed of a shard may depend on nothing but its runs: each total would differ."""
    _, summary, states = plain
    assert len(summary) == 8
    for row in summary.itertuples():
        problem = open_problem(row.problem)
        sampler = read_sampler(row.sampler, row.particles)
        runs = sampler.run(problem, GRID.runs, rng=GRID.seed)
        here = (states["problem"] == row.problem) & (states["sampler"] == row.sampler)
        of_point = states[here & (states["particles"] == row.particles)]
        counted = np.zeros(problem.target[-1].size)
        counted[of_point["state"]] = of_point["count"]
        assert (counted == np.bincount(runs.states[~runs.failed], minlength=counted.size)).all()
        assert (problem.target[-1][of_point["state"]] == of_point["target"]).all()
        assert row.failure == runs.failure_rate
        assert row.prm_evaluations == runs.prm_evaluations.mean()
        assert row.model_calls == runs.model_calls.mean()
        ratio = np.exp(runs.log_w - problem.log_z)
        # correctly rounded sums on both sides, then one division each
        assert row.mean_w_over_z == pytest.approx(math.fsum(ratio) / GRID.runs, rel=4e-16)
        assert row.relative_variance == pytest.approx(ratio.var(ddof=1), rel=1e-9)
        if sampler.properly_weighted:
            shortfall = np.maximum(0, 1 - ratio)
            assert row.shortfall == pytest.approx(math.fsum(shortfall) / GRID.runs, rel=4e-16)
            spread = shortfall.std(ddof=1) / math.sqrt(GRID.runs)
            assert row.shortfall_se == pytest.approx(spread, rel=1e-9)
        else:
            assert math.isnan(row.shortfall)
    assert (summary["failure"] > 0).any()


@pytest.mark.slow
@pytest.mark.parametrize(
    "workers",
    [Workers(2, "threading"), Workers(3, "threading"), Workers(2)],
    ids=lambda w: f"{w.jobs} {w.backend}",
)
def test_workers_change_no_bit(plain, tmp_path, workers):
    summary, states = run_sweep(GRID, tmp_path, workers=workers)
    assert shards(tmp_path) == plain[0]
    assert summary.equals(plain[1])
    assert states.equals(plain[2])


@pytest.mark.slow
def test_a_dask_cluster_changes_no_bit(plain, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, dashboard_address=None
    ) as cluster:
        workers = Workers(2, "dask", cluster.scheduler_address)
        summary, states = run_sweep(GRID, tmp_path, workers=workers)
    assert shards(tmp_path) == plain[0]
    assert summary.equals(plain[1])
    assert states.equals(plain[2])


def test_the_cut_into_shards_changes_no_bit(plain):
    for shard in (2048, 3 * 1024, 10**6 // 1024 * 1024):
        grid = Grid(GRID.problems, GRID.samplers, GRID.particles, GRID.runs, GRID.seed, shard)
        summary, states = run_sweep(grid, None)
        assert summary.equals(plain[1])
        assert states.equals(plain[2])


def test_another_seed_changes_every_shard(plain):
    grid = Grid(GRID.problems, GRID.samplers, GRID.particles, GRID.runs, 8, 1024)
    summary, _ = run_sweep(grid, None)
    assert (summary["plug_in"] != plain[1]["plug_in"]).all()


def test_resumes_and_goes_on_where_fewer_runs_have_stopped(tmp_path):
    few = Grid(("eos",), ("smc",), (2,), 2048, 1, 1024)
    more = Grid(("eos",), ("smc",), (2, 4), 4096, 1, 1024)
    run_sweep(few, tmp_path)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert len(times) == few.n_shards == 2
    summary, _ = run_sweep(more, tmp_path)
    after = {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert len(after) == more.n_shards == 8
    assert times.items() <= after.items()
    run_sweep(more, tmp_path)
    assert after == {p: p.stat().st_mtime_ns for p in tmp_path.iterdir()}
    assert summary.equals(run_sweep(more, None)[0])


def test_provenance_names_all_that_a_shard_depends_on(tmp_path):
    run_sweep(Grid(("eos",), ("smc:block=2",), (2,), 2000, 5, 1024), tmp_path)
    notes = [read_table(p)[1] for p in tmp_path.iterdir()]
    digest = open_problem("eos").digest
    assert sorted((n["parameters"] for n in notes), key=lambda p: p["first_block"]) == [
        {"problem": "eos", "digest": digest, "sampler": "smc:block=2", "particles": 2, "seed": 5,
         "first_block": block, "runs": runs}
        for block, runs in ((0, 1024), (1, 976))
    ]  # fmt: skip
    assert all({"python", "numpy", "numba", "source"} <= set(n["software"]) for n in notes)


def test_a_problem_that_has_changed_is_refused():
    with pytest.raises(InputError, match="not the problem that was meant"):
        run_shard("eos", "0" * 64, "smc", 2, 0, 0, 10)


@dataclass(frozen=True)
class NoWeights:
    n_particles: int
    properly_weighted = False

    def run(self, problem, n_runs, *, rng, keep=(), first_block=0):
        ones = np.ones(n_runs, dtype=np.int64)
        return Runs(ones, None, ones == 0, ones, ones)


def test_a_sampler_without_weights_has_none(monkeypatch, tmp_path):
    monkeypatch.setitem(SAMPLERS, "none", NoWeights)
    summary, states = run_sweep(Grid(("eos",), ("none",), (1,), 3000, 0, 1024), tmp_path)
    assert summary[["shortfall", "shortfall_se", "mean_w_over_z"]].isna().all(axis=None)
    assert states[["state", "count"]].values.tolist() == [[1, 3000]]
    assert summary["plug_in"][0] == pytest.approx(1 - open_problem("eos").target[-1][1], abs=1e-12)


def test_one_run_has_no_variance_and_a_constant_none_below_zero():
    problem = Problem(
        open_problem("eos").model, np.ones(int(open_problem("eos").model.n_states[-1])), "exact"
    )
    (row,) = run_shard("eos", problem.digest, "smc", 1, 0, 0, 1, opened=problem)
    total = Total(problem)
    total.add(row)
    assert total.summary()["relative_variance"] is None
    assert total.summary()["shortfall_se"] is None
    third = {
        **row,
        "w_over_z": str(Fraction(1 / 3)),
        "w_over_z_squared": str(Fraction((1 / 3) ** 2)),
    }
    total = Total(problem)
    for _ in range(3):
        total.add(third)
    assert 0 <= total.summary()["relative_variance"] < 1e-16


def test_weights_beyond_floats_are_refused_not_nan(monkeypatch):
    def huge(self, problem, n_runs, **options):
        ones = np.ones(n_runs, dtype=np.int64)
        return Runs(ones, np.full(n_runs, 800.0), ones == 0, ones, ones)

    monkeypatch.setattr(SMC, "run", huge)
    with pytest.raises(InputError, match="range of floats"):
        run_shard("eos", open_problem("eos").digest, "smc", 1, 0, 0, 4)


BAD = {
    "no problem": ({"problems": ()}, "problems: none"),
    "twice": ({"samplers": ("smc", "smc")}, "samplers: smc is given twice"),
    "no particles": ({"particles": (0,)}, "particles: 0"),
    "unknown sampler": ({"samplers": ("smcc",)}, "smcc"),
    "option out of range": ({"samplers": ("smc:ess_threshold=2",)}, "ess_threshold"),
    "option twice": ({"samplers": ("smc:block=2,block=3",)}, "twice"),
    "no runs": ({"runs": 0}, "runs: 0"),
    "far too many runs": ({"runs": 10**13}, "runs: 10000000000000"),
    "seed": ({"seed": -1}, "seed -1"),
    "shard": ({"shard": 1500}, "shard: 1500 is not a multiple"),
    "small shard": ({"shard": 0}, "shard: 0"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_grids_are_refused(case):
    change, words = BAD[case]
    good = {"problems": ("eos",), "samplers": ("smc",), "particles": (1,), "runs": 10, "seed": 0}
    with pytest.raises(InputError, match=words):
        Grid(**{**good, **change})


MEASURE = """
import sys
from pathlib import Path
from simulator.runs.spent import peak_memory
from simulator.runs.sweep import Grid, run_sweep
runs, folder = int(sys.argv[1]), Path(sys.argv[2])
summary, _ = run_sweep(Grid(("product:horizon=4",), ("smc",), (1,), runs, 0), folder)
assert summary["runs"].tolist() == [runs]
print(peak_memory())
"""


@pytest.mark.slow
@pytest.mark.skipif(peak_memory() is None, reason="the system does not tell")
def test_memory_is_flat_in_the_number_of_runs(tmp_path):
    """Keeping one float a run would add 11 MiB."""
    small, large = (
        int(python(MEASURE, runs, tmp_path / str(runs))) for runs in (10**5, 15 * 10**5)
    )
    assert large < small + 2**23
    assert large < 2**30
