"""What cannot be printed is told in one line, or printed as an escape; nothing is lost."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-c", "from scripts.cli.app import main; main()"]


def run(*arguments, stdout=subprocess.PIPE, **environment):
    return subprocess.run(
        [*COMMAND, *arguments], stdout=stdout, stderr=subprocess.PIPE, cwd=ROOT, timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["check", "reference"]])
def test_a_full_disk_is_bad_luck_and_no_violated_theorem(arguments):
    with open("/dev/full", "w") as full:
        done = run(*arguments, stdout=full)
    assert done.returncode == 2
    assert len(done.stderr.decode().splitlines()) == 1


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_any_encoding_of_the_terminal_shows_the_result(encoding):
    done = run("claims", "A.2", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode(encoding)
    assert "holds" in text
    assert ("‖" if encoding == "utf-8" else "\\u2016") in text


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["0", "1", "-3"])
def test_a_terminal_without_width_is_eighty_columns_wide(columns):
    assert len(run("list", COLUMNS=columns).stdout.decode().splitlines()) > 30


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
@pytest.mark.parametrize(
    ("command", "name"), [("check", "pipe.json"), ("inspect", "pipe.npz"), ("replay", "p.parquet")]
)
def test_a_named_pipe_is_no_file(command, name, tmp_path):
    os.mkfifo(tmp_path / name)
    done = run(command, str(tmp_path / name))
    assert done.returncode == 2
    assert "not a regular file" in done.stderr.decode()
