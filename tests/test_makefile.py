"""What `make` says and does before anything is installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TARGETS = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()


def make(*words):
    if shutil.which("make") is None:
        pytest.skip("needs make")
    alone = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    done = subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30,
        env=alone,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_make_alone_lists_every_target_with_what_it_is_for():
    lines = [re.fullmatch(r"make ([a-z-]+) +(\S.*)", line) for line in make().splitlines()]
    assert sorted(line[1] for line in lines) == sorted(TARGETS)
    assert not any("$" in line[2] for line in lines)


def test_an_installation_tells_what_it_does_in_lines_and_no_warnings():
    recipe = make("--dry-run", "--always-make", "test", "LM=")
    assert re.findall(r'^echo "(\w+)', recipe, re.MULTILINE) == [
        "making",
        "installing",
        "installed",
    ]
    assert all(" -qq " in line for line in recipe.splitlines() if "pip install" in line)
