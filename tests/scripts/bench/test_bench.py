"""Benchmarks run at tiny sizes; other implementations estimate the same Z. Nothing is timed."""

import json
import math
import os
import threading
from functools import partial

import numpy as np
import pytest

from scripts.bench import limits, report
from scripts.bench.c_code import CSMC, compiler
from scripts.bench.kernels import threads
from scripts.bench.others import RIVALS, against_others
from scripts.bench.problems import SIZES, Size, filtering
from scripts.bench.scaling import exponents
from scripts.bench.timing import Contestant, race
from simulator.exact.second_moments import relative_variance
from simulator.problem.library import open_problem

TINY = Size(3, 2, 4, 5, 8)
PLAN = report.Plan(
    (TINY,), (TINY,), TINY, TINY,
    {
        "N": tuple(TINY._replace(n_particles=n) for n in (16, 64)),
        "R": tuple(TINY._replace(n_runs=r) for r in (16, 64)),
    },
    1000, 2, 1, 1,
)  # fmt: skip


@pytest.mark.parametrize("resampling", ["multinomial", "systematic"])
@pytest.mark.parametrize("name", RIVALS)
def test_other_implementations_estimate_z(name, resampling):
    # Bernstein with the exact variance (that of multinomial is the larger one here), false
    # failure 1e-9: 0 < W/Z <= b
    if name == "particles":
        pytest.importorskip("particles")
    if name.startswith("jax"):
        pytest.importorskip("jax")
    problem, n, runs = open_problem("reference:horizon=4"), 4, 500 if name == "particles" else 20000
    w = np.exp(RIVALS[name](problem, n, resampling)(runs, 1) - problem.log_z)
    assert w.shape == (runs,)
    v, b = (
        relative_variance(problem, n),
        problem.horizon * problem.forward_backward.log_prm_coverage,
    )
    level = math.log(2 / 1e-9)
    radius = math.sqrt(2 * v * level / runs) + 2 * math.exp(b) * level / (3 * runs)
    assert abs(w.mean() - 1) < radius
    assert w.std() > 0


def test_a_wrong_log_z_is_noticed(monkeypatch):
    monkeypatch.setattr("scripts.bench.others.RIVALS", {"numpy": RIVALS["numpy"]})
    sizes = [Size(3, 2, 8, 64, 64)]
    rows, absent = against_others(sizes, 1)
    assert [row["rival"] for row in rows] == ["numpy", "numpy"]
    assert absent == []
    right = RIVALS["numpy"]
    monkeypatch.setattr(
        "scripts.bench.others.RIVALS",
        {"numpy": lambda *a: lambda runs, seed: right(*a)(runs, seed) + 1.0},
    )
    with pytest.raises(ArithmeticError, match="numpy, 3,2,8,64,64, multinomial: log Z is"):
        against_others(sizes, 1)


def test_what_is_not_installed_is_named_and_left_out(monkeypatch):
    def missing(*_):
        raise ImportError

    monkeypatch.setattr("scripts.bench.others.RIVALS", {"jax a": missing, "jax b": missing})
    assert against_others([TINY], 1) == ([], ["jax"])


def test_sizes_are_those_of_the_issue_and_all_levels_share_tables():
    assert [size.label for size in SIZES[:3]] == [
        "1,2,1000,32,1000", "64,8,256,128,200", "4096,16,128,4096,8",
    ]  # fmt: skip
    problem = filtering(5, 3, 1000)
    assert len(problem.model.tables) == 2


def test_contestants_take_turns_and_short_calls_are_repeated(monkeypatch):
    calls, clock = [], [0.0]
    seconds = {"a": 0.5, "b": 0.125}

    def call(name):
        calls.append(name)
        clock[0] += seconds[name] if calls.count(name) > 1 else 100.0  # the first call is slow

    monkeypatch.setattr("time.perf_counter", lambda: clock[0])
    out = race({k: Contestant(partial(call, k), 4) for k in "ab"}, 3, least=0.4)
    assert calls == ["a", "a", "b", "b"] + ["a", "b", "b", "b", "b"] * 3
    assert {k: v.tolist() for k, v in out.items()} == {"a": [0.125] * 3, "b": [0.03125] * 3}


def test_both_halves_of_the_runs_in_c_are_done_by_two_threads():
    seen = []

    class C:
        def run(self, problem, n_particles, scheme, n_runs, rng):
            seen.append((n_runs, threading.get_ident()))

    rows = threads(C(), [TINY], 1)
    assert [set(row) for row in rows] == [{"size", "scheme", "gain", "c"}] * 2
    here = threading.get_ident()
    halves = [thread == here for n_runs, thread in seen if n_runs == 4]
    assert {n_runs for n_runs, _ in seen} == {4, 8}
    assert sum(halves) == len(halves) / 2 > 0


def test_exponents_count_runs_where_they_vary():
    rows = [
        {"axis": axis, "scheme": "s", "by": by, "value": v, "runs": r, "seconds": v**2 * r}
        for axis, r in (("H", 3), ("R", 1)) for by in ("ours", "c") for v in (16, 32, 64)
    ]  # fmt: skip
    assert [round(row["exponent"], 9) for row in exponents(rows)] == [2.0, 2.0]


@pytest.mark.slow
def test_everything_runs_and_is_written(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(report, "seconds_of_engines", lambda: [])
    monkeypatch.setattr(limits, "COMMANDS", limits.COMMANDS[:1])
    monkeypatch.setattr(report, "memory", lambda n: [{"particles": n}])
    report.run(tmp_path, PLAN)
    tables = json.loads((tmp_path / "bench.json").read_text())["tables"]
    named = {
        "scaling",
        "exponents",
        "threads",
        "options",
        "samplers",
        "memory",
        "seconds",
        "others",
    }
    assert set(tables) == named | ({"c"} if compiler() else set())
    assert {row["sampler"] for row in tables["samplers"]} == {
        "SMC, multinomial", "SMC, systematic", "SIS", "SMC-RS", "VGB",
    }  # fmt: skip
    assert all(len(row["cost"]) == 3 and min(row["cost"]) > 0 for row in tables["options"])
    assert (tmp_path / "throughput.svg").stat().st_size > 0
    out, err = capsys.readouterr()
    assert "against" not in out.splitlines()[0]
    assert "particlebounds: scaling" in err


@pytest.mark.slow
def test_without_a_compiler_the_rest_is_measured(monkeypatch):
    for name in ("seconds_of_engines", "seconds_of_commands", "memory"):
        monkeypatch.setattr(report, name, lambda *_: [])
    monkeypatch.setattr(report, "against_others", lambda *_: ([], []))
    monkeypatch.setattr(report, "compiler", lambda: None)
    tables = report.measure(PLAN)
    assert "c" not in tables
    assert {row["by"] for row in tables["scaling"]} == {"ours"}


def test_no_compiler_is_said_plainly(monkeypatch, tmp_path):
    monkeypatch.setattr("scripts.bench.c_code.compiler", lambda: None)
    with pytest.raises(FileNotFoundError, match="no C compiler"):
        CSMC(tmp_path)


@pytest.mark.slow
def test_memory_counts_bytes_a_particle():
    # rows of two levels, ancestor and weight or sum of weights; multinomial keeps a guide too
    touched = {"systematic": 4 + 4 + 4 + 8, "multinomial": 4 + 4 + 4 + 8 + 4}
    for row in limits.memory(400_000):
        # pages that the process had before are not counted again
        assert 0.9 < row["bytes_a_particle"] / touched[row["scheme"]] < 2


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs affinities")
def test_others_are_timed_on_one_core_which_is_then_given_back(monkeypatch):
    before, seen = os.sched_getaffinity(0), []

    def rival(*_):
        seen.append(os.sched_getaffinity(0))
        raise ImportError

    monkeypatch.setattr("scripts.bench.others.RIVALS", {"jax": rival})
    against_others([TINY], 1)
    assert [len(cores) for cores in seen] == [1, 1]
    assert os.sched_getaffinity(0) == before
