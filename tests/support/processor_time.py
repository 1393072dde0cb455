"""A pytest plugin that writes the processor seconds of each test, its set-up and child processes too.

``pytest -p tests.support.processor_time`` writes ``test,seconds`` lines to the file named by
``TEST_TIMES``, or ``test_times.csv``. Processor time hardly depends on what else the machine does.
A fixture shared by several tests counts for the first of them.
"""

import csv
import os
from pathlib import Path

import pytest


def _processor_seconds():
    """Seconds of this process and of its children that have ended."""
    return sum(os.times()[:4])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    start = _processor_seconds()
    try:
        return (yield)
    finally:
        path = Path(os.environ.get("TEST_TIMES", "test_times.csv"))
        with path.open("a", newline="") as file:
            csv.writer(file).writerow([item.nodeid, f"{_processor_seconds() - start:.2f}"])
