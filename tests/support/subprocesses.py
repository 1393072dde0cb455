"""The command line as a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# pytest prints a failure twice where it sees these: a run under test looks the same everywhere
ON_CI = ("CI", "BUILD_NUMBER")
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ON_CI} | {"PYTHONPATH": str(ROOT)}


def start(*arguments, **options):
    """Start `particlebounds` with the arguments, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "scripts.cli.app", *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=ENVIRONMENT, start_new_session=True, **options,
    )  # fmt: skip


def python(code, *arguments):
    """Run a script that may import the project, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True, text=True, env=ENVIRONMENT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
