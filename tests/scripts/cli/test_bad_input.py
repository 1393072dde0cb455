"""Command lines of sweeps, replays and absurd sizes: code 2, one line, nothing half-written.

More stand in test_app.py and test_replay.py, malformed problem files in test_files.py.
"""

import pytest

from tests.support.command_line import run

SWEEP = ("sweep", "eos", "--runs", "2000", "--jobs", "1")
HUGE = "9" * 23

BAD = [
    (["sweep", "--out", "o"], "PROBLEM"),
    (["sweep", "eos"], "--out"),
    (["sweep", "nope", "--out", "o"], "'nope'"),
    (["sweep", "eos", "nope.json", "--out", "o"], "nope.json: no such file"),
    (["sweep", "eos", "eos", "--out", "o"], "eos is given twice"),
    ([*SWEEP, "--out", "file"], "file"),
    ([*SWEEP, "--out", "file/deeper"], "file/deeper"),
    ([*SWEEP, "--out", "/proc/nope"], "/proc/nope"),
    ([*SWEEP, "--out", "/sys"], "/sys"),
    ([*SWEEP, "--out", "a\0b"], "a"),
    ([*SWEEP, "--out", "x" * 5000], "too long"),
    ([*SWEEP, "--out", "o", "-n", "1,,2"], "--particles '1,,2'"),
    ([*SWEEP, "--out", "o", "-n", ""], "--particles ''"),
    ([*SWEEP, "--out", "o", "-n", "1.5"], "--particles '1.5'"),
    ([*SWEEP, "--out", "o", "-n", "4,2,4"], "particles: 4 is given twice"),
    ([*SWEEP, "--out", "o", "-n", "0"], "particles: 0"),
    ([*SWEEP, "--out", "o", "-n", HUGE], HUGE),
    ([*SWEEP, "--out", "o", "--sampler", "smcc"], "smcc"),
    ([*SWEEP, "--out", "o", "--sampler", "smc:"], "key=value"),
    ([*SWEEP, "--out", "o", "--sampler", "smc:block"], "'block'"),
    ([*SWEEP, "--out", "o", "--sampler", "smc:colour=red"], "colour"),
    ([*SWEEP, "--out", "o", "--sampler", "smc:ess_threshold=nan"], "ess_threshold"),
    ([*SWEEP, "--out", "o", "--sampler", f"smc:block={HUGE}"], HUGE),
    ([*SWEEP, "--out", "o", "--sampler", "smc", "--sampler", "smc"], "smc is given twice"),
    (["sweep", "eos", "--out", "o", "--runs", "0"], "--runs '0'"),
    (["sweep", "eos", "--out", "o", "--runs", "1e5"], "--runs '1e5'"),
    (["sweep", "eos", "--out", "o", "--runs", HUGE], HUGE),
    ([*SWEEP, "--out", "o", "--seed", "-1"], "--seed '-1'"),
    ([*SWEEP, "--out", "o", "--seed", "one"], "--seed 'one'"),
    ([*SWEEP, "--out", "o", "--shard", "1500"], "shard: 1500"),
    ([*SWEEP, "--out", "o", "--shard", "1"], "--shard '1'"),
    ([*SWEEP, "--out", "o", "--shard", HUGE], HUGE),
    (["sweep", "eos", "--out", "o", "--jobs", "0"], "--jobs '0'"),
    (["sweep", "eos", "--out", "o", "--jobs", HUGE], HUGE),
    ([*SWEEP, "--out", "o", "--backend", "mpi"], "--backend 'mpi'"),
    ([*SWEEP, "--out", "o", "--backend", "dask"], "scheduler"),
    ([*SWEEP, "--out", "o", "--scheduler", "tcp://127.0.0.1:8786"], "scheduler"),
    ([*SWEEP, "--out", "o", "--backend", "dask", "--scheduler", "here"], "'here' tcp://HOST:PORT"),
    ([*SWEEP, "--out", "o", "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"], "answers"),
    (["reproduce", "product", "--backend", "dask"], "scheduler"),
    (["reproduce", "product", "--backend", "dask", "--scheduler", "tcp://127.0.0.1:9"], "answers"),
    (["reproduce", "product", "--out", "file"], "file"),
    (["replay"], "FILE"),
    (["replay", "missing.parquet"], "missing.parquet: no such file"),
    (["replay", "."], "Is a directory"),
    (["replay", "file/x"], "Not a directory"),
    (["replay", "a\0b"], "a"),
    (["replay", "x" * 5000], "too long"),
    (["sample", "eos", "--out", "file/x.parquet"], "file/x.parquet"),
    (["sample", "eos", "--out", ".parquet"], ".parquet"),
    (["sample", "eos", "--out", "a\0.parquet"], "a"),
    (["sample", "eos", "--out", "x.parquet", "--runs", HUGE], HUGE),
    (["sample", "eos", "--out", "x.parquet", "-n", HUGE], HUGE),
    (["exact", "eos", "-n", HUGE], HUGE),
    (["exact", "eos", "-n", "2147483647"], "exact law"),
    (["exact", "eos", "-O", f"block={HUGE}"], HUGE),
    (["check", "eos", "-n", HUGE], HUGE),
    (["check", "lm-digits2", "--runs", HUGE], HUGE),
    (["inspect", f"reference:horizon={HUGE}"], HUGE),
    (["inspect", "reference:horizon=" + "9" * 5000], "horizon"),
    (["inspect", "reference:"], "key=value"),
    (["inspect", "random-tree:sigma=1e308"], "sigma"),
    (["inspect", "random-tree:concentration=1e-308"], "concentration"),
    (["inspect", "a\0.json"], "a"),
    (["inspect", "\udcff\udcfe"], "neither"),
]  # fmt: skip


def label(arguments):
    return ascii(" ".join(arguments))[1:110] if isinstance(arguments, list) else ""


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "named"), BAD, ids=label)
def test_bad_input_is_one_line_and_code_two(capsys, tmp_path, monkeypatch, arguments, named):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("kept")
    out, err = run(capsys, *arguments, code=2)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("particlebounds: ")
    assert all(word in err for word in named.split()), err
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_want_of_memory_is_one_line(capsys, monkeypatch):
    def hungry(*arguments, **options):
        raise MemoryError

    monkeypatch.setattr("simulator.samplers.smc.sampler.SMC.run", hungry)
    _, err = run(capsys, "sample", "eos", "--out", "never.parquet", code=2)
    assert err == "particlebounds: there is not enough memory for this\n"
