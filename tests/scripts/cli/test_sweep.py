"""Sweeps as a user meets them: killed, interrupted, run twice at once, resumed."""

import json
import os
import re
import signal
import time

import pytest

from simulator.runs.store import read_table
from simulator.runs.sweep import Grid, run_sweep
from tests.support.command_line import run
from tests.support.subprocesses import python, start

SHARDS = 60
BEGUN = f"particlebounds: sweep, {SHARDS} parts\n"  # as stderr is no terminal here
ARGUMENTS = ("sweep", "eos", "-n", "1,2", "--runs", SHARDS // 2 * 1024, "--seed", "3",
             "--shard", "1024")  # fmt: skip
GRID = Grid(("eos",), ("smc",), (1, 2), SHARDS // 2 * 1024, 3, 1024)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    run_sweep(GRID, folder)
    return shards(folder)


def shards(folder):
    return {p.name: p.read_bytes() for p in folder.glob("*.parquet")}


KILLER = """
import os, random, signal, sys, time
from pathlib import Path
import scripts.cli.sweep  # what takes long to import
from scripts.cli.app import main
from simulator.samplers.registry import make_sampler
from simulator.problem.library import open_problem
make_sampler("smc", 1).run(open_problem("eos"), 10, rng=0, n_threads=1)  # compile

folder, rounds, arguments = sys.argv[1], 20, sys.argv[2:]

def child():
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        main([*arguments, "--out", folder, "--jobs", "2", "--backend", "threading"])
    return pid

def finished():
    return {p.name for p in Path(folder, "shards").glob("*.parquet")}

stored, hits = set(), 0
for _ in range(rounds):
    pid, ended = child(), 0
    while not ended and finished() == stored:  # each round finishes a shard or a few
        time.sleep(0.001)
        ended, _ = os.waitpid(pid, os.WNOHANG)
    time.sleep(0.01 * random.random())
    if not ended and os.waitpid(pid, os.WNOHANG) == (0, 0):  # still at work
        hits += 1
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    now = finished()
    assert stored <= now, "a finished shard is gone"
    stored = now
print(hits, len(stored))
assert os.waitpid(child(), 0)[1] == 0
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_twenty_kills_in_a_row_change_no_bit(undisturbed, tmp_path):
    hits, stored = map(int, python(KILLER, tmp_path, *ARGUMENTS).split())
    assert hits >= 10  # else the kills came too late to say anything
    assert stored > 0
    assert shards(tmp_path / "shards") == undisturbed


@pytest.mark.slow
def test_a_kill_with_worker_processes_changes_no_bit(undisturbed, tmp_path):
    command = (*ARGUMENTS, "--jobs", "2", "--out", tmp_path)
    first = start(*command)
    wait_for_shards(tmp_path / "shards", 3, first)
    first.kill()
    first.communicate(timeout=30)  # ends when the workers end, too: they hold its pipes
    kept = shards(tmp_path / "shards")
    assert kept.items() <= undisturbed.items()
    second = start(*command)
    _, err = second.communicate()
    assert (second.returncode, err) == (0, BEGUN)
    assert shards(tmp_path / "shards") == undisturbed


def wait_for_shards(folder, count, process):
    while len(list(folder.glob("*.parquet"))) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.slow
def test_two_processes_on_one_folder_do_not_harm_each_other(undisturbed, tmp_path):
    both = [start(*ARGUMENTS, "--jobs", "1", "--json", "--out", tmp_path) for _ in range(2)]
    ends = [p.communicate() for p in both]
    assert [p.returncode for p in both] == [0, 0], ends
    assert ends[0] == ends[1]
    assert ends[0][1] == BEGUN  # neither took the other's shards for damaged
    assert shards(tmp_path / "shards") == undisturbed
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "shards", "states.parquet", "summary.parquet"
    ]  # fmt: skip
    assert [p for p in (tmp_path / "shards").iterdir() if p.suffix != ".parquet"] == []


@pytest.mark.slow
@pytest.mark.parametrize(("backend", "jobs"), [("loky", 1), ("loky", 2), ("threading", 2)])
def test_an_interrupt_is_one_line_and_keeps_what_is_finished(
    undisturbed, tmp_path, backend, jobs
):  # fmt: skip
    # the first runs are those of the undisturbed sweep, and many more follow
    command = ["--runs", 2**22, "--jobs", jobs, "--backend", backend, "--out", tmp_path]
    process = start("sweep", "eos", "-n", "1", "--seed", "3", "--shard", "1024", *command)
    wait_for_shards(tmp_path / "shards", 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    begun, *rest = err.splitlines()
    assert re.fullmatch(r"particlebounds: sweep, \d+ parts", begun)
    assert rest == ["particlebounds: interrupted; finished parts are kept"]
    kept = shards(tmp_path / "shards")
    assert len(kept) >= 2
    common = kept.keys() & undisturbed.keys()
    assert all(kept[name] == undisturbed[name] for name in common)
    for path in (tmp_path / "shards").glob("*.parquet"):
        read_table(path)
    assert not list(tmp_path.glob("*.parquet"))


@pytest.mark.slow
def test_the_summary_is_printed_and_stored(capsys, tmp_path, undisturbed):
    out, err = run(capsys, *ARGUMENTS, "--jobs", 1, "--json", "--out", tmp_path)
    assert err == BEGUN
    points = json.loads(out)["points"]
    stored, made_by = read_table(tmp_path / "summary.parquet")
    assert points == stored.to_dict("records")
    assert [p["particles"] for p in points] == [1, 2]
    assert made_by["parameters"]["seed"] == 3
    states, _ = read_table(tmp_path / "states.parquet")
    failed = sum(p["failure"] * p["runs"] for p in points)
    assert states["count"].sum() + failed == pytest.approx(2 * GRID.runs, abs=1e-6)
    assert shards(tmp_path / "shards") == undisturbed
    out, _ = run(capsys, *ARGUMENTS, "--jobs", 1, "--out", tmp_path)
    assert len(out.splitlines()) >= 4


@pytest.mark.slow
def test_a_damaged_shard_is_reported_on_stderr(capsys, tmp_path, undisturbed):
    run_sweep(GRID, tmp_path / "shards")
    first, second = sorted((tmp_path / "shards").iterdir())[:2]
    first.write_bytes(second.read_bytes())  # whole, but of other runs
    second.write_bytes(b"junk")
    _, err = run(capsys, *ARGUMENTS, "--jobs", 1, "--out", tmp_path)
    assert BEGUN in err
    lines = err.replace(BEGUN, "").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"particlebounds: {first}: made by something else (parameters: ")
    assert lines[1] == (
        f"particlebounds: {second}: not a readable parquet file; computed again"
    )  # fmt: skip
    assert shards(tmp_path / "shards") == undisturbed
